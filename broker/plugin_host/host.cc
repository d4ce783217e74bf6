#include "broker/plugin_host/host.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "broker/base/check.h"
#include "broker/base/log.h"
#include "broker/plugin_host/family_adapters.h"
#include "broker/plugin_host/instance.h"
#include "broker/plugin_host/loader.h"

namespace mortise::plugin_host {

namespace {

using Instances = std::vector<std::shared_ptr<Instance>>;

/// How many sets of instances of before a reload may find still asked.
constexpr std::size_t kMostRetired = 8;
constexpr Seconds kEventsWithin{5};  // for what an event plugin of before was not told yet

/// Instances of before a reload. Their chains are held by whoever still asks by them. When nobody does, no call of
/// theirs begins; and when each loop has then come to what was posted to it, the last has ended.
struct Retired {
  std::vector<std::weak_ptr<const hooks::Dispatch>> chains;  // those of all listeners, and those of their own
  Instances instances;
  std::shared_ptr<std::atomic<std::size_t>> loops_to_pass = {};  // null: somebody may still ask
  SteadyTime events_until = kNever;                              // kNever: likewise

  explicit Retired(const hooks::DispatchPtr& dispatch) : chains{dispatch} {
    for (const auto& [url, own] : dispatch->by_listener) {
      // The chain of those whose listener is gone has no instance, and no end.
      if (!own->auth.empty() && own->auth.front().hooks == nullptr) continue;
      chains.emplace_back(own);
    }
  }
  bool is_asked() const {
    return std::ranges::any_of(chains, [](const auto& one) { return !one.expired(); });
  }
  /// Nobody adds to them any more; who does not take them in time is not told the rest.
  bool has_events_to_tell(SteadyTime now) {
    if (events_until == kNever) events_until = now + kEventsWithin;
    return now < events_until &&
           std::ranges::any_of(instances, [](const auto& one) { return one->events_queued.load() > 0; });
  }
  /// Its own threads end while others go on: a slow task of one of them does not hold up the control thread.
  bool can_stop() {
    bool can = true;
    for (const auto& instance : instances) can = instance->can_stop() && can;
    return can;
  }

  void refuse_work(const PluginHost::Services& services) {
    for (const auto& instance : instances) instance->refuse_work();
    loops_to_pass = std::make_shared<std::atomic<std::size_t>>(services.loops);
    for (std::size_t loop = 0; loop < services.loops; ++loop) {
      Executor* executor = services.loop_executor(static_cast<LoopIndex>(loop));
      const bool posted = executor != nullptr && executor->post([passed = loops_to_pass] { passed->fetch_sub(1); });
      if (!posted) return loops_to_pass.reset();  // too much waits there: again later
    }
  }
};

void stop_all(Instances& instances) {
  for (auto instance = instances.rbegin(); instance != instances.rend(); ++instance) (*instance)->stop();
}

}  // namespace

struct PluginHost::State {
  config::SettingsPtr settings;
  Services services;
  std::shared_ptr<DeadlineClock> clock = std::make_shared<DeadlineClock>();
  Instances instances;  // in the order of the configuration
  hooks::DispatchPtr dispatch;
  std::unique_ptr<hooks::StoreHooks> store;
  std::vector<Retired> retired;
};

struct PluginHost::Next::State {
  ~State() { stop_all(started); }

  config::SettingsPtr settings;
  Instances instances;  // in the order of the configuration
  Instances started;    // of them, those that are new
  hooks::DispatchPtr dispatch;
};

namespace {

std::string where(const config::PluginSettings& plugin) {
  return "plugin " + plugin.name + " (" + plugin.library.string() + "): ";
}

ConfigSubject config_of(const config::Settings& settings, const config::PluginSettings& plugin) {
  ConfigSubject config;
  config.instance_name = plugin.name;
  config.config_json = plugin.config_json.empty() ? "{}" : plugin.config_json;
  config.config_dir = settings.directory.string();
  config.data_dir = settings.data_dir.string();
  return config;
}

InstanceEnvironment environment_of(const config::Settings& settings, const PluginHost::Services& services,
                                   std::shared_ptr<DeadlineClock> clock) {
  InstanceEnvironment environment;
  environment.completions = services.completions;
  environment.intents = services.intents;
  environment.loop_executor = services.loop_executor;
  environment.loops = std::max<std::size_t>(services.loops, 1);
  environment.clock = std::move(clock);
  environment.limits.tokens = settings.plugin_tokens_max;
  environment.limits.token_deadline = settings.plugin_token_deadline_max;
  environment.limits.payload_bytes = settings.mqtt.max_packet_size;
  return environment;
}

std::uint32_t level_of(session::Durability durability) noexcept {
  switch (durability) {
    case session::Durability::kCommit:
      return MORTISE_DURABILITY_COMMIT;
    case session::Durability::kInterval:
      return MORTISE_DURABILITY_INTERVAL;
    case session::Durability::kNone:
      return MORTISE_DURABILITY_NONE;
  }
  return MORTISE_DURABILITY_COMMIT;
}

Result<std::shared_ptr<Instance>> start_one(const config::Settings& settings, const config::PluginSettings& plugin,
                                            InstanceEnvironment environment, std::size_t place, bool is_in_use) {
  if (plugin.run == config::RunMode::kProcess) {
    return failure(where(plugin) + "`run: process` is not there yet; use `run: inline`");
  }
  auto loaded = load_plugin(plugin.library);
  if (!loaded) return failure(where(plugin) + loaded.error().message);
  for (const std::string& hook : (*loaded)->ignored) {
    MORTISE_LOG(kInfo, "plugin", "%sthis broker does not know its optional %s; it is ignored", where(plugin).c_str(),
                hook.c_str());
  }
  // Serial instances are spread over the loops, so that one loop does not carry all of them.
  const auto home = static_cast<LoopIndex>(place % environment.loops);
  auto instance = std::make_shared<Instance>(*loaded, config_of(settings, plugin), std::move(environment), home);
  if (auto started = instance->start(is_in_use); !started) {
    return failure(where(plugin) + started.error().message);
  }
  return instance;
}

}  // namespace

// ---- Chains ---------------------------------------------------------------------------------------------------------

namespace {

/// The instance that a chain names, with its settings. Errors: it has no hook of this family.
struct Named {
  std::shared_ptr<Instance> instance;
  const config::PluginSettings* settings = nullptr;
};

Result<Named> find_named(const config::Settings& settings, const Instances& instances, const std::string& name,
                         const char* chain, std::string_view family) {
  Named named;
  for (std::size_t i = 0; i < instances.size(); ++i) {
    if (instances[i]->name() == name) named = {instances[i], &settings.plugins[i]};
  }
  const std::string key = std::string("hooks.") + chain + ": ";
  if (named.instance == nullptr)
    return failure(key + "there is no plugin named " + quoted(name) + "; name one of plugins:");
  if (!named.instance->plugin().has_family(family)) {
    return failure(key + where(*named.settings) + "it has no " + chain + " hook; take it off this list");
  }
  return named;
}

/// The chains of auth and topic that these lists name.
Result<std::shared_ptr<hooks::Dispatch>> make_chains(const config::Settings& settings, const Instances& instances,
                                                     const std::vector<std::string>& auth,
                                                     const std::vector<std::string>& topic) {
  auto dispatch = std::make_shared<hooks::Dispatch>();
  for (const std::string& name : auth) {
    auto named = find_named(settings, instances, name, "auth", MORTISE_FAMILY_AUTH);
    if (!named) return std::move(named).as_failure();
    dispatch->auth.push_back({name, make_auth_hooks(named->instance), named->settings->on_auth_failure});
  }
  for (const std::string& name : topic) {
    auto named = find_named(settings, instances, name, "topic", MORTISE_FAMILY_TOPIC);
    if (!named) return std::move(named).as_failure();
    dispatch->topic.push_back({name, make_topic_hooks(named->instance), named->settings->on_topic_failure});
  }
  return dispatch;
}

Result<std::shared_ptr<hooks::Dispatch>> make_dispatch(const config::Settings& settings, const Instances& instances) {
  auto chains = make_chains(settings, instances, settings.hooks.auth, settings.hooks.topic);
  if (!chains) return std::move(chains).as_failure();
  std::shared_ptr<hooks::Dispatch> dispatch = std::move(*chains);
  for (const config::ListenerSettings& listener : settings.listeners) {
    if (!listener.auth_hooks && !listener.topic_hooks) continue;
    auto own = make_chains(settings, instances, auth_chain(settings, listener), topic_chain(settings, listener));
    if (!own) return failure(listener.url + ": " + own.error().message);
    dispatch->by_listener.insert_or_assign(listener.url, std::move(*own));
  }
  for (const std::string& name : settings.hooks.event) {
    auto named = find_named(settings, instances, name, "event", MORTISE_FAMILY_EVENT);
    if (!named) return std::move(named).as_failure();
    dispatch->event.push_back({name, make_event_hooks(named->instance)});
  }
  return dispatch;
}

/// Who came by a listener that is gone, and was asked about by chains of its own, is not let fall to those of all: that
/// would take a tenant's Clients out of it. Nobody answers for them: they are denied.
void close_chains_of_gone(const config::Settings& settings, const hooks::Dispatch& before, hooks::Dispatch& dispatch) {
  static const auto kClosed = [] {
    auto closed = std::make_shared<hooks::Dispatch>();
    closed->auth.push_back({"(listener is gone)", nullptr, hooks::AuthFailurePolicy::kDeny});
    closed->topic.push_back({"(listener is gone)", nullptr, hooks::TopicFailurePolicy::kRejectConnection});
    return std::shared_ptr<const hooks::Dispatch>(std::move(closed));
  }();
  for (const auto& [url, chains] : before.by_listener) {
    const bool is_there =
        std::ranges::find(settings.listeners, url, &config::ListenerSettings::url) != settings.listeners.end();
    if (!is_there) dispatch.by_listener.emplace(url, kClosed);
  }
}

Result<std::unique_ptr<hooks::StoreHooks>> make_store(const config::Settings& settings, const Instances& instances) {
  if (!settings.hooks.store) return std::unique_ptr<hooks::StoreHooks>();
  auto named = find_named(settings, instances, *settings.hooks.store, "store", MORTISE_FAMILY_STORE);
  if (!named) return std::move(named).as_failure();
  // A stored message is a packet's topic, payload and properties, and a few numbers.
  const StoreOptions options{level_of(settings.session.durability),
                             std::size_t{settings.mqtt.max_packet_size} + (256U << 10)};
  return make_store_hooks(named->instance, options);
}

/// A hook that no chain names is never called: worth a line, not an error.
void name_idle_hooks(const config::Settings& settings, const Instances& instances) {
  const config::HookOrder& order = settings.hooks;
  const auto is_in = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  const auto is_used_by_a_listener = [&](const auto& chain_of, const std::string& name) {
    return std::any_of(
        settings.listeners.begin(), settings.listeners.end(),
        [&](const config::ListenerSettings& listener) { return is_in(chain_of(settings, listener), name); });
  };
  for (const auto& instance : instances) {
    const auto idle = [&](std::string_view family, bool is_used, const char* chain) {
      if (is_used || !instance->plugin().has_family(family)) return;
      MORTISE_LOG(kWarning, "plugin", "plugin %s has %s hooks, and hooks.%s does not name it: they are not called",
                  instance->name().c_str(), chain, chain);
    };
    idle(MORTISE_FAMILY_AUTH, is_used_by_a_listener(config::auth_chain, instance->name()), "auth");
    idle(MORTISE_FAMILY_TOPIC, is_used_by_a_listener(config::topic_chain, instance->name()), "topic");
    idle(MORTISE_FAMILY_EVENT, is_in(order.event, instance->name()), "event");
    idle(MORTISE_FAMILY_STORE, order.store == instance->name(), "store");
  }
}

}  // namespace

// ---- The host -------------------------------------------------------------------------------------------------------

PluginHost::PluginHost(std::unique_ptr<State> state) : state_(std::move(state)) {}

PluginHost::~PluginHost() { stop(); }

Result<std::unique_ptr<PluginHost>> PluginHost::start(config::SettingsPtr settings, const Services& services) {
  auto state = std::make_unique<State>();
  state->settings = std::move(settings);
  state->services = services;
  // From here on what was started is stopped again when something fails.
  std::unique_ptr<PluginHost> host(new PluginHost(std::move(state)));
  State& all = *host->state_;
  for (std::size_t i = 0; i < all.settings->plugins.size(); ++i) {
    auto instance =
        start_one(*all.settings, all.settings->plugins[i], environment_of(*all.settings, services, all.clock), i, true);
    if (!instance) return std::move(instance).as_failure();
    all.instances.push_back(std::move(*instance));
  }
  auto dispatch = make_dispatch(*all.settings, all.instances);
  if (!dispatch) return std::move(dispatch).as_failure();
  auto store = make_store(*all.settings, all.instances);
  if (!store) return std::move(store).as_failure();
  all.dispatch = std::move(*dispatch);
  all.store = std::move(*store);
  name_idle_hooks(*all.settings, all.instances);
  return host;
}

hooks::DispatchPtr PluginHost::dispatch() const noexcept { return state_->dispatch; }

hooks::StoreHooks* PluginHost::store() const noexcept { return state_->store.get(); }

std::vector<PluginDescription> PluginHost::descriptions() const {
  std::vector<PluginDescription> all;
  for (std::size_t i = 0; i < state_->instances.size(); ++i) {
    const LoadedPlugin& plugin = state_->instances[i]->plugin();
    PluginDescription description;
    description.instance = state_->instances[i]->name();
    description.library = state_->settings->plugins[i].library.string();
    description.plugin = plugin.name;
    description.version = plugin.version;
    description.is_concurrent = plugin.is_concurrent;
    for (const std::size_t hook : plugin.hook_order) description.hooks.push_back(label_of(hook));
    all.push_back(std::move(description));
  }
  return all;
}

std::vector<InstanceStatistics> PluginHost::statistics() const {
  std::vector<InstanceStatistics> all;
  for (const auto& instance : state_->instances) all.push_back(instance->statistics());
  return all;
}

PluginHost::Next::Next(std::unique_ptr<State> state) : state_(std::move(state)) {}
PluginHost::Next::~Next() = default;
const hooks::DispatchPtr& PluginHost::Next::dispatch() const noexcept { return state_->dispatch; }

Result<std::unique_ptr<PluginHost::Next>> PluginHost::prepare(config::SettingsPtr settings) const {
  if (state_->retired.size() >= kMostRetired) {
    return failure("plugins of " + std::to_string(kMostRetired) +
                   " reloads before still owe answers; try again when they have given them, at the latest after "
                   "plugin_limits.token_deadline_max");
  }
  auto next = std::make_unique<Next::State>();
  next->settings = std::move(settings);
  for (std::size_t i = 0; i < next->settings->plugins.size(); ++i) {
    const config::PluginSettings& plugin = next->settings->plugins[i];
    if (next->settings->hooks.store == plugin.name) {
      const auto same = std::ranges::find(state_->instances, plugin.name, [](const auto& one) { return one->name(); });
      CHECK(same != state_->instances.end());  // a reload does not exchange the store
      next->instances.push_back(*same);
      continue;
    }
    auto instance =
        start_one(*next->settings, plugin, environment_of(*next->settings, state_->services, state_->clock), i, false);
    if (!instance) return std::move(instance).as_failure();
    next->instances.push_back(*instance);
    next->started.push_back(std::move(*instance));
  }
  auto dispatch = make_dispatch(*next->settings, next->instances);
  if (!dispatch) return std::move(dispatch).as_failure();
  close_chains_of_gone(*next->settings, *state_->dispatch, **dispatch);
  next->dispatch = std::move(*dispatch);
  name_idle_hooks(*next->settings, next->instances);
  return std::unique_ptr<Next>(new Next(std::move(next)));  // NOLINT: the constructor is private
}

void PluginHost::use(std::unique_ptr<Next> given) {
  const std::unique_ptr<Next::State> next = std::move(given->state_);
  Retired retired(state_->dispatch);
  for (auto& instance : state_->instances) {
    if (std::ranges::find(next->instances, instance) == next->instances.end())
      retired.instances.push_back(std::move(instance));
  }
  if (!retired.instances.empty()) state_->retired.push_back(std::move(retired));
  state_->settings = std::move(next->settings);
  state_->instances = std::move(next->instances);
  state_->dispatch = std::move(next->dispatch);
  for (const auto& instance : std::exchange(next->started, {})) instance->begin_use();
}

std::size_t PluginHost::retire(SteadyTime now) {
  std::erase_if(state_->retired, [&](Retired& retired) {
    if (retired.is_asked() || retired.has_events_to_tell(now)) return false;
    if (!retired.loops_to_pass) retired.refuse_work(state_->services);
    if (!retired.loops_to_pass || retired.loops_to_pass->load() != 0) return false;
    if (!retired.can_stop()) return false;
    stop_all(retired.instances);
    return true;
  });
  return state_->retired.size();
}

void PluginHost::stop() {
  state_->clock->stop();
  for (Retired& retired : state_->retired) stop_all(retired.instances);
  stop_all(state_->instances);
}

}  // namespace mortise::plugin_host
