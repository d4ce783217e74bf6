/// Who connects, and what he may do, is asked of a web service.

#include <mbedtls/md.h>

#include <array>
#include <atomic>
#include <mortise/grants.hpp>
#include <mortise/plugin.hpp>
#include <mortise/workers.hpp>

#include "settings.h"

namespace auth_http {

using mortise::AccessDecision;
using mortise::AuthDecision;
namespace reason = mortise::reason;

namespace {

/// Tells requests apart, and keeps nothing of them. Empty: it could not be made, and nothing is remembered.
std::string digest_of(const Rendered& request) {
  std::array<unsigned char, 32> digest{};
  mbedtls_md_context_t context;
  mbedtls_md_init(&context);
  bool done = mbedtls_md_setup(&context, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 0) == 0 &&
              mbedtls_md_starts(&context) == 0;
  const auto add = [&](std::string_view text) {
    const std::uint64_t size = text.size();
    done = done && mbedtls_md_update(&context, reinterpret_cast<const unsigned char*>(&size), sizeof size) == 0 &&
           mbedtls_md_update(&context, reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 0;
  };
  add(request.target);
  for (const auto& header : request.headers) add(header.second);
  add(request.body);
  done = done && mbedtls_md_finish(&context, digest.data()) == 0;
  mbedtls_md_free(&context);
  return done ? std::string(reinterpret_cast<const char*>(digest.data()), digest.size()) : std::string();
}

AuthDecision auth_decision(const Answer& answer) {
  if (answer.kind == Answer::Kind::kIgnore) return AuthDecision::next();
  if (answer.kind == Answer::Kind::kDeny) return AuthDecision::deny(reason::kBadUserNameOrPassword);
  AuthDecision decision = AuthDecision::allow();
  if (answer.user_name) decision.user_name(*answer.user_name);
  if (answer.name_space) decision.name_space(*answer.name_space);
  if (answer.note) decision.note(*answer.note);
  if (answer.valid_for_s) decision.valid_for(std::chrono::seconds(*answer.valid_for_s));
  return decision;
}

AccessDecision access_decision(const Answer& answer) {
  if (answer.kind == Answer::Kind::kIgnore) return AccessDecision::next();
  return answer.kind == Answer::Kind::kAllow ? AccessDecision::allow() : AccessDecision::deny(reason::kNotAuthorized);
}

}  // namespace

class AuthHttp : public mortise::Plugin {
 public:
  static constexpr bool kConcurrent = true;
  static constexpr mortise::HookOptions hook_options(std::uint32_t hook_id);

  void start(const mortise::ConfigView& config) override;
  void stop() override;
  AuthDecision authenticate(const mortise::ConnectRequestView& request) override;
  AccessDecision authorize(const mortise::AccessRequestView& request) override;

 private:
  /// One question; one of the two tokens is set.
  struct Job {
    std::shared_ptr<Endpoint> endpoint;
    Rendered request;
    std::string digest;
    std::string client_id;
    Client::Deadline deadline;
    std::optional<mortise::AuthPending> auth;
    std::optional<mortise::AccessPending> access;
  };

  /// What is known without asking; or the job, with a place in the queue.
  struct Prepared {
    std::optional<Answer> answer;
    std::unique_ptr<Job> job;
    bool is_busy = false;
  };

  Prepared prepare(const std::shared_ptr<Endpoint>& endpoint, const Values& values, const std::string& client_id);
  bool reserve(std::size_t bytes);
  void give_back(std::size_t bytes);
  void not_deferred(const Job& job, mortise::Status status);
  void ask(Job& job);
  std::optional<Answer> answer_of(Job& job, std::string& why);
  void tell_failure(const std::string& why);
  void tell_denied(const std::string& client_id, const char* why);

  Settings settings_;  // constant from start on
  std::atomic<std::size_t> queued_bytes_{0};
  std::unique_ptr<mortise::Workers<std::unique_ptr<Job>>> workers_;  // constant from start to stop
};

constexpr mortise::HookOptions AuthHttp::hook_options(std::uint32_t hook_id) {
  mortise::HookOptions options;
  if (hook_id == MORTISE_HOOK_AUTH_AUTHENTICATE) {
    options.fields = mortise::fields(MORTISE_FIELD_CONNECT_CLIENT_ID, MORTISE_FIELD_CONNECT_USER_NAME,
                                     MORTISE_FIELD_CONNECT_PASSWORD, MORTISE_FIELD_CONNECT_PEER_ADDRESS,
                                     MORTISE_FIELD_CONNECT_LISTENER);
  } else if (hook_id == MORTISE_HOOK_AUTH_AUTHORIZE) {
    options.fields =
        mortise::fields(MORTISE_FIELD_ACCESS_ACTION, MORTISE_FIELD_ACCESS_TOPIC, MORTISE_FIELD_ACCESS_PRINCIPAL);
    options.child_fields = mortise::fields(MORTISE_FIELD_PRINCIPAL_CLIENT_ID, MORTISE_FIELD_PRINCIPAL_USER_NAME,
                                           MORTISE_FIELD_PRINCIPAL_NAME_SPACE, MORTISE_FIELD_PRINCIPAL_PEER_ADDRESS,
                                           MORTISE_FIELD_PRINCIPAL_LISTENER, MORTISE_FIELD_PRINCIPAL_NOTE);
  }
  return options;
}

void AuthHttp::start(const mortise::ConfigView& config) {
  settings_ = Settings::read(config);
  workers_ = std::make_unique<mortise::Workers<std::unique_ptr<Job>>>(
      settings_.connections, settings_.queue, [this](std::unique_ptr<Job>& job) { ask(*job); },
      [](std::unique_ptr<Job>& job) {
        if (job->auth) (void)job->auth->complete(AuthDecision::deny(reason::kServerUnavailable));
        if (job->access) (void)job->access->complete(AccessDecision::deny(reason::kNotAuthorized));
      });
}

void AuthHttp::stop() {
  // Whoever waits for an answer is woken, or the threads would not end before their deadlines.
  if (settings_.authenticate) settings_.authenticate->client.stop();
  if (settings_.authorize) settings_.authorize->client.stop();
  workers_.reset();
}

// ---- In the hooks ---------------------------------------------------------------------------------------------------

bool AuthHttp::reserve(std::size_t bytes) {
  if (queued_bytes_.fetch_add(bytes) + bytes > settings_.queue_bytes) return queued_bytes_ -= bytes, false;
  if (workers_->reserve()) return true;
  return queued_bytes_ -= bytes, false;
}

void AuthHttp::give_back(std::size_t bytes) {
  queued_bytes_ -= bytes;
  workers_->give_back();
}

/// The broker does not wait for the answer: too many wait already, or it would have to wait for longer than it does.
void AuthHttp::not_deferred(const Job& job, mortise::Status status) {
  give_back(job.request.size());
  if (status == mortise::Status::e_range)
    throw mortise::Error("timeout_ms is above plugin_limits.token_deadline_max: lower it, or raise that");
  (void)count("shed");
}

AuthHttp::Prepared AuthHttp::prepare(const std::shared_ptr<Endpoint>& endpoint, const Values& values,
                                     const std::string& client_id) {
  Prepared prepared;
  const char* why = "";
  auto request = endpoint->request.render(values, why);
  if (!request) {
    tell_denied(client_id, why);
    prepared.answer.emplace();  // a deny
    return prepared;
  }
  std::string digest = digest_of(*request);
  const std::uint64_t now_ms = mortise::now_steady_ms();
  if (!digest.empty()) prepared.answer = endpoint->cache.find(digest, now_ms);
  if (prepared.answer) {
    (void)count("cached");
    if (prepared.answer->kind == Answer::Kind::kDeny) tell_denied(client_id, "the endpoint denied the same before");
    return prepared;
  }
  if (!endpoint->breaker.lets_pass(now_ms)) {
    (void)count("failed_fast");
    throw mortise::Error("the endpoint failed too often in a row; it is asked again after breaker_ms");
  }
  const std::size_t bytes = request->size();
  prepared.is_busy = !reserve(bytes);
  if (prepared.is_busy) {
    (void)count("shed");
    return prepared;
  }
  prepared.job.reset(new Job{endpoint, std::move(*request), std::move(digest), client_id,
                             std::chrono::steady_clock::now() + settings_.timeout, std::nullopt, std::nullopt});
  return prepared;
}

void set(Values& values, std::size_t name, const mortise::BytesField& field) {
  if (const auto shown = field.view()) values.set(name, *shown);
}

AuthDecision AuthHttp::authenticate(const mortise::ConnectRequestView& request) {
  Values values(connect_names().size());
  set(values, kConnectClientId, request.client_id());
  set(values, kConnectUserName, request.user_name());
  set(values, kPassword, request.password());
  set(values, kConnectPeer, request.peer_address());
  set(values, kConnectListener, request.listener());
  set(values, kCommonName, request.certificate_common_name());
  if (values[kConnectUserName] && values[kPassword])
    values.set(kBasic, basic_credentials(*values[kConnectUserName], *values[kPassword]));
  Prepared prepared = prepare(settings_.authenticate, values, values[kConnectClientId].value_or(std::string()));
  if (prepared.answer) return auth_decision(*prepared.answer);
  auto pending = prepared.is_busy ? mortise::Result<mortise::AuthPending>(mortise::Status::e_quota)
                                  : request.defer(settings_.timeout);
  if (!pending) {
    if (prepared.job) not_deferred(*prepared.job, pending.status);
    return AuthDecision::deny(reason::kServerBusy);
  }
  AuthDecision later = pending->decision();
  prepared.job->auth = std::move(*pending);
  workers_->submit(std::move(prepared.job));
  return later;
}

const char* action_name(std::uint64_t action) {
  if (action == MORTISE_ACTION_SUBSCRIBE) return "subscribe";
  return action == MORTISE_ACTION_WILL ? "will" : "publish";
}

AccessDecision AuthHttp::authorize(const mortise::AccessRequestView& request) {
  if (!settings_.authorize) return mortise::answer_by_grants(request, settings_.allowed_for);
  const mortise::PrincipalView principal = request.principal();
  Values values(access_names().size());
  set(values, kAccessClientId, principal.client_id());
  set(values, kAccessUserName, principal.user_name());
  set(values, kNameSpace, principal.name_space());
  set(values, kAccessPeer, principal.peer_address());
  set(values, kAccessListener, principal.listener());
  set(values, kTopic, request.topic());
  values.set(kAction, action_name(*request.action()));
  Prepared prepared = prepare(settings_.authorize, values, values[kAccessClientId].value_or(std::string()));
  if (prepared.answer) return access_decision(*prepared.answer);
  if (prepared.is_busy) throw mortise::Error("too many requests wait for the endpoint");
  auto pending = request.defer(settings_.timeout);
  if (!pending) {
    not_deferred(*prepared.job, pending.status);
    throw mortise::Error("too many questions wait");
  }
  AccessDecision later = pending->decision();
  prepared.job->access = std::move(*pending);
  workers_->submit(std::move(prepared.job));
  return later;
}

// ---- In the threads -------------------------------------------------------------------------------------------------

std::optional<Answer> AuthHttp::answer_of(Job& job, std::string& why) {
  const bool is_json = job.endpoint->request.format == RequestTemplate::Format::kJson;
  Response response;
  if (!job.endpoint->client.post(job.request, is_json ? "application/json" : "application/x-www-form-urlencoded",
                                 job.deadline, response, why)) {
    if (job.endpoint->breaker.failed(mortise::now_steady_ms())) why += "; it is not asked for breaker_ms";
    return std::nullopt;
  }
  // It answers: what it says of one client, be it nonsense, must not shut out the others.
  job.endpoint->breaker.succeeded();
  return read_answer(response.status, response.body, why);
}

void AuthHttp::tell_denied(const std::string& client_id, const char* why) {
  (void)log(mortise::LogLevel::kInfo, "client " + mortise::quoted(client_id) + " is refused: " + why);
}

void AuthHttp::tell_failure(const std::string& why) {
  (void)count("failures");
  (void)log(mortise::LogLevel::kWarning, "the endpoint failed: " + why);
}

/// Without an answer the token goes unused: at its deadline the operator's on_failure says what becomes of the client.
void AuthHttp::ask(Job& job) {
  queued_bytes_ -= job.request.size();
  try {
    std::string why;
    const auto answer = answer_of(job, why);
    if (!answer) return tell_failure(why);
    const auto keep = answer->kind == Answer::Kind::kAllow ? settings_.allowed_for : settings_.denied_for;
    // One that ends would end later if it were given again.
    if (!job.digest.empty() && keep.count() > 0 && !answer->valid_for_s)
      job.endpoint->cache.put(job.digest, *answer, mortise::now_steady_ms() + static_cast<std::uint64_t>(keep.count()));
    if (answer->kind == Answer::Kind::kDeny && job.auth) tell_denied(job.client_id, "the endpoint denies");
    if (job.auth) (void)job.auth->complete(auth_decision(*answer));
    if (job.access) (void)job.access->complete(access_decision(*answer));
  } catch (const std::exception& error) {
    tell_failure(error.what());
  }
}

}  // namespace auth_http

MORTISE_PLUGIN(auth_http::AuthHttp, "auth-http", "0.1.0")
