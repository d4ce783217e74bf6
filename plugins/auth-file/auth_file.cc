/// Who connects proves it with a password from a file, sent in CONNECT or by SCRAM-SHA-256; what he may do stands in an
/// ACL.

#include <algorithm>
#include <mortise/plugin.hpp>

#include "acl.h"
#include "exchanges.h"
#include "password_check.h"

namespace auth_file {

using mortise::AccessDecision;
using mortise::AuthDecision;
using mortise::ExchangeDecision;
using std::chrono::milliseconds;

/// What the configuration and the files it names say. Immutable: a reload makes another.
struct Settings {
  std::shared_ptr<const Passwords> passwords;
  std::shared_ptr<const Acl> acl;  // null: no opinion on what anybody does
  std::size_t threads = 1;
  std::size_t queue = 256;
  std::size_t exchanges = 10'000;
  milliseconds timeout{10'000};
  milliseconds cache{60'000};

  /// `secret`: of unknown users' answers, where the configuration names none. Errors: throws mortise::Error with a line
  /// for the operator.
  static std::shared_ptr<const Settings> read(const mortise::ConfigView& config, DecoySecret secret);
};

std::shared_ptr<const Settings> Settings::read(const mortise::ConfigView& config, DecoySecret secret) {
  config.only_keys("", {"passwords", "secret", "acl", "threads", "queue", "exchanges", "timeout_ms", "cache_ms"});
  auto settings = std::make_shared<Settings>();
  std::string error;
  if (const auto file = config.text("/secret")) {
    const auto own = read_secret(config.resolve(*file), error);
    if (!own) throw mortise::Error(error);
    secret = *own;
  }
  settings->passwords = Passwords::read(config.resolve(config.required_text("/passwords")), secret, error);
  if (!settings->passwords) throw mortise::Error(error);
  if (const auto acl = config.text("/acl")) {
    settings->acl = Acl::read(config.resolve(*acl), error);
    if (!settings->acl) throw mortise::Error(error);
  }
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  settings->threads = config.number("/threads", 1, 64).value_or(std::max(1u, cores / 2));
  settings->queue = config.number("/queue", 1, 100'000).value_or(256);
  settings->exchanges = config.number("/exchanges", 1, 1'000'000).value_or(10'000);
  settings->timeout = milliseconds(config.number("/timeout_ms", 100, 600'000).value_or(10'000));
  settings->cache = milliseconds(config.number("/cache_ms", 0, 86'400'000).value_or(60'000));
  return settings;
}

class AuthFile : public mortise::Plugin {
 public:
  static constexpr bool kConcurrent = true;
  static constexpr mortise::HookOptions hook_options(std::uint32_t hook_id);

  void start(const mortise::ConfigView& config) override {
    adopt(Settings::read(config, secret_));
    exchanges_ = std::make_unique<Exchanges>(settings_->exchanges);
    check_ = std::make_unique<PasswordCheck>(settings_->threads, settings_->queue);
  }

  void configure(const mortise::ConfigView& config) override {
    auto settings = Settings::read(config, secret_);
    const auto old = current();
    if (settings->threads != old->threads || settings->queue != old->queue || settings->exchanges != old->exchanges) {
      throw mortise::Error("config: /threads, /queue and /exchanges change with a restart only");
    }
    adopt(std::move(settings));
  }

  void stop() override { check_.reset(); }

  AuthDecision authenticate(const mortise::ConnectRequestView& request) override;
  ExchangeDecision exchange(const mortise::ExchangeView& step) override;
  void exchange_ended(const mortise::ExchangeEndView& end) override { (void)exchanges_->take(*end.id()); }
  AccessDecision authorize(const mortise::AccessRequestView& request) override;

 private:
  ExchangeDecision challenge(const mortise::ExchangeView& step, std::string_view client_first);
  void adopt(std::shared_ptr<const Settings> settings);
  std::shared_ptr<const Settings> current() const {
    const std::lock_guard lock(mutex_);
    return settings_;
  }

  mutable std::mutex mutex_;
  std::shared_ptr<const Settings> settings_;  // guarded by mutex_
  std::unique_ptr<PasswordCheck> check_;      // constant from start to stop
  std::unique_ptr<Exchanges> exchanges_;      // likewise
  const DecoySecret secret_ = random_secret();
};

constexpr mortise::HookOptions AuthFile::hook_options(std::uint32_t hook_id) {
  mortise::HookOptions options;
  if (hook_id == MORTISE_HOOK_AUTH_AUTHENTICATE) {
    options.fields = mortise::fields(MORTISE_FIELD_CONNECT_USER_NAME, MORTISE_FIELD_CONNECT_PASSWORD);
  } else if (hook_id == MORTISE_HOOK_AUTH_EXCHANGE) {
    options.fields =
        mortise::fields(MORTISE_FIELD_EXCHANGE_ID, MORTISE_FIELD_EXCHANGE_STEP,
                        MORTISE_FIELD_EXCHANGE_AUTHENTICATION_METHOD, MORTISE_FIELD_EXCHANGE_AUTHENTICATION_DATA);
  } else if (hook_id == MORTISE_HOOK_AUTH_AUTHORIZE) {
    options.fields =
        mortise::fields(MORTISE_FIELD_ACCESS_ACTION, MORTISE_FIELD_ACCESS_TOPIC, MORTISE_FIELD_ACCESS_PRINCIPAL);
    options.child_fields = mortise::fields(MORTISE_FIELD_PRINCIPAL_CLIENT_ID, MORTISE_FIELD_PRINCIPAL_USER_NAME);
  }
  return options;
}

void AuthFile::adopt(std::shared_ptr<const Settings> settings) {
  if (settings->acl) {
    for (const std::string& line : settings->acl->warnings()) (void)log(mortise::LogLevel::kWarning, line);
  } else {
    (void)log(mortise::LogLevel::kWarning,
              "no acl: this plugin lets nobody publish or subscribe; another one of hooks.auth must allow it");
  }
  if (settings->passwords->size() == 0) {
    (void)log(mortise::LogLevel::kWarning, "the password file names nobody; add users with `mortise passwd`");
  }
  const std::lock_guard lock(mutex_);
  settings_ = std::move(settings);
}

AuthDecision AuthFile::authenticate(const mortise::ConnectRequestView& request) {
  auto user = request.user_name().copy();
  if (user.status == mortise::Status::e_absent) return AuthDecision::next();
  auto password = request.password().copy_secret();
  // No password is a wrong one, whoever it is; telling so at once tells nothing.
  if (!user || !password) return AuthDecision::deny(mortise::reason::kBadUserNameOrPassword);
  const auto settings = current();
  if (!check_->reserve()) {
    (void)request.count("busy");
    return AuthDecision::deny(mortise::reason::kServerBusy);
  }
  auto pending = request.defer(settings->timeout);
  if (!pending) {
    check_->give_back();
    return AuthDecision::deny(mortise::reason::kServerBusy);
  }
  AuthDecision later = pending->decision();
  check_->submit({std::move(*pending), std::move(*user), std::move(*password), settings->passwords});
  return later;
}

ExchangeDecision AuthFile::challenge(const mortise::ExchangeView& step, std::string_view client_first) {
  const char* why = "";
  const auto first = scram::parse_client_first(client_first, why);
  if (!first) return ExchangeDecision::deny(mortise::reason::kNotAuthorized).because(why);
  const std::string nonce = scram::make_nonce();
  if (nonce.empty()) throw mortise::Error("no random numbers from the system");
  const Passwords::Challenge challenge = current()->passwords->challenge(first->user);
  scram::Exchange exchange(*first, challenge.verifier, challenge.is_known, nonce);
  const std::string data = exchange.challenge();
  if (exchanges_->add(*step.id(), std::move(exchange))) return ExchangeDecision::go_on(data);
  (void)step.count("busy");
  return ExchangeDecision::deny(mortise::reason::kServerBusy);
}

ExchangeDecision AuthFile::exchange(const mortise::ExchangeView& step) {
  if (!(step.authentication_method() == scram::kMethod)) return ExchangeDecision::next();
  const auto said = step.authentication_data().copy();
  const std::string_view message = said ? std::string_view(*said) : std::string_view();
  if (*step.step() == 1) return challenge(step, message);
  const auto kept = exchanges_->take(*step.id());
  if (!kept) return ExchangeDecision::deny(mortise::reason::kNotAuthorized).because("nothing is known of its exchange");
  const char* why = "";
  auto server_final = kept->finish(message, why);
  if (!server_final) return ExchangeDecision::deny(mortise::reason::kBadUserNameOrPassword).because(why);
  return ExchangeDecision::allow().data(std::move(*server_final)).user_name(kept->user());
}

AccessDecision answer_publish(const Verdict& verdict, const std::string& place, milliseconds cache) {
  AccessDecision decision =
      verdict.is_allowed ? AccessDecision::allow() : AccessDecision::deny(mortise::reason::kNotAuthorized);
  decision.because(place);
  if (cache.count() == 0) return decision;
  return verdict.cache_filter.empty() ? decision.cache_topic(cache)
                                      : decision.cache_filter(verdict.cache_filter, cache);
}

AccessDecision answer_subscribe(const Verdict& verdict, const std::string& place) {
  if (!verdict.is_allowed) return AccessDecision::deny(mortise::reason::kNotAuthorized).because(place);
  AccessDecision decision = AccessDecision::allow();
  for (const Verdict::Part& part : verdict.parts) {
    if (part.allows)
      decision.deliver(part.filter);
    else
      decision.leave_out(part.filter);
  }
  return decision.because(place);
}

AccessDecision AuthFile::authorize(const mortise::AccessRequestView& request) {
  const auto settings = current();
  if (!settings->acl) return AccessDecision::next();
  const Acl& acl = *settings->acl;
  const mortise::PrincipalView principal = request.principal();
  const auto topic = request.topic().view();
  const auto client_id = principal.client_id().view();
  if (!topic || !client_id) throw mortise::Error("the request shows no topic or no client id");
  const auto user_name = principal.user_name().view();
  const ClientView client{*client_id, user_name ? std::optional(*user_name) : std::nullopt};
  if (*request.action() == MORTISE_ACTION_SUBSCRIBE) {
    const Verdict verdict = acl.subscribe(*topic, client);
    return answer_subscribe(verdict, acl.place(verdict.line));
  }
  const Verdict verdict = acl.publish(*topic, client);
  return answer_publish(verdict, acl.place(verdict.line), settings->cache);
}

}  // namespace auth_file

MORTISE_PLUGIN(auth_file::AuthFile, "auth-file", "0.1.0")
