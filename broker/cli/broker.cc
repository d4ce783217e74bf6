#include "broker/cli/broker.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "broker/base/bytes.h"
#include "broker/cli/memory_limit.h"
#include "broker/cli/plugin_line.h"
#include "broker/mqtt/message.h"
#include "broker/plugin_host/loader.h"

namespace mortise::cli {

namespace {

constexpr Millis kAnswersWithin{50};  // until it is looked again whether all loops have told what they hold

std::size_t loops_of(const config::Settings& settings) {
  return settings.loops > 0 ? settings.loops : std::max(1u, std::thread::hardware_concurrency());
}

core::Shared::StoreFailure store_failure_of(const config::Settings& settings) {
  using Policy = config::StoreFailurePolicy;
  using Failure = core::Shared::StoreFailure;
  for (const config::PluginSettings& plugin : settings.plugins) {
    if (settings.hooks.store != plugin.name) continue;
    if (plugin.on_store_failure == Policy::kStopAcks) return Failure::kStopAcks;
    if (plugin.on_store_failure == Policy::kMemoryOnly) return Failure::kMemoryOnly;
  }
  return Failure::kRefusePersistent;
}

/// Four fifths of what there is, where nothing else is said.
std::uint64_t memory_budget(const config::Settings& settings) {
  const bool is_automatic = settings.memory_budget == config::Settings::kAutomaticBudget;
  return is_automatic ? memory_limit() / 5 * 4 : settings.memory_budget;
}

/// A store plugin opens its database when it starts: it would be made, or found in use by the broker that runs.
config::SettingsPtr without_store(const config::Settings& settings) {
  config::Settings rest = settings;
  std::erase_if(rest.plugins,
                [&](const config::PluginSettings& plugin) { return settings.hooks.store == plugin.name; });
  rest.hooks.store.reset();
  return std::make_shared<const config::Settings>(std::move(rest));
}

}  // namespace

Broker::Broker(config::SettingsPtr settings)
    : settings_(std::move(settings)),
      reclaim_(loops_of(*settings_)),
      subscriptions_(reclaim_, settings_->subscriptions),
      retained_(reclaim_, settings_->retained),
      groups_(subscriptions_) {
  shared_.loops = loops_of(*settings_);
  shared_.home_hash = KeyedHash::random();
  shared_.subscriptions = &subscriptions_;
  shared_.retained = &retained_;
  shared_.groups = &groups_;
  shared_.mqtt = settings_->mqtt;
  shared_.session = settings_->session;
  shared_.match_cache = settings_->match_cache;
  shared_.on_store_failure = store_failure_of(*settings_);
  watch_memory_with(std::make_unique<MemoryWatch>(memory_budget(*settings_), memory_in_use));
}

Broker::~Broker() { stop(Millis(0)); }

Result<std::unique_ptr<Broker>> Broker::start(config::SettingsPtr settings, std::filesystem::path default_plugin_dir,
                                              std::vector<net::InheritedSocket> inherited) {
  std::unique_ptr<Broker> broker(new Broker(std::move(settings)));  // NOLINT: the constructor is private
  broker->default_plugin_dir_ = std::move(default_plugin_dir);
  if (Result<void> done = broker->claim_data_dir(); !done) return std::move(done).as_failure();
  if (Result<void> done = broker->load_plugins(); !done) return std::move(done).as_failure();
  if (Result<void> done = broker->restore(); !done) return std::move(done).as_failure();
  if (Result<void> done = broker->open(std::move(inherited)); !done) return std::move(done).as_failure();
  return broker;
}

Result<std::vector<plugin_host::PluginDescription>> Broker::check(const config::SettingsPtr& settings) {
  Broker broker(without_store(*settings));
  if (Result<void> done = broker.load_plugins(); !done) return std::move(done).as_failure();
  std::vector<plugin_host::PluginDescription> plugins = broker.plugins();
  for (const config::PluginSettings& plugin : settings->plugins) {
    if (settings->hooks.store != plugin.name) continue;
    const auto loaded = plugin_host::load_plugin(plugin.library);
    if (!loaded) {
      return failure("plugin " + plugin.name + " (" + plugin.library.string() + "): " + loaded.error().message);
    }
    plugins.push_back(describe(**loaded, plugin));
  }
  return plugins;
}

Result<void> Broker::claim_data_dir() {
  const std::string folder = settings_->data_dir.string();
  if (folder.empty()) return {};
  const std::string place = "node.data_dir " + quoted(folder);
  std::error_code error;
  std::filesystem::create_directories(settings_->data_dir.parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return failure(place + " cannot be made: " + std::strerror(errno) + "; make it, or choose another");
  }
  data_dir_.reset(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!data_dir_) return failure(place + " cannot be opened: " + std::strerror(errno) + "; choose another");
  if (::flock(data_dir_.get(), LOCK_EX | LOCK_NB) != 0) {
    return failure(place + " is in use by another mortise; stop that one, or choose another folder");
  }
  return {};
}

Result<void> Broker::load_plugins() {
  Result<std::unique_ptr<net::Mesh>> mesh = net::Mesh::create(shared_, {});
  if (!mesh) return std::move(mesh).as_failure();
  mesh_ = std::move(*mesh);
  plugin_host::PluginHost::Services services;
  services.completions = mesh_.get();
  services.intents = mesh_.get();
  services.loop_executor = [&mesh = *mesh_](LoopIndex loop) { return &mesh.executor(loop); };
  services.loops = shared_.loops;
  Result<std::unique_ptr<plugin_host::PluginHost>> plugins = plugin_host::PluginHost::start(settings_, services);
  if (!plugins) return std::move(plugins).as_failure();
  plugins_ = std::move(*plugins);
  return check_who_may_connect(*settings_, plugins_->dispatch());
}

/// Whether somebody authenticates is known when plugins have said what they do.
Result<void> Broker::check_who_may_connect(const config::Settings& settings, const hooks::DispatchPtr& dispatch) {
  return config::check_exposure(settings, [&](const config::ListenerSettings& listener) {
    return hooks::dispatch_for(dispatch, listener.url)->has_authenticate();
  });
}

Result<void> Broker::restore() {
  hooks::StoreHooks* store = plugins_->store();
  if (store != nullptr) durable_side_ = std::make_unique<DurableSide>(*store, *mesh_, settings_->session);
  shared_.has_store = has_store();
  for (std::size_t loop = 0; loop < shared_.loops; ++loop) {
    const auto index = static_cast<LoopIndex>(loop);
    session::Journal* journal = has_store() ? durable_side_->journal(index) : nullptr;
    shards_.push_back(std::make_unique<core::Shard>(index, shared_, journal));
    shards_.back()->set_dispatch(plugins_->dispatch());
  }
  if (!has_store()) return {};
  Result<storage::RecoveryReport> report = durable_side_->recover(shared_, shards_);
  if (!report) return failure("the store " + quoted(*settings_->hooks.store) + ": " + report.error().message);
  recovered_ = *report;
  return {};
}

Result<void> Broker::open(std::vector<net::InheritedSocket> inherited) {
  std::vector<core::Shard*> shards;
  for (const std::unique_ptr<core::Shard>& shard : shards_) shards.push_back(shard.get());
  Result<std::unique_ptr<net::LoopGroup>> loops = net::LoopGroup::create(*mesh_, reclaim_, shards, loop_limits());
  if (!loops) return std::move(loops).as_failure();
  loops_ = std::move(*loops);
  loops_->start();
  if (Result<void> ready = open_admin(); !ready) return ready;
  Result<void> listening = loops_->listen(settings_->listeners, std::move(inherited));
  if (!listening) return failure(settings_->file.string() + ": " + listening.error().message);
  return {};
}

/// Before the listeners: whoever is banned is banned from the first connection on.
Result<void> Broker::open_admin() {
  admin::LiveBroker::Parts parts{settings_,
                                 shards_,
                                 *mesh_,
                                 *loops_,
                                 *plugins_,
                                 shared_,
                                 [this] { return reload(); },
                                 [this] { return memory_->report(); },
                                 [this] { return has_store() && durable_side_->is_failing(); }};
  Result<std::unique_ptr<AdminSide>> operators =
      AdminSide::start(std::move(parts), [control = ::pthread_self()] { ::pthread_kill(control, kAdminSignal); });
  if (!operators) return failure(settings_->file.string() + ": " + operators.error().message);
  operators_ = std::move(*operators);
  return {};
}

void Broker::answer_operators() {
  if (operators_) operators_->answer_waiting();
}

net::LoopLimits Broker::loop_limits() const {
  net::LoopLimits limits;
  // One packet and the read-ahead behind it fit, and what was read in one go with them.
  const std::size_t needed =
      settings_->mqtt.max_packet_size + settings_->session.read_ahead_max_bytes + limits.read_per_socket;
  limits.partial_max = std::max(limits.partial_max, needed);
  return limits;
}

std::vector<std::string> Broker::open_urls() const {
  std::vector<std::string> urls;
  for (const std::shared_ptr<net::Listener>& listener : loops_->listeners()) {
    urls.push_back(listener->open_url());
  }
  return urls;
}

std::shared_ptr<Broker::LoopAnswers> Broker::ask_loops() {
  auto answers = std::make_shared<LoopAnswers>();
  answers->reports.resize(shards_.size());
  answers->missing = shards_.size();
  mesh_->post_to_all([this, answers](LoopIndex loop) {
    answers->reports[loop] = {shards_[loop]->holdings(), shards_[loop]->counters(), loops_->totals(loop)};
    answers->missing.fetch_sub(1);
    answers->missing.notify_one();
  });
  return answers;
}

std::vector<Broker::LoopReport> Broker::report() {
  const std::shared_ptr<LoopAnswers> answers = ask_loops();
  while (const std::size_t missing = answers->missing.load()) answers->missing.wait(missing);
  return std::move(answers->reports);
}

bool Broker::is_alive() {
  if (!loops_ || (signs_missing_ && signs_missing_->load() != 0)) return false;
  signs_missing_ = std::make_shared<std::atomic<std::size_t>>(shards_.size());
  mesh_->post_to_all([missing = signs_missing_](LoopIndex) { missing->fetch_sub(1); });
  return true;
}

SteadyTime Broker::watch_memory(SteadyTime now) {
  if (!loops_) return kNever;
  if (memory_->look(now)) {
    mesh_->post_to_all([this, stage = memory_->report().stage](LoopIndex loop) {
      shards_[loop]->set_memory_stage(stage, mortise::now());
    });
  }
  return memory_->next_look();
}

void Broker::publish_sys(const std::string& topic, const std::string& value) {
  mqtt::MessageView message;
  message.topic = topic;
  message.payload = as_bytes(value);
  message.retain = true;
  message.received_at = wall_now();
  mesh_->perform("$SYS", hooks::PublishIntent{mqtt::Message::make(message)});
}

SteadyTime Broker::refresh_sys_topics(SteadyTime now) {
  const Millis interval = settings_->sys_interval;
  if (interval == Millis(0) || !loops_) return kNever;
  if (!sys_topics_) {
    sys_topics_ = std::make_unique<SysTopics>(
        MORTISE_VERSION, now,
        [this](const std::string& topic, const std::string& value) { publish_sys(topic, value); });
    ask_at_ = now;
  }
  if (answers_ && answers_->missing.load() == 0) {
    admin::Sample sample;
    for (const LoopReport& report : answers_->reports) {
      sample.counters += report.counters;
      sample.holdings += report.holdings;
      sample.totals += report.totals;
    }
    answers_.reset();
    operators_->broker().add_what_is_shared(sample);
    sys_topics_->update(sample, now);
  }
  if (answers_) return now + kAnswersWithin;  // a loop that hangs is not asked again before it has answered
  if (now < ask_at_) return ask_at_;
  answers_ = ask_loops();
  ask_at_ = now + interval;
  return now + kAnswersWithin;
}

void Broker::stop(Millis grace) {
  operators_.reset();
  if (loops_) {
    const std::size_t cut_off = loops_->stop(grace);
    if (cut_off > 0) MORTISE_LOG(kWarning, "cli", "%zu connections were closed before all was written", cut_off);
    loops_.reset();
  }
  if (durable_side_) durable_side_->stop();
  if (plugins_) plugins_->stop();
}

}  // namespace mortise::cli
