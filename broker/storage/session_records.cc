#include <optional>

#include "broker/mqtt/topic.h"
#include "broker/storage/body.h"
#include "broker/storage/records.h"

namespace mortise::storage {
namespace {

constexpr mqtt::TopicLimits kNoTopicLimits{0, 0};
constexpr std::uint32_t kMaximumPairs = 4096;  // user properties of one CONNECT
constexpr std::uint32_t kMaximumRuleLists = 256;
constexpr std::uint32_t kMaximumRules = 256;  // MORTISE_MAX_FILTER_RULES
constexpr std::uint32_t kMaximumSubscriptionId = 268'435'455;

/// Namespace and client id (or share group) so that no two pairs have the same key.
std::string session_key(KeyKind kind, std::string_view name_space, std::string_view name) {
  std::string key;
  key.push_back(static_cast<char>(kind));
  const auto size = static_cast<std::uint32_t>(name_space.size());
  key.append(reinterpret_cast<const char*>(&size), sizeof size);
  key.append(name_space);
  key.append(name);
  return key;
}

void put_principal(BodyWriter& body, const mqtt::Principal& principal) {
  if (principal.user_name) body.put_text(*principal.user_name);
  body.put(static_cast<std::uint8_t>(principal.version));
  body.put(principal.peer_port);
  body.put(to_record_time(principal.connected_at));
  body.put_text(principal.client_id);
  body.put_text(principal.name_space);
  body.put_text(principal.listener.text());
  body.put_text(principal.peer_address);
  static const mqtt::CertificateIdentity kNone;
  const mqtt::CertificateIdentity& certificate = principal.certificate() != nullptr ? *principal.certificate() : kNone;
  body.put_text(certificate.subject);
  body.put_text(certificate.common_name);
  body.put_text(certificate.subject_alternative_name);
  body.put_text(certificate.fingerprint_sha256);
  const mqtt::UserProperties* const properties = principal.user_properties();
  body.put(static_cast<std::uint32_t>(properties != nullptr ? properties->size() : 0));
  if (properties == nullptr) return;
  for (const auto& [name, value] : *properties) {
    body.put_text(name);
    body.put_text(value);
  }
}

bool is_known_version(std::uint8_t version) { return version >= 3 && version <= 5; }

/// Null when the body is cut short or a value is impossible.
mqtt::PrincipalPtr get_principal(BodyReaderView& body, bool has_user_name) {
  auto principal = std::make_shared<mqtt::Principal>();
  if (has_user_name) principal->user_name = std::string(body.get_text());
  const auto version = body.get<std::uint8_t>();
  principal->version = static_cast<mqtt::ProtocolVersion>(version);
  principal->peer_port = body.get<std::uint16_t>();
  principal->connected_at = from_record_time(body.get<std::uint64_t>());
  principal->client_id = body.get_text();
  principal->name_space = body.get_text();
  principal->listener = SharedBytes::copy_of(body.get_text());
  principal->peer_address = body.get_text();
  mqtt::CertificateIdentity certificate;
  for (std::string* text : {&certificate.subject, &certificate.common_name, &certificate.subject_alternative_name,
                            &certificate.fingerprint_sha256})
    *text = body.get_text();
  mqtt::PrincipalDetails details;
  if (certificate != mqtt::CertificateIdentity{})
    details.certificate = std::make_shared<const mqtt::CertificateIdentity>(std::move(certificate));
  const auto pairs = body.get<std::uint32_t>();
  if (!body.ok() || !is_known_version(version) || pairs > kMaximumPairs) return nullptr;
  mqtt::UserProperties properties;
  for (std::uint32_t i = 0; i < pairs && body.ok(); ++i) {
    std::string name(body.get_text());
    properties.emplace_back(std::move(name), std::string(body.get_text()));
  }
  if (pairs > 0) details.user_properties = std::make_shared<const mqtt::UserProperties>(std::move(properties));
  principal->set_details(std::move(details));
  const bool is_text = mqtt::is_valid_utf8(principal->client_id) && mqtt::is_valid_utf8(principal->name_space) &&
                       (!principal->user_name || mqtt::is_valid_utf8(*principal->user_name));
  return body.ok() && is_text ? principal : nullptr;
}

std::uint8_t encode_options(const mqtt::SubscriptionOptions& options) {
  unsigned byte = static_cast<unsigned>(options.maximum_qos);
  byte |= options.no_local ? 4u : 0u;
  byte |= options.retain_as_published ? 8u : 0u;
  byte |= static_cast<unsigned>(options.retain_handling) << 4;
  return static_cast<std::uint8_t>(byte);
}

std::optional<mqtt::SubscriptionOptions> decode_options(std::uint8_t byte) {
  if ((byte & 3) > 2 || (byte >> 4) > 2) return std::nullopt;
  return mqtt::SubscriptionOptions{static_cast<mqtt::QoS>(byte & 3), (byte & 4) != 0, (byte & 8) != 0,
                                   static_cast<mqtt::RetainHandling>(byte >> 4)};
}

bool is_filter(std::string_view filter) {
  return filter.size() <= mqtt::kMaximumStringSize && mqtt::is_valid_utf8(filter) &&
         static_cast<bool>(mqtt::parse_topic_filter(filter, kNoTopicLimits));
}

bool get_rules(BodyReaderView& body, session::SubscriptionRecord& out) {
  const auto lists = body.get<std::uint32_t>();
  if (!body.ok() || lists > kMaximumRuleLists) return false;
  for (std::uint32_t i = 0; i < lists; ++i) {
    const auto rules = body.get<std::uint32_t>();
    if (!body.ok() || rules > kMaximumRules) return false;
    auto& list = out.rules.emplace_back();
    for (std::uint32_t j = 0; j < rules; ++j) {
      const auto effect = body.get<std::uint8_t>();
      std::string filter(body.get_text());
      if (!body.ok() || effect > 1 || !is_filter(filter)) return false;
      list.emplace_back(effect == 1, std::move(filter));
    }
  }
  return true;
}

}  // namespace

void append_session_put(RecordBuffer& out, const session::SessionRecord& record) {
  std::uint8_t flags = 0;
  const auto set = [&flags](bool is_set, std::uint8_t bit) {
    if (is_set) flags = static_cast<std::uint8_t>(flags | bit);
  };
  set(record.principal != nullptr, kSessionHasPrincipal);
  set(record.principal != nullptr && record.principal->user_name.has_value(), kSessionHasUserName);
  set(record.affix.has_value(), kSessionHasAffix);
  set(!record.share_group.empty(), kSessionIsShareGroup);

  BodyWriter body(kSessionBody);
  body.put(flags);
  body.put(record.expiry_interval);
  if (record.principal) put_principal(body, *record.principal);
  if (record.affix) {
    body.put(record.affix->operations);
    body.put(record.affix->rule_version);
    body.put_text(record.affix->prefix);
    body.put_text(record.affix->suffix);
  }
  body.put(record.sent_until);
  const bool is_group = !record.share_group.empty();
  const std::string_view name_space = record.principal ? std::string_view(record.principal->name_space) : "";
  const std::string_view client_id = record.principal ? std::string_view(record.principal->client_id) : "";
  const std::string_view name = is_group ? std::string_view(record.share_group) : client_id;
  const std::string key = session_key(is_group ? KeyKind::kShareGroup : KeyKind::kClient, name_space, name);

  hooks::SessionPutRecord fixed{};
  fixed.header.session = record.number;
  fixed.expires_at_ms = to_record_time(record.expires_at);
  out.append(fixed, {as_bytes(key), as_bytes(name), as_bytes(name_space), body.view()});
}

Result<session::SessionRecord> decode_session_put(const RecordView& record) {
  const auto fixed = record.as<hooks::SessionPutRecord>();
  BodyReaderView body(record.range(fixed.body), kSessionBody);
  const auto flags = body.get<std::uint8_t>();
  session::SessionRecord out;
  out.number = fixed.header.session;
  out.expires_at = from_record_time(fixed.expires_at_ms);
  out.expiry_interval = body.get<std::uint32_t>();
  if (out.number == 0 || !body.ok()) return failure("session_put: no number, or its body is cut short");
  if ((flags & kSessionHasPrincipal) != 0) {
    out.principal = get_principal(body, (flags & kSessionHasUserName) != 0);
    if (!out.principal) return failure("session_put: the principal in its body is not valid");
  }
  if ((flags & kSessionHasAffix) != 0) {
    session::AffixRecord affix;
    affix.operations = body.get<std::uint8_t>();
    affix.rule_version = body.get<std::uint64_t>();
    affix.prefix = std::string(body.get_text());
    affix.suffix = std::string(body.get_text());
    if (!mqtt::is_valid_utf8(affix.prefix) || !mqtt::is_valid_utf8(affix.suffix)) return failure("session_put: affix");
    out.affix = std::move(affix);
  }
  out.sent_until = body.written() >= kSessionSaysSentUntilSince ? body.get<std::uint64_t>() : session::kAllMayBeSent;
  const std::string_view name = as_text(record.range(fixed.client_id));
  const bool is_group = (flags & kSessionIsShareGroup) != 0;
  if (is_group) out.share_group = std::string(name);
  if (!body.ok()) return failure("session_put: its body is cut short");
  if (is_group ? !is_filter(name) : out.principal == nullptr || out.principal->client_id != name)
    return failure("session_put: it does not say whose it is");
  return out;
}

void append_subscription_put(RecordBuffer& out, session::SessionNumber session,
                             const session::SubscriptionRecord& record) {
  BodyWriter body(kSubscriptionBody);
  body.put(encode_options(record.options));
  body.put(record.subscription_identifier);
  body.put_text(record.routed_filter);
  body.put(static_cast<std::uint32_t>(record.rules.size()));
  for (const auto& list : record.rules) {
    body.put(static_cast<std::uint32_t>(list.size()));
    for (const auto& [allows, filter] : list) {
      body.put(static_cast<std::uint8_t>(allows ? 1 : 0));
      body.put_text(filter);
    }
  }
  hooks::SubscriptionPutRecord fixed{};
  fixed.header.session = session;
  out.append(fixed, {as_bytes(record.filter), body.view()});
}

Result<session::SubscriptionRecord> decode_subscription_put(const RecordView& record) {
  const auto fixed = record.as<hooks::SubscriptionPutRecord>();
  BodyReaderView body(record.range(fixed.body), kSubscriptionBody);
  const auto options = decode_options(body.get<std::uint8_t>());
  session::SubscriptionRecord out;
  out.subscription_identifier = body.get<std::uint32_t>();
  out.routed_filter = std::string(body.get_text());
  out.filter = std::string(as_text(record.range(fixed.filter)));
  if (!body.ok() || !options || fixed.header.session == 0 || out.subscription_identifier > kMaximumSubscriptionId)
    return failure("subscription_put: its body is not valid");
  if (!is_filter(out.filter) || !is_filter(out.routed_filter))
    return failure("subscription_put: not a valid Topic Filter");
  out.options = *options;
  if (!get_rules(body, out)) return failure("subscription_put: its filter rules are not valid");
  return out;
}

}  // namespace mortise::storage
