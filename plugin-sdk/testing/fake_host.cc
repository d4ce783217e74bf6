#include <dlfcn.h>

#include <chrono>
#include <cstring>
#include <mortise/testing/fake_host.hpp>
#include <stdexcept>

#include "state.h"

namespace mortise::testing {
namespace {

constexpr auto kLongestWait = std::chrono::seconds(60);

std::uint32_t get_service(mortise_bytes name, const void** table) {
  if (table == nullptr) return MORTISE_E_NULL;
  *table = service_table(string_of(name));
  return *table != nullptr ? MORTISE_OK : MORTISE_E_UNSUPPORTED;
}

/// The signature that this SDK knows for a hook; 0 for one it does not know.
std::uint64_t signature_of(std::uint32_t hook_id) {
  switch (hook_id) {
#define MORTISE_SIGNATURE_CASE(family, hook, MACRO, call_kind, child_kind, decide) \
  case MORTISE_HOOK_##MACRO:                                                       \
    return MORTISE_SIGNATURE_##MACRO;
    MORTISE_FOR_EACH_HOOK(MORTISE_SIGNATURE_CASE)
#undef MORTISE_SIGNATURE_CASE
    default:
      return 0;
  }
}

void check_descriptor(const mortise_plugin* plugin) {
  const auto refuse = [](const std::string& what) { throw std::runtime_error("the plugin's description: " + what); };
  if (plugin == nullptr) refuse("there is none");
  if (plugin->struct_size != sizeof *plugin) refuse("struct_size is not MORTISE_PLUGIN_STAMP's");
  if (plugin->description_hash != MORTISE_DESCRIPTION_HASH) refuse("built against another mortise/abi.h");
  if (plugin->name.size == 0 || plugin->name.size > MORTISE_MAX_NAME_BYTES) refuse("name is empty or too long");
  if (plugin->hook_count > MORTISE_MAX_HOOKS) refuse("hook_count is too large");
  for (std::uint32_t i = 0; i < plugin->hook_count; ++i) {
    const mortise_hook& hook = plugin->hooks[i];
    if (hook.function == nullptr) refuse("a hook without function");
    if (hook.signature != signature_of(hook.hook_id)) refuse("a hook of another signature");
  }
}

FakeHost::EntryPoint entry_of(const std::string& library) {
  void* const loaded = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (loaded == nullptr) throw std::runtime_error(dlerror());
  void* const entry = dlsym(loaded, "mortise_plugin_entry");
  if (entry == nullptr) throw std::runtime_error(library + ": has no mortise_plugin_entry");
  return reinterpret_cast<FakeHost::EntryPoint>(entry);
}

/// A call of the plugin from its beginning to what came of it.
class Call {
 public:
  Call(FakeHost::State& host, std::shared_ptr<Shown> shown, Question question = Question::kNone,
       std::uint32_t action = 0) {
    scope_.host = &host;
    scope_.thread = std::this_thread::get_id();
    scope_.question = question;
    scope_.action = action;
    const std::lock_guard lock(world().mutex);
    handle_ = world().add(scope_, std::move(shown));
  }
  ~Call() {
    if (!is_ended_) end(Status::e_failed);
  }

  mortise_handle handle() const { return handle_; }

  /// Ends the handles; carries the intents out if the hook returned OK; cancels tokens that were not given.
  Scope& end(Status status) {
    is_ended_ = true;
    const std::lock_guard lock(world().mutex);
    world().end(scope_);
    scope_.answer.status = status;
    for (const mortise_handle handle : scope_.tokens) {
      Token& token = world().tokens.at(handle);
      const bool is_kept = status == Status::ok && token.is_granted;
      if (is_kept || token.state != Status::ok) continue;
      token.state = Status::e_cancelled;
      --scope_.host->open_tokens;
    }
    if (status == Status::ok) {
      for (Intent& intent : scope_.intents) scope_.host->carry_out(intent);
    }
    if (!scope_.failure.empty()) scope_.host->failure = scope_.failure;
    scope_.arena = Arena();
    return scope_;
  }

 private:
  Scope scope_;
  mortise_handle handle_ = 0;
  bool is_ended_ = false;
};

mortise_hook_fn function_of(const mortise_plugin& plugin, std::uint32_t hook_id) {
  for (std::uint32_t i = 0; i < plugin.hook_count; ++i) {
    if (plugin.hooks[i].hook_id == hook_id) return plugin.hooks[i].function;
  }
  return nullptr;
}

/// Calls one hook; the scope is what came of it.
Status call_hook(FakeHost::State& host, std::uint32_t hook_id, Call& call) {
  const mortise_hook_fn hook = function_of(*host.plugin, hook_id);
  if (hook == nullptr) return Status::e_unsupported;
  return Status{hook(host.instance, call.handle())};
}

Answer ask(FakeHost::State& host, std::uint32_t hook_id, std::shared_ptr<Shown> shown, Question question,
           std::uint32_t action = 0) {
  Call call(host, std::move(shown), question, action);
  const Status status = call_hook(host, hook_id, call);
  Answer answer = call.end(status).answer;
  if (status != Status::ok) answer.is_decided = false;
  answer.was_pending = answer.verdict == MORTISE_VERDICT_PENDING;
  return answer;
}

std::shared_ptr<Shown> show_config(const std::string& config_json, const std::string& folder) {
  auto shown = std::make_shared<Shown>();
  shown->kind = MORTISE_KIND_CONFIG;
  shown->config = nlohmann::json::parse(config_json);
  shown->bytes(MORTISE_FIELD_CONFIG_INSTANCE_NAME, std::string("test"));
  shown->bytes(MORTISE_FIELD_CONFIG_CONFIG_JSON, config_json);
  shown->bytes(MORTISE_FIELD_CONFIG_CONFIG_DIR, folder);
  shown->bytes(MORTISE_FIELD_CONFIG_DATA_DIR, folder);
  return shown;
}

Page page_of(Scope& scope) {
  Page page;
  page.status = scope.answer.status;
  std::vector<std::uint64_t> aligned((scope.emitted.size() + 7) / 8);
  if (!aligned.empty()) std::memcpy(aligned.data(), scope.emitted.data(), scope.emitted.size());
  mortise_record_iterator at;
  const mortise_bytes block = {reinterpret_cast<const char*>(aligned.data()), scope.emitted.size()};
  std::uint32_t status = mortise_records_begin(block, &at);
  const mortise_record* record = nullptr;
  while (status == MORTISE_OK && (status = mortise_records_next(&at, &record)) == MORTISE_OK) {
    page.is_ended = record->kind == MORTISE_RECORD_END_OF_PAGE;
    if (!page.is_ended) {
      page.records.emplace_back(reinterpret_cast<const char*>(record), record->size);
      continue;
    }
    const mortise_end_of_page* const end = mortise_as_end_of_page(record);
    mortise_bytes cursor = {nullptr, 0};
    mortise_record_bytes(record, end->cursor, &cursor);
    page.more = end->more == 1;
    page.cursor = string_of(cursor);
  }
  if (status != MORTISE_E_ABSENT) page.status = Status::e_corrupt;
  return page;
}

void finish(const Answer& pending, Status why) {
  const std::lock_guard lock(world().mutex);
  Token& token = world().tokens.at(pending.token);
  if (token.state != Status::ok) return;
  token.state = why;
  --token.host->open_tokens;
  world().completed.notify_all();
}

}  // namespace

FakeHost::FakeHost(EntryPoint entry, Limits limits) : state_(std::make_unique<State>()) {
  state_->limits = limits;
  adopt(entry);
}

FakeHost::FakeHost(const std::string& library, Limits limits) : FakeHost(entry_of(library), limits) {}

FakeHost::~FakeHost() {
  if (state_->is_running) (void)stop();
}

void FakeHost::adopt(EntryPoint entry) {
  mortise_hello hello{};
  hello.struct_size = sizeof hello;
  hello.abi_major = MORTISE_ABI_MAJOR;
  hello.abi_minor = MORTISE_ABI_MINOR;
  hello.description_hash = MORTISE_DESCRIPTION_HASH;
  hello.host_name = MORTISE_TEXT("fake");
  hello.host_version = MORTISE_TEXT("0");
  hello.get_service = get_service;
  mortise_reply reply{};
  reply.struct_size = sizeof reply;
  if (entry(&hello, &reply) != MORTISE_OK) throw std::runtime_error("the entry refused: " + string_of(reply.error));
  check_descriptor(reply.plugin);
  state_->plugin = reply.plugin;
}

const mortise_plugin& FakeHost::plugin() const { return *state_->plugin; }

bool FakeHost::has_hook(std::uint32_t hook_id) const { return function_of(*state_->plugin, hook_id) != nullptr; }

Status FakeHost::start(const std::string& config_json, const std::string& folder) {
  State& host = *state_;
  host.config = show_config(config_json, folder);
  {
    const std::lock_guard lock(world().mutex);
    auto instance = std::make_shared<Shown>();
    instance->kind = MORTISE_KIND_INSTANCE;
    host.self = world().make(MORTISE_KIND_INSTANCE);
    host.is_closed = false;
    world().entries[host.self] = Entry{&host, std::move(instance), nullptr, nullptr};
  }
  Call call(host, host.config);
  const mortise_start_fn on_start = host.plugin->on_start;
  const Status status = on_start == nullptr ? Status::ok : Status{on_start(call.handle(), host.self, &host.instance)};
  call.end(status);
  host.is_running = status == Status::ok;
  return status;
}

Status FakeHost::configure(const std::string& config_json, const std::string& folder) {
  State& host = *state_;
  if (host.plugin->on_config == nullptr) return Status::e_unsupported;
  Call call(host, show_config(config_json, folder));
  const Status status{host.plugin->on_config(host.instance, call.handle())};
  call.end(status);
  return status;
}

Status FakeHost::stop() {
  State& host = *state_;
  Status status = Status::ok;
  {
    Call call(host, host.config);
    if (host.plugin->on_stop != nullptr) status = Status{host.plugin->on_stop(host.instance, call.handle())};
    call.end(status);
  }
  const std::lock_guard lock(world().mutex);
  host.is_running = false;
  host.is_closed = true;
  world().entries.erase(host.self);
  world().ended[host.self] = Status::e_closed;
  const bool has_leaked = host.open_tokens != 0 || host.owned_handles != 0;
  return status == Status::ok && has_leaked ? Status::e_invalid : status;
}

std::string FakeHost::failure() const { return state_->failure; }

Answer FakeHost::authenticate(const ConnectRequest& request) { return wait(begin_authenticate(request)); }
Answer FakeHost::authorize(const AccessRequest& request) { return wait(begin_authorize(request)); }
Answer FakeHost::bind(const BindRequest& request) { return wait(begin_bind(request)); }

Answer FakeHost::exchange(const Exchange& exchange) { return wait(begin_exchange(exchange)); }

Answer FakeHost::begin_authenticate(const ConnectRequest& request) {
  return ask(*state_, MORTISE_HOOK_AUTH_AUTHENTICATE, show(request), Question::kAuth);
}

Answer FakeHost::begin_authorize(const AccessRequest& request) {
  return ask(*state_, MORTISE_HOOK_AUTH_AUTHORIZE, show(request), Question::kAccess, request.action);
}

Answer FakeHost::begin_bind(const BindRequest& request) {
  return ask(*state_, MORTISE_HOOK_TOPIC_BIND, show(request), Question::kBind);
}

Answer FakeHost::begin_exchange(const Exchange& exchange) {
  return ask(*state_, MORTISE_HOOK_AUTH_EXCHANGE, show(exchange), Question::kExchange);
}

Status FakeHost::exchange_ended(std::uint64_t id) {
  auto shown = std::make_shared<Shown>();
  shown->kind = MORTISE_KIND_EXCHANGE_END;
  shown->number(MORTISE_FIELD_EXCHANGE_END_ID, id);
  Call call(*state_, std::move(shown));
  return call.end(call_hook(*state_, MORTISE_HOOK_AUTH_EXCHANGE_ENDED, call)).answer.status;
}

Answer FakeHost::wait(const Answer& pending) {
  if (pending.verdict != MORTISE_VERDICT_PENDING || pending.status != Status::ok) return pending;
  std::unique_lock lock(world().mutex);
  const Token& token = world().tokens.at(pending.token);
  const auto is_over = [&token] { return token.state != Status::ok; };
  if (!world().completed.wait_for(lock, kLongestWait, is_over)) {
    Answer late = pending;
    late.status = Status::e_timed_out;
    return late;
  }
  Answer answer = token.answer;
  answer.status = token.state == Status::e_already ? Status::ok : token.state;
  answer.was_pending = true;
  answer.token = pending.token;
  return answer;
}

void FakeHost::cancel(const Answer& pending) { finish(pending, Status::e_cancelled); }
void FakeHost::expire(const Answer& pending) { finish(pending, Status::e_timed_out); }

Status FakeHost::events(const std::vector<Event>& events, std::uint64_t dropped_before) {
  Call call(*state_, show(events, dropped_before));
  return call.end(call_hook(*state_, MORTISE_HOOK_EVENT_EVENTS, call)).answer.status;
}

Status FakeHost::fire_timer(std::uint64_t id) {
  State& host = *state_;
  if (host.timers.erase(id) == 0) return Status::e_absent;
  auto shown = std::make_shared<Shown>();
  shown->kind = MORTISE_KIND_TIMER;
  shown->number(MORTISE_FIELD_TIMER_ID, id);
  shown->number(MORTISE_FIELD_TIMER_DUE_AT_MS, std::uint64_t{0});
  Call call(host, std::move(shown));
  return call.end(Status{host.plugin->on_timer(host.instance, call.handle())}).answer.status;
}

Status FakeHost::open_store(std::uint32_t level) {
  auto shown = std::make_shared<Shown>();
  shown->kind = MORTISE_KIND_STORE_OPEN;
  shown->number(MORTISE_FIELD_STORE_OPEN_LEVEL, std::uint64_t{level});
  Call call(*state_, std::move(shown));
  return call.end(call_hook(*state_, MORTISE_HOOK_STORE_OPEN, call)).answer.status;
}

Status FakeHost::commit(const RecordBlock& batch) {
  const mortise_bytes bytes = batch.bytes();
  mortise_record_iterator at;
  mortise_records_begin(bytes, &at);
  const mortise_record* record = nullptr;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  while (mortise_records_next(&at, &record) == MORTISE_OK) {
    if (first == 0) first = record->number;
    last = record->number;
  }
  auto shown = std::make_shared<Shown>();
  shown->kind = MORTISE_KIND_STORE_COMMIT;
  shown->bytes(MORTISE_FIELD_STORE_COMMIT_BATCH, string_of(bytes));
  shown->number(MORTISE_FIELD_STORE_COMMIT_FIRST_OPERATION, first);
  shown->number(MORTISE_FIELD_STORE_COMMIT_LAST_OPERATION, last);
  Call call(*state_, std::move(shown));
  return call.end(call_hook(*state_, MORTISE_HOOK_STORE_COMMIT, call)).answer.status;
}

Page FakeHost::load(const std::string& cursor, std::uint64_t max_bytes) {
  auto shown = std::make_shared<Shown>();
  shown->kind = MORTISE_KIND_STORE_LOAD;
  shown->bytes(MORTISE_FIELD_STORE_LOAD_CURSOR, cursor);
  shown->number(MORTISE_FIELD_STORE_LOAD_MAX_BYTES, max_bytes);
  Call call(*state_, std::move(shown));
  return page_of(call.end(call_hook(*state_, MORTISE_HOOK_STORE_LOAD, call)));
}

Page FakeHost::fetch(std::uint64_t session, std::uint64_t after_position, std::uint64_t max_messages,
                     std::uint64_t max_bytes) {
  auto shown = std::make_shared<Shown>();
  shown->kind = MORTISE_KIND_STORE_FETCH;
  shown->number(MORTISE_FIELD_STORE_FETCH_SESSION, session);
  shown->number(MORTISE_FIELD_STORE_FETCH_AFTER_POSITION, after_position);
  shown->number(MORTISE_FIELD_STORE_FETCH_MAX_MESSAGES, max_messages);
  shown->number(MORTISE_FIELD_STORE_FETCH_MAX_BYTES, max_bytes);
  Call call(*state_, std::move(shown));
  return page_of(call.end(call_hook(*state_, MORTISE_HOOK_STORE_FETCH, call)));
}

std::vector<LogLine> FakeHost::log() const {
  const std::lock_guard lock(world().mutex);
  return state_->log;
}

bool FakeHost::has_logged(const std::string& text) const {
  for (const LogLine& line : log()) {
    if (line.text.find(text) != std::string::npos) return true;
  }
  return false;
}

std::uint64_t FakeHost::counter(const std::string& name) const {
  const std::lock_guard lock(world().mutex);
  const auto found = state_->counters.find(name);
  return found == state_->counters.end() ? 0 : found->second;
}

std::vector<Published> FakeHost::published() const {
  const std::lock_guard lock(world().mutex);
  return state_->published;
}

std::vector<ClientIntent> FakeHost::disconnected() const {
  const std::lock_guard lock(world().mutex);
  return state_->disconnected;
}

std::vector<ClientIntent> FakeHost::invalidated() const {
  const std::lock_guard lock(world().mutex);
  return state_->invalidated;
}

std::map<std::uint64_t, std::uint64_t> FakeHost::timers() const {
  const std::lock_guard lock(world().mutex);
  return state_->timers;
}

std::size_t FakeHost::open_tokens() const {
  const std::lock_guard lock(world().mutex);
  return state_->open_tokens;
}

std::size_t FakeHost::owned_handles() const {
  const std::lock_guard lock(world().mutex);
  return state_->owned_handles;
}

void FakeHost::set_clock_ms(std::uint64_t wall_ms, std::uint64_t steady_ms) {
  const std::lock_guard lock(world().mutex);
  world().wall_ms = wall_ms;
  world().steady_ms = steady_ms;
}

}  // namespace mortise::testing
