/// Who connects is who his verified certificate says; rules say which certificates are good, and for what.

#include <mortise/plugin.hpp>
#include <mutex>

#include "settings.h"

namespace auth_certificate {

using mortise::AccessDecision;
using mortise::AuthDecision;
namespace reason = mortise::reason;

class AuthCertificate : public mortise::Plugin {
 public:
  static constexpr bool kConcurrent = true;
  static constexpr mortise::HookOptions hook_options(std::uint32_t hook_id);

  void start(const mortise::ConfigView& config) override { settings_ = Settings::read(config); }
  void configure(const mortise::ConfigView& config) override {
    auto settings = Settings::read(config);
    const std::lock_guard<std::mutex> lock(mutex_);
    settings_ = std::move(settings);
  }

  AuthDecision authenticate(const mortise::ConnectRequestView& request) override;
  AccessDecision authorize(const mortise::AccessRequestView& request) override;

 private:
  std::shared_ptr<const Settings> current() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return settings_;
  }
  AuthDecision refuse(const mortise::ConnectRequestView& request, const std::string& why) const;

  mutable std::mutex mutex_;
  std::shared_ptr<const Settings> settings_;  // guarded by mutex_
};

constexpr mortise::HookOptions AuthCertificate::hook_options(std::uint32_t hook_id) {
  mortise::HookOptions options;
  if (hook_id == MORTISE_HOOK_AUTH_AUTHENTICATE) {
    options.fields = mortise::fields(
        MORTISE_FIELD_CONNECT_CLIENT_ID, MORTISE_FIELD_CONNECT_USER_NAME, MORTISE_FIELD_CONNECT_CERTIFICATE_SUBJECT,
        MORTISE_FIELD_CONNECT_CERTIFICATE_COMMON_NAME, MORTISE_FIELD_CONNECT_CERTIFICATE_ALTERNATIVE_NAMES,
        MORTISE_FIELD_CONNECT_CERTIFICATE_FINGERPRINT);
  } else if (hook_id == MORTISE_HOOK_AUTH_AUTHORIZE) {
    options.fields =
        mortise::fields(MORTISE_FIELD_ACCESS_ACTION, MORTISE_FIELD_ACCESS_TOPIC, MORTISE_FIELD_ACCESS_PRINCIPAL);
    options.child_fields =
        mortise::fields(MORTISE_FIELD_PRINCIPAL_CLIENT_ID, MORTISE_FIELD_PRINCIPAL_USER_NAME,
                        MORTISE_FIELD_PRINCIPAL_CERTIFICATE_FINGERPRINT, MORTISE_FIELD_PRINCIPAL_NOTE);
  }
  return options;
}

void read_field(const mortise::BytesField& field, std::vector<std::string>& values) {
  if (auto value = field.copy()) values.push_back(std::move(*value));
}

/// What the client showed; nothing when it showed none.
std::optional<Certificate> certificate_of(const mortise::ConnectRequestView& request) {
  Certificate shown;
  read_field(request.certificate_fingerprint(), shown.values[kFingerprint]);
  if (shown.values[kFingerprint].empty()) return std::nullopt;
  read_field(request.certificate_subject(), shown.values[kSubject]);
  read_field(request.certificate_common_name(), shown.values[kCommonName]);
  const auto alternatives = request.certificate_alternative_names().copy();
  if (!alternatives) throw mortise::Error("the certificate's names cannot be read");
  for (const auto& [kind, value] : *alternatives) {
    for (const std::size_t field : {kDns, kEmail, kUri, kIp}) {
      if (names()[field] == kind) shown.values[field].push_back(value);
    }
  }
  return shown;
}

AuthDecision AuthCertificate::refuse(const mortise::ConnectRequestView& request, const std::string& why) const {
  const std::string client_id = request.client_id().copy().value_or(std::string());
  (void)log(mortise::LogLevel::kInfo, "client " + mortise::quoted(client_id) + " is refused: " + why);
  (void)request.count("refused");
  return AuthDecision::deny(reason::kNotAuthorized);
}

AuthDecision AuthCertificate::authenticate(const mortise::ConnectRequestView& request) {
  const auto settings = current();
  const auto certificate = certificate_of(request);
  if (!certificate) return settings->denies_without ? refuse(request, "it shows no certificate") : AuthDecision::next();
  const auto client_id = request.client_id().copy();
  const auto user_name = request.user_name().copy();
  if (!client_id) throw mortise::Error("the request shows no client id");
  const ClientView client{*client_id, user_name ? std::optional<std::string_view>(*user_name) : std::nullopt};
  Verdict verdict = settings->rules.judge(*certificate, client);
  if (verdict.kind == Verdict::Kind::kDeny) return refuse(request, verdict.why);
  if (verdict.kind == Verdict::Kind::kNothing)
    return settings->denies_otherwise ? refuse(request, "no rule is for its certificate") : AuthDecision::next();
  AuthDecision decision = AuthDecision::allow().user_name(std::move(verdict.user_name)).because(std::move(verdict.why));
  if (verdict.name_space) decision.name_space(std::move(*verdict.name_space));
  if (verdict.note) decision.note(std::move(*verdict.note));
  return decision;
}

/// Who was let in with a certificate that is revoked by now goes with the next thing it does that nothing cached
/// allows.
AccessDecision AuthCertificate::authorize(const mortise::AccessRequestView& request) {
  const auto settings = current();
  const mortise::PrincipalView principal = request.principal();
  const auto fingerprint = principal.certificate_fingerprint().view();
  if (!fingerprint || !settings->rules.is_revoked(*fingerprint))
    return mortise::answer_by_grants(request, settings->cache);
  const auto client_id = principal.client_id().copy();
  const auto name_space = principal.name_space().copy();
  if (client_id && name_space) (void)request.disconnect(*client_id, *name_space, reason::kNotAuthorized);
  return AccessDecision::deny(reason::kNotAuthorized).because("its certificate is revoked");
}

}  // namespace auth_certificate

MORTISE_PLUGIN(auth_certificate::AuthCertificate, "auth-certificate", "0.1.0")
