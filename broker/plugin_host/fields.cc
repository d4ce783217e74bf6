#include "broker/plugin_host/fields.h"

#include <chrono>
#include <optional>
#include <type_traits>

#include "broker/hooks/requests.h"
#include "broker/plugin_host/subjects.h"

namespace mortise::plugin_host {

namespace {

using hooks::AccessRequest;
using hooks::BindRequest;
using hooks::ConnectRequest;
using hooks::Event;
using hooks::EventKind;
using hooks::ExchangeRequest;
using mqtt::CertificateIdentity;
using mqtt::Principal;

// ---- How a row of the table below is made from a lambda
// --------------------------------------------------------------

template <class Object>
const Object& as(const void* object) noexcept {
  return *static_cast<const Object*>(object);
}

/// Read: Object -> a number, or an optional one.
template <class Object, class Read>
constexpr FieldReader number(std::uint32_t field, Read) {
  FieldReader reader;
  reader.field = field;
  reader.number = [](const void* object, std::uint64_t& out) {
    const auto value = Read{}(as<Object>(object));
    if constexpr (std::is_convertible_v<decltype(value), std::optional<std::uint64_t>> &&
                  !std::is_integral_v<std::remove_cv_t<decltype(value)>>) {
      if (value) out = *value;
      return value.has_value();
    } else {
      out = value;
      return true;
    }
  };
  return reader;
}

/// Read: Object -> string_view or ByteView, or an optional one.
template <class Object, class Read>
constexpr FieldReader bytes(std::uint32_t field, Read) {
  FieldReader reader;
  reader.field = field;
  reader.bytes = [](const void* object, ByteView& out) {
    const std::optional<ByteView> value = Read{}(as<Object>(object));
    if (value) out = *value;
    return value.has_value();
  };
  return reader;
}

template <class Object, class Count, class Pair>
constexpr FieldReader pairs(std::uint32_t field, Count, Pair) {
  FieldReader reader;
  reader.field = field;
  reader.count = [](const void* object) -> std::uint64_t { return Count{}(as<Object>(object)); };
  reader.pair = [](const void* object, std::uint64_t index, std::string_view& key, std::string_view& value) {
    Pair{}(as<Object>(object), static_cast<std::size_t>(index), key, value);
  };
  return reader;
}

template <class Object, class Count, class Child>
constexpr FieldReader child(std::uint32_t field, Count, Child) {
  FieldReader reader;
  reader.field = field;
  reader.count = [](const void* object) -> std::uint64_t { return Count{}(as<Object>(object)); };
  reader.child = [](const void* object, std::uint64_t index) -> const void* {
    return Child{}(as<Object>(object), static_cast<std::size_t>(index));
  };
  return reader;
}

ByteView text(const std::string& value) noexcept { return as_bytes(value); }

std::optional<ByteView> optional_text(const std::optional<std::string>& value) noexcept {
  return value ? std::optional(as_bytes(*value)) : std::nullopt;
}

/// Empty means absent, and so is every part of a certificate that was not shown.
std::optional<ByteView> non_empty(const std::string& value) noexcept {
  return value.empty() ? std::nullopt : std::optional(as_bytes(value));
}

std::optional<ByteView> non_empty(const CertificateIdentity* certificate, std::string CertificateIdentity::*part) {
  return certificate != nullptr ? non_empty((*certificate).*part) : std::nullopt;
}
std::optional<ByteView> non_empty(const mqtt::CertificatePtr& certificate, std::string CertificateIdentity::*part) {
  return non_empty(certificate.get(), part);
}

// Of a request and of a principal alike; null when there is none.
const CertificateIdentity* certificate_of(const ConnectRequest& request) noexcept { return request.certificate.get(); }
const CertificateIdentity* certificate_of(const Principal& principal) noexcept { return principal.certificate(); }
const mqtt::UserProperties* user_properties_of(const ConnectRequest& request) noexcept {
  return request.user_properties.get();
}
const mqtt::UserProperties* user_properties_of(const Principal& principal) noexcept {
  return principal.user_properties();
}

std::optional<ByteView> secret(const std::optional<hooks::Secret>& value) noexcept {
  return value ? std::optional(value->view()) : std::nullopt;
}

std::uint64_t wall_ms(WallTime time) noexcept { return static_cast<std::uint64_t>(time.time_since_epoch().count()); }

// Alternative names come as "dns:host, email:a@b": a key, a colon, a value.
std::string_view alternative_name(const CertificateIdentity& certificate, std::size_t index) noexcept {
  std::string_view rest = certificate.subject_alternative_name;
  for (;; --index) {
    const std::size_t comma = rest.find(',');
    std::string_view item = rest.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    if (index == 0) return item;
    if (comma == std::string_view::npos) return {};
    rest.remove_prefix(comma + 1);
  }
}

std::size_t alternative_name_count(const CertificateIdentity& certificate) noexcept {
  const std::string& names = certificate.subject_alternative_name;
  if (names.empty()) return 0;
  std::size_t count = 1;
  for (const char byte : names) count += byte == ',' ? 1U : 0U;
  return count;
}

template <class Object>
constexpr FieldReader alternative_names(std::uint32_t field) {
  return pairs<Object>(
      field,
      [](const Object& object) {
        const CertificateIdentity* const certificate = certificate_of(object);
        return certificate != nullptr ? alternative_name_count(*certificate) : 0;
      },
      [](const Object& object, std::size_t index, std::string_view& key, std::string_view& value) {
        const std::string_view item = alternative_name(*certificate_of(object), index);
        const std::size_t colon = item.find(':');
        key = colon == std::string_view::npos ? std::string_view() : item.substr(0, colon);
        value = colon == std::string_view::npos ? item : item.substr(colon + 1);
      });
}

template <class Object>
constexpr FieldReader user_properties(std::uint32_t field) {
  return pairs<Object>(
      field,
      [](const Object& object) {
        const mqtt::UserProperties* const properties = user_properties_of(object);
        return properties != nullptr ? properties->size() : 0;
      },
      [](const Object& object, std::size_t index, std::string_view& key, std::string_view& value) {
        key = (*user_properties_of(object))[index].first;
        value = (*user_properties_of(object))[index].second;
      });
}

// ---- Who takes part in an exchange: whoever CONNECT says, or who is connected
// ----------------------------------------

/// Read: of a ConnectRequest or a Principal, which name what both have alike.
template <class Read>
auto client_of(const ExchangeRequest& request, Read read) {
  return request.connect ? read(*request.connect) : read(*request.principal);
}

using mqtt::PeerProcess;

/// Of a ConnectRequest, or of none.
std::optional<std::uint64_t> process_part(const ConnectRequest* request, std::uint32_t PeerProcess::*part) {
  if (request == nullptr || !request->process) return std::nullopt;
  return (*request->process).*part;
}

std::optional<ByteView> certificate_part(const ExchangeRequest& request, std::string CertificateIdentity::*part) {
  return non_empty(request.connect ? request.connect->certificate.get() : request.principal->certificate(), part);
}

// ---- What an event has, by its kind
// ----------------------------------------------------------------------------------

bool has_topic(const Event& event) noexcept {
  return event.kind == EventKind::kSubscribed || event.kind == EventKind::kUnsubscribed ||
         event.kind == EventKind::kPublished || !event.topic.empty();
}
bool has_reason(const Event& event) noexcept {
  return event.kind == EventKind::kClientDisconnected || event.kind == EventKind::kDropped;
}
bool has_qos(const Event& event) noexcept {
  return event.kind == EventKind::kSubscribed || event.kind == EventKind::kPublished;
}

}  // namespace

// ---- The table ------------------------------------------------------------------------------------------------------

constexpr std::array<FieldReader, abi::kFields.size()> kReaders = {
    bytes<ConnectRequest>(MORTISE_FIELD_CONNECT_CLIENT_ID, [](const auto& c) { return text(c.client_id); }),
    bytes<ConnectRequest>(MORTISE_FIELD_CONNECT_USER_NAME, [](const auto& c) { return optional_text(c.user_name); }),
    number<ConnectRequest>(MORTISE_FIELD_CONNECT_HAS_USER_NAME, [](const auto& c) { return c.user_name ? 1U : 0U; }),
    bytes<ConnectRequest>(MORTISE_FIELD_CONNECT_PASSWORD, [](const auto& c) { return secret(c.password); }),
    number<ConnectRequest>(MORTISE_FIELD_CONNECT_HAS_PASSWORD, [](const auto& c) { return c.password ? 1U : 0U; }),
    number<ConnectRequest>(MORTISE_FIELD_CONNECT_PROTOCOL_VERSION,
                           [](const auto& c) { return static_cast<std::uint8_t>(c.version); }),
    number<ConnectRequest>(MORTISE_FIELD_CONNECT_CLEAN_START, [](const auto& c) { return c.clean_start ? 1U : 0U; }),
    number<ConnectRequest>(MORTISE_FIELD_CONNECT_KEEP_ALIVE_S, [](const auto& c) { return c.keep_alive; }),
    bytes<ConnectRequest>(MORTISE_FIELD_CONNECT_LISTENER, [](const auto& c) { return c.listener.view(); }),
    bytes<ConnectRequest>(MORTISE_FIELD_CONNECT_PEER_ADDRESS, [](const auto& c) { return text(c.peer_address); }),
    number<ConnectRequest>(MORTISE_FIELD_CONNECT_PEER_PORT, [](const auto& c) { return c.peer_port; }),
    bytes<ConnectRequest>(MORTISE_FIELD_CONNECT_LOCAL_ADDRESS, [](const auto& c) { return text(c.local_address); }),
    number<ConnectRequest>(MORTISE_FIELD_CONNECT_LOCAL_PORT, [](const auto& c) { return c.local_port; }),
    bytes<ConnectRequest>(MORTISE_FIELD_CONNECT_CERTIFICATE_SUBJECT,
                          [](const auto& c) { return non_empty(c.certificate, &CertificateIdentity::subject); }),
    bytes<ConnectRequest>(MORTISE_FIELD_CONNECT_CERTIFICATE_COMMON_NAME,
                          [](const auto& c) { return non_empty(c.certificate, &CertificateIdentity::common_name); }),
    alternative_names<ConnectRequest>(MORTISE_FIELD_CONNECT_CERTIFICATE_ALTERNATIVE_NAMES),
    bytes<ConnectRequest>(
        MORTISE_FIELD_CONNECT_CERTIFICATE_FINGERPRINT,
        [](const auto& c) { return non_empty(c.certificate, &CertificateIdentity::fingerprint_sha256); }),
    number<ConnectRequest>(MORTISE_FIELD_CONNECT_HAS_WILL, [](const auto& c) { return c.has_will ? 1U : 0U; }),
    bytes<ConnectRequest>(MORTISE_FIELD_CONNECT_WILL_TOPIC,
                          [](const auto& c) { return c.has_will ? std::optional(text(c.will_topic)) : std::nullopt; }),
    number<ConnectRequest>(MORTISE_FIELD_CONNECT_WILL_QOS,
                           [](const auto& c) {
                             return c.has_will ? std::optional<std::uint64_t>(static_cast<std::uint8_t>(c.will_qos))
                                               : std::nullopt;
                           }),
    number<ConnectRequest>(
        MORTISE_FIELD_CONNECT_WILL_RETAIN,
        [](const auto& c) { return c.has_will ? std::optional<std::uint64_t>(c.will_retain ? 1 : 0) : std::nullopt; }),
    number<ConnectRequest>(MORTISE_FIELD_CONNECT_SESSION_EXPIRY_S,
                           [](const auto& c) { return c.session_expiry_interval; }),
    user_properties<ConnectRequest>(MORTISE_FIELD_CONNECT_USER_PROPERTIES),
    number<ConnectRequest>(MORTISE_FIELD_CONNECT_PEER_USER_ID,
                           [](const auto& c) { return process_part(&c, &PeerProcess::user_id); }),
    number<ConnectRequest>(MORTISE_FIELD_CONNECT_PEER_GROUP_ID,
                           [](const auto& c) { return process_part(&c, &PeerProcess::group_id); }),
    number<ConnectRequest>(MORTISE_FIELD_CONNECT_PEER_PROCESS_ID,
                           [](const auto& c) { return process_part(&c, &PeerProcess::process_id); }),

    bytes<Principal>(MORTISE_FIELD_PRINCIPAL_CLIENT_ID, [](const auto& p) { return text(p.client_id); }),
    bytes<Principal>(MORTISE_FIELD_PRINCIPAL_USER_NAME, [](const auto& p) { return optional_text(p.user_name); }),
    number<Principal>(MORTISE_FIELD_PRINCIPAL_HAS_USER_NAME, [](const auto& p) { return p.user_name ? 1U : 0U; }),
    bytes<Principal>(MORTISE_FIELD_PRINCIPAL_NAME_SPACE, [](const auto& p) { return text(p.name_space); }),
    bytes<Principal>(MORTISE_FIELD_PRINCIPAL_LISTENER, [](const auto& p) { return p.listener.view(); }),
    bytes<Principal>(MORTISE_FIELD_PRINCIPAL_PEER_ADDRESS, [](const auto& p) { return text(p.peer_address); }),
    number<Principal>(MORTISE_FIELD_PRINCIPAL_PEER_PORT, [](const auto& p) { return p.peer_port; }),
    number<Principal>(MORTISE_FIELD_PRINCIPAL_PROTOCOL_VERSION,
                      [](const auto& p) { return static_cast<std::uint8_t>(p.version); }),
    number<Principal>(MORTISE_FIELD_PRINCIPAL_CONNECTED_AT_MS, [](const auto& p) { return wall_ms(p.connected_at); }),
    bytes<Principal>(MORTISE_FIELD_PRINCIPAL_CERTIFICATE_SUBJECT,
                     [](const auto& p) { return non_empty(p.certificate(), &CertificateIdentity::subject); }),
    bytes<Principal>(MORTISE_FIELD_PRINCIPAL_CERTIFICATE_COMMON_NAME,
                     [](const auto& p) { return non_empty(p.certificate(), &CertificateIdentity::common_name); }),
    alternative_names<Principal>(MORTISE_FIELD_PRINCIPAL_CERTIFICATE_ALTERNATIVE_NAMES),
    bytes<Principal>(
        MORTISE_FIELD_PRINCIPAL_CERTIFICATE_FINGERPRINT,
        [](const auto& p) { return non_empty(p.certificate(), &CertificateIdentity::fingerprint_sha256); }),
    user_properties<Principal>(MORTISE_FIELD_PRINCIPAL_USER_PROPERTIES),
    number<Principal>(MORTISE_FIELD_PRINCIPAL_SESSION_EPOCH, [](const auto& p) { return p.epoch; }),
    bytes<Principal>(
        MORTISE_FIELD_PRINCIPAL_NOTE,
        [](const auto& p) { return p.note() != nullptr ? std::optional(text(p.note()->text)) : std::nullopt; }),

    number<AccessRequest>(MORTISE_FIELD_ACCESS_ACTION,
                          [](const auto& a) { return static_cast<std::uint8_t>(a.action); }),
    bytes<AccessRequest>(MORTISE_FIELD_ACCESS_TOPIC, [](const auto& a) { return text(a.topic); }),
    bytes<AccessRequest>(MORTISE_FIELD_ACCESS_ORIGINAL_TOPIC, [](const auto& a) { return text(a.original_topic); }),
    number<AccessRequest>(MORTISE_FIELD_ACCESS_QOS, [](const auto& a) { return static_cast<std::uint8_t>(a.qos); }),
    number<AccessRequest>(MORTISE_FIELD_ACCESS_RETAIN, [](const auto& a) { return a.retain ? 1U : 0U; }),
    bytes<AccessRequest>(MORTISE_FIELD_ACCESS_SHARE_NAME, [](const auto& a) { return non_empty(a.share_name); }),
    bytes<AccessRequest>(MORTISE_FIELD_ACCESS_PAYLOAD,
                         [](const auto& a) { return a.message ? std::optional(a.message->payload()) : std::nullopt; }),
    number<AccessRequest>(MORTISE_FIELD_ACCESS_PAYLOAD_SIZE,
                          [](const auto& a) { return a.message ? a.message->payload().size() : 0; }),
    child<AccessRequest>(
        MORTISE_FIELD_ACCESS_PRINCIPAL, [](const auto& a) { return a.principal ? 1U : 0U; },
        [](const auto& a, std::size_t) { return a.principal.get(); }),

    number<BindRequest>(MORTISE_FIELD_BIND_REASON, [](const auto& b) { return static_cast<std::uint8_t>(b.reason); }),
    child<BindRequest>(
        MORTISE_FIELD_BIND_PRINCIPAL, [](const auto& b) { return b.principal ? 1U : 0U; },
        [](const auto& b, std::size_t) { return b.principal.get(); }),

    bytes<ConfigSubject>(MORTISE_FIELD_CONFIG_INSTANCE_NAME, [](const auto& c) { return text(c.instance_name); }),
    bytes<ConfigSubject>(MORTISE_FIELD_CONFIG_CONFIG_JSON, [](const auto& c) { return text(c.config_json); }),
    bytes<ConfigSubject>(MORTISE_FIELD_CONFIG_CONFIG_DIR, [](const auto& c) { return text(c.config_dir); }),
    bytes<ConfigSubject>(MORTISE_FIELD_CONFIG_DATA_DIR, [](const auto& c) { return text(c.data_dir); }),

    number<TimerSubject>(MORTISE_FIELD_TIMER_ID, [](const auto& t) { return t.id; }),
    number<TimerSubject>(MORTISE_FIELD_TIMER_DUE_AT_MS, [](const auto& t) { return wall_ms(t.due_at); }),

    child<EventBatch>(
        MORTISE_FIELD_EVENTS_EVENT, [](const auto& b) { return b.events.size(); },
        [](const auto& b, std::size_t index) { return &b.events[index]; }),
    number<EventBatch>(MORTISE_FIELD_EVENTS_DROPPED_BEFORE, [](const auto& b) { return b.dropped_before; }),

    number<Event>(MORTISE_FIELD_EVENT_KIND, [](const auto& e) { return static_cast<std::uint8_t>(e.kind); }),
    number<Event>(MORTISE_FIELD_EVENT_AT_MS, [](const auto& e) { return wall_ms(e.at); }),
    bytes<Event>(MORTISE_FIELD_EVENT_CLIENT_ID,
                 [](const auto& e) { return e.principal ? text(e.principal->client_id) : ByteView(); }),
    bytes<Event>(MORTISE_FIELD_EVENT_USER_NAME,
                 [](const auto& e) { return e.principal ? optional_text(e.principal->user_name) : std::nullopt; }),
    bytes<Event>(MORTISE_FIELD_EVENT_NAME_SPACE,
                 [](const auto& e) { return e.principal ? text(e.principal->name_space) : ByteView(); }),
    bytes<Event>(MORTISE_FIELD_EVENT_TOPIC,
                 [](const auto& e) { return has_topic(e) ? std::optional(text(e.topic)) : std::nullopt; }),
    number<Event>(MORTISE_FIELD_EVENT_REASON_CODE,
                  [](const auto& e) {
                    return has_reason(e) ? std::optional<std::uint64_t>(static_cast<std::uint8_t>(e.reason))
                                         : std::nullopt;
                  }),
    number<Event>(MORTISE_FIELD_EVENT_QOS,
                  [](const auto& e) {
                    return has_qos(e) ? std::optional<std::uint64_t>(static_cast<std::uint8_t>(e.qos)) : std::nullopt;
                  }),
    number<Event>(MORTISE_FIELD_EVENT_COUNT, [](const auto& e) { return e.count; }),

    number<StoreOpenSubject>(MORTISE_FIELD_STORE_OPEN_LEVEL, [](const auto& s) { return s.level; }),
    bytes<StoreCommitView>(MORTISE_FIELD_STORE_COMMIT_BATCH, [](const auto& s) { return s.batch; }),
    number<StoreCommitView>(MORTISE_FIELD_STORE_COMMIT_FIRST_OPERATION,
                            [](const auto& s) { return s.first_operation; }),
    number<StoreCommitView>(MORTISE_FIELD_STORE_COMMIT_LAST_OPERATION, [](const auto& s) { return s.last_operation; }),
    bytes<StoreLoadView>(MORTISE_FIELD_STORE_LOAD_CURSOR, [](const auto& s) { return as_bytes(s.cursor); }),
    number<StoreLoadView>(MORTISE_FIELD_STORE_LOAD_MAX_BYTES, [](const auto& s) { return s.max_bytes; }),
    number<StoreFetchSubject>(MORTISE_FIELD_STORE_FETCH_SESSION, [](const auto& s) { return s.session; }),
    number<StoreFetchSubject>(MORTISE_FIELD_STORE_FETCH_AFTER_POSITION, [](const auto& s) { return s.after_position; }),
    number<StoreFetchSubject>(MORTISE_FIELD_STORE_FETCH_MAX_MESSAGES, [](const auto& s) { return s.max_messages; }),
    number<StoreFetchSubject>(MORTISE_FIELD_STORE_FETCH_MAX_BYTES, [](const auto& s) { return s.max_bytes; }),

    number<ExchangeRequest>(MORTISE_FIELD_EXCHANGE_ID, [](const auto& e) { return e.exchange; }),
    number<ExchangeRequest>(MORTISE_FIELD_EXCHANGE_STEP, [](const auto& e) { return e.step; }),
    number<ExchangeRequest>(
        MORTISE_FIELD_EXCHANGE_REASON,
        [](const auto& e) { return e.connect ? MORTISE_EXCHANGE_CONNECT : MORTISE_EXCHANGE_REAUTHENTICATE; }),
    bytes<ExchangeRequest>(MORTISE_FIELD_EXCHANGE_AUTHENTICATION_METHOD, [](const auto& e) { return text(e.method); }),
    bytes<ExchangeRequest>(MORTISE_FIELD_EXCHANGE_AUTHENTICATION_DATA,
                           [](const auto& e) { return secret(e.authentication_data); }),
    bytes<ExchangeRequest>(MORTISE_FIELD_EXCHANGE_CLIENT_ID,
                           [](const auto& e) { return client_of(e, [](const auto& c) { return text(c.client_id); }); }),
    bytes<ExchangeRequest>(
        MORTISE_FIELD_EXCHANGE_USER_NAME,
        [](const auto& e) { return client_of(e, [](const auto& c) { return optional_text(c.user_name); }); }),
    bytes<ExchangeRequest>(
        MORTISE_FIELD_EXCHANGE_NAME_SPACE,
        [](const auto& e) { return e.connect ? std::nullopt : std::optional(text(e.principal->name_space)); }),
    bytes<ExchangeRequest>(MORTISE_FIELD_EXCHANGE_LISTENER,
                           [](const auto& e) { return client_of(e, [](const auto& c) { return c.listener.view(); }); }),
    bytes<ExchangeRequest>(
        MORTISE_FIELD_EXCHANGE_PEER_ADDRESS,
        [](const auto& e) { return client_of(e, [](const auto& c) { return text(c.peer_address); }); }),
    number<ExchangeRequest>(MORTISE_FIELD_EXCHANGE_PEER_PORT,
                            [](const auto& e) { return client_of(e, [](const auto& c) { return c.peer_port; }); }),
    bytes<ExchangeRequest>(MORTISE_FIELD_EXCHANGE_CERTIFICATE_SUBJECT,
                           [](const auto& e) { return certificate_part(e, &CertificateIdentity::subject); }),
    bytes<ExchangeRequest>(MORTISE_FIELD_EXCHANGE_CERTIFICATE_COMMON_NAME,
                           [](const auto& e) { return certificate_part(e, &CertificateIdentity::common_name); }),
    bytes<ExchangeRequest>(MORTISE_FIELD_EXCHANGE_CERTIFICATE_FINGERPRINT,
                           [](const auto& e) { return certificate_part(e, &CertificateIdentity::fingerprint_sha256); }),
    number<ExchangeRequest>(MORTISE_FIELD_EXCHANGE_PEER_USER_ID,
                            [](const auto& e) { return process_part(e.connect.get(), &PeerProcess::user_id); }),
    number<ExchangeRequest>(MORTISE_FIELD_EXCHANGE_PEER_GROUP_ID,
                            [](const auto& e) { return process_part(e.connect.get(), &PeerProcess::group_id); }),
    number<ExchangeRequest>(MORTISE_FIELD_EXCHANGE_PEER_PROCESS_ID,
                            [](const auto& e) { return process_part(e.connect.get(), &PeerProcess::process_id); }),

    number<ExchangeEndSubject>(MORTISE_FIELD_EXCHANGE_END_ID, [](const auto& e) { return e.exchange; }),
};

namespace {

constexpr bool readers_fit_the_description() {
  for (std::size_t i = 0; i < kReaders.size(); ++i) {
    const abi::FieldRow& row = abi::kFields[i];
    const FieldReader& reader = kReaders[i];
    if (reader.field != row.id) return false;
    if ((reader.number != nullptr) != (row.type == abi::FieldType::kU64)) return false;
    const bool is_bytes = row.type == abi::FieldType::kBytes || row.type == abi::FieldType::kPayload;
    if ((reader.bytes != nullptr) != is_bytes) return false;
    if ((reader.pair != nullptr) != (row.type == abi::FieldType::kPairs)) return false;
    if ((reader.child != nullptr) != (row.type == abi::FieldType::kChild)) return false;
  }
  return true;
}
static_assert(readers_fit_the_description(), "one reader for each field of the ABI, in order and of its type");

}  // namespace

const std::array<FieldReader, abi::kFields.size()> kFieldReaders = kReaders;

}  // namespace mortise::plugin_host
