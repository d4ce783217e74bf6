#include "broker/admin/reports.h"

#include <algorithm>

#include "broker/base/bytes.h"
#include "broker/config/keys.h"
#include "broker/hooks/decisions.h"
#include "broker/mqtt/topic.h"
#include "broker/observe/log_sink.h"

namespace mortise::admin {

namespace {

using mqtt::PropertyId;

/// Session Expiry Interval: seconds, or null for one that never ends.
Json expiry_json(std::uint32_t seconds) { return seconds == 0xFFFFFFFF ? Json() : Json(seconds); }

const char* version_name(mqtt::ProtocolVersion version) {
  switch (version) {
    case mqtt::ProtocolVersion::k31:
      return "3.1";
    case mqtt::ProtocolVersion::k311:
      return "3.1.1";
    case mqtt::ProtocolVersion::k5:
      break;
  }
  return "5.0";
}

Json certificate_json(const mqtt::CertificateIdentity& certificate) {
  return {{"subject", certificate.subject},
          {"common_name", certificate.common_name},
          {"subject_alternative_name", certificate.subject_alternative_name},
          {"fingerprint_sha256", certificate.fingerprint_sha256}};
}

Json properties_json(const mqtt::Message& message) {
  Json properties = Json::object();
  const mqtt::PropertiesView given = message.properties();
  if (const auto format = given.number(PropertyId::kPayloadFormatIndicator))
    properties["payload_format_indicator"] = *format;
  if (const auto type = given.text(PropertyId::kContentType)) properties["content_type"] = *type;
  if (const auto topic = given.text(PropertyId::kResponseTopic)) properties["response_topic"] = *topic;
  if (const auto bytes = given.binary(PropertyId::kCorrelationData))
    properties["correlation_data_base64"] = to_base64(as_text(*bytes));
  Json users = Json::array();
  given.for_each([&](const mqtt::PropertyView& property) {
    if (property.id == PropertyId::kUserProperty) users.push_back({property.text, property.value});
  });
  if (!users.empty()) properties["user_properties"] = std::move(users);
  return properties;
}

// ---- Configuration --------------------------------------------------------------------------------------------------

Json value_json(const config::Key& key, const config::Value& value) {
  using config::ValueKind;
  switch (key.kind) {
    case ValueKind::kFlag:
      return value.number != 0;
    case ValueKind::kCount:
      if (key.word.text != nullptr && value.number == key.word.value) return key.word.text;
      return value.number;
    case ValueKind::kNames:
    case ValueKind::kTexts:
    case ValueKind::kPaths:
      return value.names;
    case ValueKind::kName:
    case ValueKind::kText:
    case ValueKind::kPath:
      return value.text.empty() ? Json() : Json(value.text);
    default:
      return config::render(key, value);
  }
}

/// `path` is "queue.max_bytes": objects in objects.
Json& place(Json& object, std::string_view path) {
  Json* at = &object;
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    at = &(*at)[std::string(path.substr(0, dot))];
    path.remove_prefix(dot + 1);
  }
  return (*at)[std::string(path)];
}

template <class Target>
Json rows_json(const Target& target) {
  Json object = Json::object();
  for (const config::Row<Target>& row : config::rows_of<Target>()) {
    if (row.get == nullptr || row.key.kind == config::ValueKind::kAnything) continue;
    place(object, row.key.path) = value_json(row.key, row.get(target));
  }
  return object;
}

bool is_secret_name(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
  return has("password") || has("secret") || has("token") || has("credential") || name == "key" ||
         name.ends_with("_key");
}

/// Everything may stand in a plugin's own settings, so what looks like a secret is not shown, nor what is in a URL
/// before an @.
void hide_secrets(Json& value, const std::string& name) {
  if (value.is_object() || value.is_array()) {
    for (auto& [key, inner] : value.items()) hide_secrets(inner, value.is_object() ? key : name);
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    const bool has_user = text.find("://") != std::string::npos && text.find('@') != std::string::npos;
    if (is_secret_name(name) || has_user) value = "(hidden)";
  }
}

}  // namespace

Json time_json(WallTime time) { return time == kNeverWall ? Json() : Json(observe::utc_text(time)); }

std::string failure_name(hooks::FailureKind kind) {
  std::string name = hooks::name_of(kind);
  std::ranges::replace(name, ' ', '_');
  return name;
}

const char* kind_name(core::BanKind kind) noexcept {
  switch (kind) {
    case core::BanKind::kClientId:
      return "client_id";
    case core::BanKind::kUserName:
      return "user_name";
    case core::BanKind::kPeerAddress:
      break;
  }
  return "peer_address";
}

std::optional<core::BanKind> kind_of(std::string_view name) noexcept {
  for (const auto kind : {core::BanKind::kClientId, core::BanKind::kUserName, core::BanKind::kPeerAddress}) {
    if (name == kind_name(kind)) return kind;
  }
  return std::nullopt;
}

Json session_json(const core::SessionReport& session) {
  const mqtt::Principal& principal = *session.principal;
  Json json = {{"client_id", principal.client_id},
               {"namespace", principal.name_space},
               {"user_name", principal.user_name ? Json(*principal.user_name) : Json()},
               {"connected", session.is_connected},
               {"protocol_version", version_name(principal.version)},
               {"listener", principal.listener.text()},
               {"peer_address", principal.peer_address},
               {"peer_port", principal.peer_port},
               {"connected_at", time_json(principal.connected_at)},
               {"keep_alive_seconds", session.keep_alive},
               {"session_expiry_interval_seconds", expiry_json(session.expiry_interval)},
               {"session_expires_at", time_json(session.is_connected ? kNeverWall : session.expires_at)},
               {"subscriptions", session.subscriptions},
               {"queued_messages", session.queued_messages},
               {"queued_bytes", session.queued_bytes},
               {"unwritten_bytes", session.unwritten_bytes},
               {"durable", session.is_durable},
               {"has_will", session.has_will},
               {"topic_prefix", session.topic_prefix},
               {"topic_suffix", session.topic_suffix}};
  const mqtt::CertificateIdentity* certificate = principal.certificate();
  json["certificate"] = certificate != nullptr ? certificate_json(*certificate) : Json();
  return json;
}

Json subscription_json(const core::SubscriptionReport& subscription) {
  return {{"filter", subscription.filter},
          {"routed_filter", subscription.routed_filter},
          {"share_name", subscription.share_name.empty() ? Json() : Json(subscription.share_name)},
          {"maximum_qos", static_cast<int>(subscription.options.maximum_qos)},
          {"no_local", subscription.options.no_local},
          {"retain_as_published", subscription.options.retain_as_published},
          {"retain_handling", static_cast<int>(subscription.options.retain_handling)},
          {"subscription_identifier",
           subscription.subscription_identifier == 0 ? Json() : Json(subscription.subscription_identifier)}};
}

Json message_json(const mqtt::Message& message, bool has_payload) {
  Json json = {{"topic", message.topic()},
               {"qos", static_cast<int>(message.qos())},
               {"payload_bytes", message.payload().size()},
               {"received_at", time_json(message.received_at())},
               {"expires_at", time_json(message.expires_at())}};
  // Clients decide how large the rest is, so a list is without it.
  if (!has_payload) return json;
  json["properties"] = properties_json(message);
  const std::string_view payload = as_text(message.payload());
  if (mqtt::is_valid_utf8(payload)) {
    json["payload"] = payload;
  } else {
    json["payload_base64"] = to_base64(payload);
  }
  return json;
}

Json ban_json(const core::Ban& ban) {
  return {{"kind", kind_name(ban.kind)}, {"what", ban.what}, {"until", time_json(ban.until)}, {"reason", ban.reason}};
}

Json plugin_json(const plugin_host::PluginDescription& plugin, const plugin_host::InstanceStatistics* statistics) {
  Json json = {{"name", plugin.instance},
               {"plugin", plugin.plugin},
               {"version", plugin.version},
               {"library", plugin.library},
               {"run", plugin.run == config::RunMode::kProcess ? "process" : "inline"},
               {"concurrent", plugin.is_concurrent},
               {"hooks", plugin.hooks}};
  if (statistics == nullptr) return json;
  Json calls = Json::object();
  for (const plugin_host::CallStatistics& call : statistics->calls) {
    Json verdicts = Json::object(), failures = Json::object();
    for (std::size_t i = 0; i < call.verdicts.size(); ++i) {
      if (call.verdicts[i] != 0) verdicts[plugin_host::kVerdictNames[i]] = call.verdicts[i];
    }
    for (std::size_t i = 0; i < call.failures.size(); ++i) {
      if (call.failures[i] != 0) failures[failure_name(static_cast<hooks::FailureKind>(i))] = call.failures[i];
    }
    calls[call.name] = {{"calls", call.calls},
                        {"bytes_shown", call.bytes_shown},
                        {"verdicts", std::move(verdicts)},
                        {"failures", std::move(failures)},
                        {"latency_p50_ns", call.latency.quantile_ns(0.5)},
                        {"latency_p99_ns", call.latency.quantile_ns(0.99)}};
  }
  json["calls"] = std::move(calls);
  json["violations"] = statistics->violations;
  json["refusals"] = statistics->refusals;
  json["counters"] = statistics->counters;
  json["pending_tokens"] = statistics->tokens;
  json["owned_handles"] = statistics->owned_handles;
  json["events_queued"] = statistics->events_queued;
  json["events_dropped"] = statistics->events_dropped;
  json["intents_dropped"] = statistics->intents_dropped;
  json["bad_records"] = statistics->bad_records;
  return json;
}

Json configuration_json(const config::Settings& settings) {
  Json json = rows_json(settings);
  json[config::kListenersPath] = Json::array();
  for (const config::ListenerSettings& listener : settings.listeners)
    json[config::kListenersPath].push_back(rows_json(listener));
  json[config::kPluginsPath] = Json::array();
  for (const config::PluginSettings& plugin : settings.plugins) {
    Json one = rows_json(plugin);
    Json own = Json::parse(plugin.config_json, nullptr, false);
    hide_secrets(own, "");
    one["config"] = own.is_discarded() ? Json() : std::move(own);
    json[config::kPluginsPath].push_back(std::move(one));
  }
  return json;
}

}  // namespace mortise::admin
