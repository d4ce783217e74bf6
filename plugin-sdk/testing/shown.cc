#include "state.h"

namespace mortise::testing {

void Shown::number(std::uint32_t field, std::uint64_t value) {
  fields[field] = Value{Value::Type::kNumber, true, value, {}, {}};
}

void Shown::number(std::uint32_t field, const std::optional<std::uint64_t>& value) {
  fields[field] = Value{Value::Type::kNumber, value.has_value(), value.value_or(0), {}, {}};
}

void Shown::bytes(std::uint32_t field, const std::optional<std::string>& value) {
  fields[field] = Value{Value::Type::kBytes, value.has_value(), 0, value.value_or(""), {}};
}

void Shown::pairs(std::uint32_t field, const Pairs& value) {
  fields[field] = Value{Value::Type::kPairs, true, 0, {}, value};
}

void Shown::payload(std::uint32_t field, const std::optional<std::string>& value) {
  fields[field] = Value{Value::Type::kPayload, value.has_value(), 0, value.value_or(""), {}};
}

namespace {

std::optional<std::uint64_t> part(const std::optional<PeerProcess>& process, std::uint64_t PeerProcess::*which) {
  return process ? std::optional((*process).*which) : std::nullopt;
}

}  // namespace

std::shared_ptr<Shown> show(const ConnectRequest& request) {
  auto shown = std::make_shared<Shown>();
  shown->kind = MORTISE_KIND_CONNECT_REQUEST;
  shown->bytes(MORTISE_FIELD_CONNECT_CLIENT_ID, request.client_id);
  shown->bytes(MORTISE_FIELD_CONNECT_USER_NAME, request.user_name);
  shown->number(MORTISE_FIELD_CONNECT_HAS_USER_NAME, std::uint64_t{request.user_name.has_value()});
  shown->bytes(MORTISE_FIELD_CONNECT_PASSWORD, request.password);
  shown->number(MORTISE_FIELD_CONNECT_HAS_PASSWORD, std::uint64_t{request.password.has_value()});
  shown->number(MORTISE_FIELD_CONNECT_PROTOCOL_VERSION, request.protocol_version);
  shown->number(MORTISE_FIELD_CONNECT_CLEAN_START, std::uint64_t{request.clean_start});
  shown->number(MORTISE_FIELD_CONNECT_KEEP_ALIVE_S, request.keep_alive_s);
  shown->bytes(MORTISE_FIELD_CONNECT_LISTENER, request.listener);
  shown->bytes(MORTISE_FIELD_CONNECT_PEER_ADDRESS, request.peer_address);
  shown->number(MORTISE_FIELD_CONNECT_PEER_PORT, request.peer_port);
  shown->bytes(MORTISE_FIELD_CONNECT_LOCAL_ADDRESS, request.local_address);
  shown->number(MORTISE_FIELD_CONNECT_LOCAL_PORT, request.local_port);
  shown->bytes(MORTISE_FIELD_CONNECT_CERTIFICATE_SUBJECT, request.certificate.subject);
  shown->bytes(MORTISE_FIELD_CONNECT_CERTIFICATE_COMMON_NAME, request.certificate.common_name);
  shown->pairs(MORTISE_FIELD_CONNECT_CERTIFICATE_ALTERNATIVE_NAMES, request.certificate.alternative_names);
  shown->bytes(MORTISE_FIELD_CONNECT_CERTIFICATE_FINGERPRINT, request.certificate.fingerprint);
  const auto& will = request.will;
  shown->number(MORTISE_FIELD_CONNECT_HAS_WILL, std::uint64_t{will.has_value()});
  shown->bytes(MORTISE_FIELD_CONNECT_WILL_TOPIC, will ? std::optional(will->topic) : std::nullopt);
  shown->number(MORTISE_FIELD_CONNECT_WILL_QOS, will ? std::optional(will->qos) : std::nullopt);
  shown->number(MORTISE_FIELD_CONNECT_WILL_RETAIN, will ? std::optional(std::uint64_t{will->retain}) : std::nullopt);
  shown->number(MORTISE_FIELD_CONNECT_SESSION_EXPIRY_S, request.session_expiry_s);
  shown->pairs(MORTISE_FIELD_CONNECT_USER_PROPERTIES, request.user_properties);
  shown->number(MORTISE_FIELD_CONNECT_PEER_USER_ID, part(request.process, &PeerProcess::user_id));
  shown->number(MORTISE_FIELD_CONNECT_PEER_GROUP_ID, part(request.process, &PeerProcess::group_id));
  shown->number(MORTISE_FIELD_CONNECT_PEER_PROCESS_ID, part(request.process, &PeerProcess::process_id));
  return shown;
}

std::shared_ptr<Shown> show(const Principal& principal) {
  auto shown = std::make_shared<Shown>();
  shown->kind = MORTISE_KIND_PRINCIPAL;
  shown->bytes(MORTISE_FIELD_PRINCIPAL_CLIENT_ID, principal.client_id);
  shown->bytes(MORTISE_FIELD_PRINCIPAL_USER_NAME, principal.user_name);
  shown->number(MORTISE_FIELD_PRINCIPAL_HAS_USER_NAME, std::uint64_t{principal.user_name.has_value()});
  shown->bytes(MORTISE_FIELD_PRINCIPAL_NAME_SPACE, principal.name_space);
  shown->bytes(MORTISE_FIELD_PRINCIPAL_LISTENER, principal.listener);
  shown->bytes(MORTISE_FIELD_PRINCIPAL_PEER_ADDRESS, principal.peer_address);
  shown->number(MORTISE_FIELD_PRINCIPAL_PEER_PORT, principal.peer_port);
  shown->number(MORTISE_FIELD_PRINCIPAL_PROTOCOL_VERSION, principal.protocol_version);
  shown->number(MORTISE_FIELD_PRINCIPAL_CONNECTED_AT_MS, principal.connected_at_ms);
  shown->bytes(MORTISE_FIELD_PRINCIPAL_CERTIFICATE_SUBJECT, principal.certificate.subject);
  shown->bytes(MORTISE_FIELD_PRINCIPAL_CERTIFICATE_COMMON_NAME, principal.certificate.common_name);
  shown->pairs(MORTISE_FIELD_PRINCIPAL_CERTIFICATE_ALTERNATIVE_NAMES, principal.certificate.alternative_names);
  shown->bytes(MORTISE_FIELD_PRINCIPAL_CERTIFICATE_FINGERPRINT, principal.certificate.fingerprint);
  shown->pairs(MORTISE_FIELD_PRINCIPAL_USER_PROPERTIES, principal.user_properties);
  shown->number(MORTISE_FIELD_PRINCIPAL_SESSION_EPOCH, principal.session_epoch);
  shown->bytes(MORTISE_FIELD_PRINCIPAL_NOTE, principal.note);
  return shown;
}

std::shared_ptr<Shown> show(const AccessRequest& request) {
  auto shown = std::make_shared<Shown>();
  const std::string& original = request.original_topic.empty() ? request.topic : request.original_topic;
  shown->kind = MORTISE_KIND_ACCESS_REQUEST;
  shown->number(MORTISE_FIELD_ACCESS_ACTION, std::uint64_t{request.action});
  shown->bytes(MORTISE_FIELD_ACCESS_TOPIC, request.topic);
  shown->bytes(MORTISE_FIELD_ACCESS_ORIGINAL_TOPIC, original);
  shown->number(MORTISE_FIELD_ACCESS_QOS, request.qos);
  shown->number(MORTISE_FIELD_ACCESS_RETAIN, std::uint64_t{request.retain});
  shown->bytes(MORTISE_FIELD_ACCESS_SHARE_NAME, request.share_name);
  shown->payload(MORTISE_FIELD_ACCESS_PAYLOAD, request.payload);
  shown->number(MORTISE_FIELD_ACCESS_PAYLOAD_SIZE, std::uint64_t{request.payload ? request.payload->size() : 0});
  shown->children[MORTISE_FIELD_ACCESS_PRINCIPAL] = {show(request.principal)};
  return shown;
}

std::shared_ptr<Shown> show(const BindRequest& request) {
  auto shown = std::make_shared<Shown>();
  shown->kind = MORTISE_KIND_BIND_REQUEST;
  shown->number(MORTISE_FIELD_BIND_REASON, request.reason);
  shown->children[MORTISE_FIELD_BIND_PRINCIPAL] = {show(request.principal)};
  return shown;
}

std::shared_ptr<Shown> show(const Exchange& exchange) {
  auto shown = std::make_shared<Shown>();
  const bool is_connect = exchange.reason == MORTISE_EXCHANGE_CONNECT;
  shown->kind = MORTISE_KIND_EXCHANGE;
  shown->number(MORTISE_FIELD_EXCHANGE_ID, exchange.id);
  shown->number(MORTISE_FIELD_EXCHANGE_STEP, exchange.step);
  shown->number(MORTISE_FIELD_EXCHANGE_REASON, std::uint64_t{exchange.reason});
  shown->bytes(MORTISE_FIELD_EXCHANGE_AUTHENTICATION_METHOD, exchange.authentication_method);
  shown->bytes(MORTISE_FIELD_EXCHANGE_AUTHENTICATION_DATA, exchange.authentication_data);
  shown->bytes(MORTISE_FIELD_EXCHANGE_CLIENT_ID, exchange.client_id);
  shown->bytes(MORTISE_FIELD_EXCHANGE_USER_NAME, exchange.user_name);
  shown->bytes(MORTISE_FIELD_EXCHANGE_NAME_SPACE, is_connect ? std::nullopt : std::optional(exchange.name_space));
  shown->bytes(MORTISE_FIELD_EXCHANGE_LISTENER, exchange.listener);
  shown->bytes(MORTISE_FIELD_EXCHANGE_PEER_ADDRESS, exchange.peer_address);
  shown->number(MORTISE_FIELD_EXCHANGE_PEER_PORT, exchange.peer_port);
  shown->bytes(MORTISE_FIELD_EXCHANGE_CERTIFICATE_SUBJECT, exchange.certificate.subject);
  shown->bytes(MORTISE_FIELD_EXCHANGE_CERTIFICATE_COMMON_NAME, exchange.certificate.common_name);
  shown->bytes(MORTISE_FIELD_EXCHANGE_CERTIFICATE_FINGERPRINT, exchange.certificate.fingerprint);
  shown->number(MORTISE_FIELD_EXCHANGE_PEER_USER_ID, part(exchange.process, &PeerProcess::user_id));
  shown->number(MORTISE_FIELD_EXCHANGE_PEER_GROUP_ID, part(exchange.process, &PeerProcess::group_id));
  shown->number(MORTISE_FIELD_EXCHANGE_PEER_PROCESS_ID, part(exchange.process, &PeerProcess::process_id));
  return shown;
}

static std::shared_ptr<Shown> show(const Event& event) {
  auto shown = std::make_shared<Shown>();
  shown->kind = MORTISE_KIND_EVENT;
  shown->number(MORTISE_FIELD_EVENT_KIND, event.kind);
  shown->number(MORTISE_FIELD_EVENT_AT_MS, event.at_ms);
  shown->bytes(MORTISE_FIELD_EVENT_CLIENT_ID, event.client_id);
  shown->bytes(MORTISE_FIELD_EVENT_USER_NAME, event.user_name);
  shown->bytes(MORTISE_FIELD_EVENT_NAME_SPACE, event.name_space);
  shown->bytes(MORTISE_FIELD_EVENT_TOPIC, event.topic);
  shown->number(MORTISE_FIELD_EVENT_REASON_CODE, event.reason_code);
  shown->number(MORTISE_FIELD_EVENT_QOS, event.qos);
  shown->number(MORTISE_FIELD_EVENT_COUNT, event.count);
  return shown;
}

std::shared_ptr<Shown> show(const std::vector<Event>& events, std::uint64_t dropped_before) {
  auto shown = std::make_shared<Shown>();
  shown->kind = MORTISE_KIND_EVENT_BATCH;
  auto& children = shown->children[MORTISE_FIELD_EVENTS_EVENT];
  for (const Event& event : events) children.push_back(show(event));
  shown->number(MORTISE_FIELD_EVENTS_DROPPED_BEFORE, dropped_before);
  return shown;
}

}  // namespace mortise::testing
