#include "tests/broker/token_clerk.h"

#include "broker/plugin_host/abi_lookup.h"
#include "broker/plugin_host/services.h"

namespace mortise::broker_tests {

namespace {

constexpr std::uint32_t kDeadlineMs = 20;
// A token is put off until so many others were; most of its connections are gone by then.
constexpr std::size_t kPutOff = 6;

std::uint32_t decide(mortise_handle call, mortise_auth_decision& answer) {
  return plugin_host::kDecisionService.decide_auth(call, &answer);
}
std::uint32_t decide(mortise_handle call, mortise_access_decision& answer) {
  return plugin_host::kDecisionService.decide_access(call, &answer);
}
std::uint32_t decide(mortise_handle call, mortise_bind_decision& answer) {
  return plugin_host::kDecisionService.decide_bind(call, &answer);
}

mortise_bytes bytes_of(const std::string& text) { return {text.data(), text.size()}; }

/// The user name in the answer is the one asked about: given to another connection it would show.
mortise_auth_decision allow_as(const std::string& user) {
  mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
  answer.verdict = MORTISE_VERDICT_ALLOW;
  answer.flags = MORTISE_AUTH_HAS_USER_NAME;
  answer.user_name = bytes_of(user);
  return answer;
}

mortise_access_decision allow_access() {
  mortise_access_decision answer = MORTISE_ACCESS_DECISION_INIT;
  answer.verdict = MORTISE_VERDICT_ALLOW;
  return answer;
}

/// Each client has the topics below its Client Identifier for its own.
mortise_bind_decision bind_to(const std::string& prefix) {
  mortise_bind_decision answer = MORTISE_BIND_DECISION_INIT;
  answer.verdict = MORTISE_VERDICT_BOUND;
  answer.operations = MORTISE_OPERATION_ALL;
  answer.rule_version = 1;
  answer.prefix = bytes_of(prefix);
  return answer;
}

std::string client_of(mortise_handle principal) {
  mortise_bytes bytes{};
  plugin_host::kViewService.get_bytes(principal, MORTISE_FIELD_PRINCIPAL_CLIENT_ID, &bytes);
  return std::string(bytes.data, bytes.size);
}

template <class Decision>
std::uint32_t pending(mortise_handle call, Decision answer, mortise_handle token) {
  answer.verdict = MORTISE_VERDICT_PENDING;
  answer.token = token;
  return decide(call, answer);
}

}  // namespace

TokenClerk::TokenClerk(Witness& witness) : witness_(witness), thread_([this] { work(); }) {}

TokenClerk::~TokenClerk() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

TokenClerk::When TokenClerk::choose() {
  const std::uint32_t dice = static_cast<std::uint32_t>(random_() % 64);
  if (dice < 32) return When::kInTheHook;
  if (dice < 58) return When::kAtOnce;
  return dice < 62 ? When::kLater : When::kNever;
}

bool TokenClerk::put_off(Kind kind, mortise_handle call, mortise_handle self, const std::string& user,
                         const std::string& client_id, mortise_handle& token) {
  const std::lock_guard lock(mutex_);
  const When when = choose();
  if (when == When::kInTheHook || is_over_) return false;
  if (plugin_host::kTokenService.create(call, kDeadlineMs, &token) != MORTISE_OK) return false;
  Errand errand{kind, self, token, 0, user, client_id};
  if (when == When::kNever) return true;
  if (kind == Kind::kAuthenticate) plugin_host::kCoreService.retain(call, &errand.retained);
  if (when == When::kAtOnce) {
    due_.push_back(std::move(errand));
  } else {
    put_off_.push_back(std::move(errand));
    if (put_off_.size() > kPutOff) {
      due_.push_back(std::move(put_off_.front()));
      put_off_.pop_front();
    }
  }
  changed_.notify_all();
  return true;
}

std::uint32_t TokenClerk::authenticate(mortise_handle call, mortise_handle self) {
  const std::string user = witness_.see_connect(call);
  mortise_auth_decision answer = allow_as(user);
  mortise_handle token = 0;
  if (user.starts_with("helper-")) return decide(call, answer);
  if (!put_off(Kind::kAuthenticate, call, self, user, "", token)) return decide(call, answer);
  return pending(call, mortise_auth_decision MORTISE_AUTH_DECISION_INIT, token);
}

std::uint32_t TokenClerk::authorize(mortise_handle call, mortise_handle self) {
  const std::string user = witness_.see_access(call);
  mortise_access_decision answer = allow_access();
  mortise_handle token = 0;
  if (user.starts_with("helper-")) return decide(call, answer);
  if (!put_off(Kind::kAuthorize, call, self, user, "", token)) return decide(call, answer);
  return pending(call, mortise_access_decision MORTISE_ACCESS_DECISION_INIT, token);
}

std::uint32_t TokenClerk::bind(mortise_handle call, mortise_handle self) {
  const std::string user = witness_.see_bind(call);
  mortise_handle principal = 0, token = 0;
  plugin_host::kViewService.get_child(call, MORTISE_FIELD_BIND_PRINCIPAL, 0, &principal);
  const std::string client_id = client_of(principal);
  mortise_bind_decision none = MORTISE_BIND_DECISION_INIT;
  none.verdict = MORTISE_VERDICT_NEXT;
  if (is_helper(client_id)) return decide(call, none);
  const std::string prefix = client_id + "/";
  mortise_bind_decision answer = bind_to(prefix);
  if (!put_off(Kind::kBind, call, self, user, client_id, token)) return decide(call, answer);
  return pending(call, mortise_bind_decision MORTISE_BIND_DECISION_INIT, token);
}

void TokenClerk::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return is_over_ || !due_.empty(); });
    if (due_.empty()) return;
    const Errand errand = std::move(due_.front());
    due_.pop_front();
    is_busy_ = true;
    lock.unlock();
    run(errand);
    lock.lock();
    is_busy_ = false;
    changed_.notify_all();
  }
}

void TokenClerk::disturb(const Errand& errand) {
  const std::size_t dice = std::hash<std::string>()(errand.user) % 16;
  if (dice == 0) {
    mortise_disconnect kick = MORTISE_DISCONNECT_INIT;
    kick.client_id = bytes_of(errand.client_id);
    plugin_host::kIntentService.disconnect(errand.self, &kick);
  } else if (dice < 3) {
    plugin_host::kIntentService.invalidate(errand.self, {nullptr, 0}, bytes_of(errand.client_id));
  }
}

void TokenClerk::run(const Errand& errand) {
  const mortise_token_v1& tokens = plugin_host::kTokenService;
  std::uint32_t status = MORTISE_OK;
  if (errand.retained != 0) {
    witness_.see_retained_connect(errand.retained, errand.user);
    plugin_host::kCoreService.release(errand.self, errand.retained);
  }
  if (errand.kind == Kind::kAuthenticate) {
    const mortise_auth_decision answer = allow_as(errand.user);
    status = tokens.complete_auth(errand.self, errand.token, &answer);
  } else if (errand.kind == Kind::kAuthorize) {
    const mortise_access_decision answer = allow_access();
    status = tokens.complete_access(errand.self, errand.token, &answer);
  } else {
    const std::string prefix = errand.client_id + "/";
    const mortise_bind_decision answer = bind_to(prefix);
    status = tokens.complete_bind(errand.self, errand.token, &answer);
  }
  if (errand.kind == Kind::kBind) disturb(errand);
  const std::lock_guard lock(mutex_);
  ++outcomes_[std::string(plugin_host::abi::status_name(status))];
}

void TokenClerk::catch_up() {
  std::unique_lock lock(mutex_);
  for (Errand& errand : put_off_) due_.push_back(std::move(errand));
  put_off_.clear();
  changed_.notify_all();
  changed_.wait(lock, [&] { return due_.empty() && !is_busy_; });
}

std::map<std::string, std::size_t> TokenClerk::outcomes() const {
  const std::lock_guard lock(mutex_);
  return outcomes_;
}

}  // namespace mortise::broker_tests
