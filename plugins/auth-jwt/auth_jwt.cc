/// Who connects shows a JSON Web Token; what he may do, and until when, stands in it.

#include <mortise/plugin.hpp>
#include <mortise/workers.hpp>

#include "settings.h"

namespace auth_jwt {

using mortise::AccessDecision;
using mortise::AuthDecision;
namespace reason = mortise::reason;

class AuthJwt : public mortise::Plugin {
 public:
  static constexpr bool kConcurrent = true;
  static constexpr mortise::HookOptions hook_options(std::uint32_t hook_id);

  void start(const mortise::ConfigView& config) override;
  void configure(const mortise::ConfigView& config) override;
  void stop() override { workers_.reset(); }

  AuthDecision authenticate(const mortise::ConnectRequestView& request) override;
  AccessDecision authorize(const mortise::AccessRequestView& request) override {
    return mortise::answer_by_grants(request, current()->cache);
  }

 private:
  struct Job {
    mortise::AuthPending pending;
    std::string client_id;
    std::optional<std::string> user_name;
    mortise::Secret token;
    std::shared_ptr<const Settings> settings;
  };

  std::shared_ptr<const Settings> read(const mortise::ConfigView& config) const;
  std::shared_ptr<const Settings> current() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return settings_;
  }
  void check(Job& job) const;
  std::optional<Granted> grant(const Job& job, std::string& why) const;
  AuthDecision refuse(const std::string& client_id, const std::string& why) const;

  mutable std::mutex mutex_;
  std::shared_ptr<const Settings> settings_;        // guarded by mutex_
  std::unique_ptr<mortise::Workers<Job>> workers_;  // constant from start to stop
};

constexpr mortise::HookOptions AuthJwt::hook_options(std::uint32_t hook_id) {
  mortise::HookOptions options;
  if (hook_id == MORTISE_HOOK_AUTH_AUTHENTICATE) {
    options.fields = mortise::fields(MORTISE_FIELD_CONNECT_CLIENT_ID, MORTISE_FIELD_CONNECT_USER_NAME,
                                     MORTISE_FIELD_CONNECT_PASSWORD);
  } else if (hook_id == MORTISE_HOOK_AUTH_AUTHORIZE) {
    options.fields =
        mortise::fields(MORTISE_FIELD_ACCESS_ACTION, MORTISE_FIELD_ACCESS_TOPIC, MORTISE_FIELD_ACCESS_PRINCIPAL);
    options.child_fields = mortise::fields(MORTISE_FIELD_PRINCIPAL_CLIENT_ID, MORTISE_FIELD_PRINCIPAL_USER_NAME,
                                           MORTISE_FIELD_PRINCIPAL_NOTE);
  }
  return options;
}

std::shared_ptr<const Settings> AuthJwt::read(const mortise::ConfigView& config) const {
  auto settings =
      Settings::read(config, [this](const std::string& line) { (void)log(mortise::LogLevel::kWarning, line); });
  if (!settings->rules.has_opinion()) {
    (void)log(mortise::LogLevel::kWarning,
              "no publish or subscribe in claims or grant: another plugin of hooks.auth must allow what clients do");
  }
  return settings;
}

void AuthJwt::start(const mortise::ConfigView& config) {
  settings_ = read(config);
  workers_ = std::make_unique<mortise::Workers<Job>>(
      settings_->threads, settings_->queue, [this](Job& job) { check(job); },
      [](Job& job) { (void)job.pending.complete(AuthDecision::deny(reason::kServerUnavailable)); });
}

void AuthJwt::configure(const mortise::ConfigView& config) {
  auto settings = read(config);
  const auto old = current();
  if (settings->threads != old->threads || settings->queue != old->queue)
    throw mortise::Error("config: /threads and /queue change with a restart only");
  const std::lock_guard<std::mutex> lock(mutex_);
  settings_ = std::move(settings);
}

AuthDecision AuthJwt::refuse(const std::string& client_id, const std::string& why) const {
  (void)log(mortise::LogLevel::kInfo, "client " + mortise::quoted(client_id) + " is refused: " + why);
  (void)count("refused");
  return AuthDecision::deny(reason::kBadUserNameOrPassword);
}

AuthDecision AuthJwt::authenticate(const mortise::ConnectRequestView& request) {
  const auto settings = current();
  const bool is_password = settings->place == Settings::Place::kPassword;
  auto token = is_password ? request.password().copy_secret() : request.user_name().copy_secret();
  if (!token) return AuthDecision::next();
  if (settings->passes_on_others && !looks_like_token(token->view())) return AuthDecision::next();
  std::string client_id = request.client_id().copy().value_or(std::string());
  if (token->view().size() > settings->max_token) return refuse(client_id, "its token is longer than max_token_bytes");
  std::optional<std::string> user_name;
  if (auto sent = request.user_name().copy(); is_password && sent) user_name = std::move(*sent);
  if (!workers_->reserve()) {
    (void)request.count("busy");
    return AuthDecision::deny(reason::kServerBusy);
  }
  auto pending = request.defer(settings->timeout);
  if (!pending) {
    workers_->give_back();
    return AuthDecision::deny(reason::kServerBusy);
  }
  AuthDecision later = pending->decision();
  workers_->submit({std::move(*pending), std::move(client_id), std::move(user_name), std::move(*token), settings});
  return later;
}

std::optional<Granted> AuthJwt::grant(const Job& job, std::string& why) const {
  const Settings& settings = *job.settings;
  const char* what = "";
  const auto fail = [&] { return why = std::string("its token: ") + what, std::nullopt; };
  const auto token = parse_token(job.token.view(), what);
  if (!token) return fail();
  if (settings.algorithms.count(token->algorithm) == 0) return what = "its alg is none of algorithms", fail();
  auto keys = settings.keys->current(mortise::now_steady_ms());
  if (token->key_id && !keys->knows(*token->key_id)) keys = settings.keys->renewed(mortise::now_steady_ms());
  if (!keys->verify(*token, what)) return fail();
  const auto claims = parse_claims(*token, what);
  if (!claims) return fail();
  ClientView client{job.client_id, std::nullopt};
  if (job.user_name) client.user_name = *job.user_name;
  const auto now_s = static_cast<std::int64_t>(mortise::now_wall_ms() / 1000);
  auto granted = judge(*claims, settings.rules, client, now_s, why);
  if (!granted) why = "its token: " + why;
  return granted;
}

AuthDecision decide(Granted granted, const Settings& settings) {
  AuthDecision decision = AuthDecision::allow();
  if (granted.user_name) decision.user_name(std::move(*granted.user_name));
  if (granted.name_space) decision.name_space(std::move(*granted.name_space));
  if (granted.note) decision.note(std::move(*granted.note));
  if (granted.until_s && settings.disconnects_at_expiry) {
    const auto now_s = static_cast<std::int64_t>(mortise::now_wall_ms() / 1000);
    const std::int64_t left_s = std::max<std::int64_t>(*granted.until_s - now_s, 1);
    if (left_s < UINT32_MAX) decision.valid_for(std::chrono::seconds(left_s));
  }
  return decision;
}

/// A client that has left in the meantime is no error, so nobody asks what complete() says.
void AuthJwt::check(Job& job) const {
  try {
    std::string why;
    auto granted = grant(job, why);
    (void)job.pending.complete(granted ? decide(std::move(*granted), *job.settings) : refuse(job.client_id, why));
  } catch (const std::exception& error) {
    (void)log(mortise::LogLevel::kError, std::string("a token could not be checked: ") + error.what());
    (void)job.pending.complete(AuthDecision::deny(reason::kUnspecifiedError));
  }
}

}  // namespace auth_jwt

MORTISE_PLUGIN(auth_jwt::AuthJwt, "auth-jwt", "0.1.0")
