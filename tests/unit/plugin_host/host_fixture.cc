#include "tests/unit/plugin_host/host_fixture.h"

#include <dlfcn.h>

#include "broker/plugin_host/abi_lookup.h"

namespace mortise::plugin_host {

std::size_t ManualExecutor::run_all() {
  std::deque<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (Task& task : tasks) task();
  return tasks.size();
}

void RecordedCompletions::complete(const hooks::Ticket& ticket, hooks::Resolution resolution) {
  const std::lock_guard lock(mutex_);
  all_.emplace_back(ticket, std::move(resolution));
  arrived_.notify_all();
}

bool RecordedCompletions::wait_for(std::size_t count) {
  std::unique_lock lock(mutex_);
  return arrived_.wait_for(lock, 10s, [&] { return all_.size() >= count; });
}

std::vector<std::pair<hooks::Ticket, hooks::Resolution>> RecordedCompletions::all() {
  const std::lock_guard lock(mutex_);
  return all_;
}

bool RecordedIntents::perform(std::string_view, hooks::Intent intent) {
  const std::lock_guard lock(mutex_);
  if (!accepts) return false;
  all_.push_back(std::move(intent));
  arrived_.notify_all();
  return true;
}

bool RecordedIntents::wait_for(std::size_t count) {
  std::unique_lock lock(mutex_);
  return arrived_.wait_for(lock, 10s, [&] { return all_.size() >= count; });
}

std::vector<hooks::Intent> RecordedIntents::all() {
  const std::lock_guard lock(mutex_);
  return all_;
}

HostTest::~HostTest() {
  if (host_) host_->stop();
  for (Probe* probe : probes_) *probe = {};
}

config::PluginSettings& HostTest::add(const std::string& name, const std::string& library, const std::string& chains,
                                      const std::string& config_json) {
  config::PluginSettings plugin;
  plugin.name = name;
  plugin.library = std::string(MORTISE_TEST_PLUGINS) + "/" + library + ".so";
  plugin.config_json = config_json;
  if (chains.find('a') != std::string::npos) settings_.hooks.auth.push_back(name);
  if (chains.find('t') != std::string::npos) settings_.hooks.topic.push_back(name);
  if (chains.find('e') != std::string::npos) settings_.hooks.event.push_back(name);
  if (chains.find('s') != std::string::npos) settings_.hooks.store = name;
  settings_.plugins.push_back(std::move(plugin));
  return settings_.plugins.back();
}

std::string HostTest::start() {
  PluginHost::Services services;
  services.completions = &completions_;
  services.intents = &intents_;
  services.loop_executor = [this](LoopIndex loop) -> Executor* { return &loops_[loop]; };
  services.loops = 2;
  auto started = PluginHost::start(std::make_shared<config::Settings>(settings_), services);
  if (!started) return started.error().message;
  host_ = std::move(*started);
  return "";
}

void HostTest::probe(const std::string& library, ProbeCall call) {
  const std::string path = std::string(MORTISE_TEST_PLUGINS) + "/" + library + ".so";
  void* mapped = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(mapped, nullptr) << ::dlerror();
  auto* found = static_cast<Probe*>(::dlsym(mapped, "mortise_probe"));
  ASSERT_NE(found, nullptr);
  probe_calls_.push_back(std::make_unique<ProbeCall>(std::move(call)));
  found->context = probe_calls_.back().get();
  found->call = [](void* context, std::uint32_t point, mortise_handle handle, mortise_handle self) {
    return (*static_cast<ProbeCall*>(context))(point, handle, self);
  };
  probes_.push_back(found);
}

hooks::Ticket HostTest::ticket(LoopIndex loop) { return {loop, {7, 1}, ++next_question_}; }

hooks::ConnectRequestPtr HostTest::connect_request(const std::string& client_id) {
  auto request = std::make_shared<hooks::ConnectRequest>();
  request->client_id = client_id;
  request->user_name = "alice";
  request->password.emplace(as_bytes(std::string_view("open sesame")));
  request->keep_alive = 60;
  request->listener = SharedBytes::copy_of("tcp://127.0.0.1:1883");
  request->user_properties = std::make_shared<mqtt::UserProperties>(mqtt::UserProperties{{"zone", "a"}, {"zone", "b"}});
  request->certificate = std::make_shared<mqtt::CertificateIdentity>(
      mqtt::CertificateIdentity{{}, {}, "dns:example.org, email:a@example.org", {}});
  return request;
}

mqtt::PrincipalPtr HostTest::principal(const std::string& client_id) {
  auto made = std::make_shared<mqtt::Principal>();
  made->client_id = client_id;
  made->user_name = "alice";
  made->name_space = "site";
  made->epoch = 42;
  return made;
}

hooks::AccessRequestPtr HostTest::access_request(hooks::Action action) {
  auto request = std::make_shared<hooks::AccessRequest>();
  request->principal = principal();
  request->action = action;
  request->topic = "tenant/alice/a";
  request->original_topic = "a";
  if (action != hooks::Action::kSubscribe) {
    mqtt::MessageView fields;
    fields.topic = request->topic;
    fields.payload = as_bytes(std::string_view("twenty degrees"));
    request->message = mqtt::Message::make(fields);
  }
  return request;
}

hooks::ExchangeRequestPtr HostTest::exchange_request(std::uint32_t step, LoopIndex loop) {
  auto request = std::make_shared<hooks::ExchangeRequest>();
  request->exchange = 42;
  request->loop = loop;
  request->step = step;
  request->method = "SCRAM-SHA-256";
  request->authentication_data.emplace(as_bytes(std::string_view("n,,n=alice")));
  request->connect = connect_request();
  return request;
}

hooks::BindRequestPtr HostTest::bind_request() {
  auto request = std::make_shared<hooks::BindRequest>();
  request->principal = principal();
  return request;
}

hooks::Answer<hooks::AuthDecision> HostTest::authenticate(std::size_t at, const std::string& client_id) {
  return auth(at).authenticate(connect_request(client_id), ticket(), now());
}

std::uint64_t HostTest::violations(const std::string& name, std::size_t at) {
  const auto all = statistics(at).violations;
  const auto found = all.find(name);
  return found == all.end() ? 0 : found->second;
}

std::string status(std::uint32_t number) { return std::string(abi::status_name(number)); }

std::uint32_t decide_auth(mortise_handle call, std::uint32_t verdict) {
  mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
  answer.verdict = verdict;
  return kDecisionService.decide_auth(call, &answer);
}

std::uint32_t decide_access(mortise_handle call, std::uint32_t verdict) {
  mortise_access_decision answer = MORTISE_ACCESS_DECISION_INIT;
  answer.verdict = verdict;
  return kDecisionService.decide_access(call, &answer);
}

}  // namespace mortise::plugin_host
