#include "broker/core/connect.h"

#include <algorithm>
#include <array>

#include "broker/base/log.h"
#include "broker/base/random.h"
#include "broker/core/attach.h"
#include "broker/core/exchange.h"
#include "broker/core/explained.h"
#include "broker/core/publish.h"
#include "broker/core/talk.h"

namespace mortise::core {

namespace {

using mqtt::ConnectView;
using mqtt::PropertyId;
using mqtt::ReasonCode;
using mqtt::Refusal;

mqtt::UserPropertiesPtr user_properties(const mqtt::PropertiesView& properties) {
  if (!properties.has(PropertyId::kUserProperty)) return nullptr;
  auto pairs = std::make_shared<mqtt::UserProperties>();
  properties.for_each([&](const mqtt::PropertyView& property) {
    if (property.id == PropertyId::kUserProperty) pairs->emplace_back(property.text, property.value);
  });
  return pairs;
}

/// The first alternative name, without its kind: "dns:a.example, ip:10.0.0.1" is a.example.
std::string first_alternative_name(std::string_view names) {
  const std::string_view first = names.substr(0, names.find(','));
  return std::string(first.substr(std::min(first.find(':') + 1, first.size())));
}

/// Who the peer showed to be before CONNECT, where the listener takes that for the user name; empty: it showed nothing.
std::string shown_identity(const PeerInfo& peer) {
  if (peer.identity_source == mqtt::IdentitySource::kPreSharedKey) return peer.pre_shared_key_identity.value_or("");
  if (!peer.certificate) return {};
  return peer.identity_source == mqtt::IdentitySource::kCertificateCommonName
             ? peer.certificate->common_name
             : first_alternative_name(peer.certificate->subject_alternative_name);
}

hooks::ConnectRequestPtr make_request(const ConnectView& packet, const PeerInfo& peer) {
  auto request = std::make_shared<hooks::ConnectRequest>();
  request->client_id = packet.client_id;
  if (peer.identity_source != mqtt::IdentitySource::kConnect) {
    request->user_name = shown_identity(peer);
  } else if (packet.user_name) {
    request->user_name = std::string(*packet.user_name);
  }
  if (packet.password) request->password.emplace(*packet.password);
  request->version = packet.version;
  request->clean_start = packet.clean_start;
  request->keep_alive = packet.keep_alive;
  request->session_expiry_interval = packet.properties.number(PropertyId::kSessionExpiryInterval).value_or(0);
  request->listener = peer.listener;
  request->peer_address = peer.peer_address;
  request->peer_port = peer.peer_port;
  request->local_address = peer.local_address;
  request->local_port = peer.local_port;
  request->certificate = peer.certificate;
  request->has_will = packet.will.has_value();
  if (packet.will) {
    request->will_topic = packet.will->topic;
    request->will_qos = packet.will->qos;
    request->will_retain = packet.will->retain;
  }
  request->user_properties = user_properties(packet.properties);
  request->process = peer.process;
  return request;
}

std::string assigned_client_id() {
  static constexpr char kHex[] = "0123456789abcdef";
  std::array<std::uint8_t, 16> bytes{};
  random_bytes(bytes.data(), bytes.size());
  std::string id = "auto-";
  for (const std::uint8_t byte : bytes) id += {kHex[byte >> 4], kHex[byte & 15]};
  return id;
}

Result<void, Refusal> check_will(const session::MqttLimits& limits, const mqtt::WillView& will) {
  if (will.qos > limits.maximum_qos)
    return failure(Refusal{ReasonCode::kQoSNotSupported, "MQTT-3.2.2-12", "the Will QoS is above the Maximum QoS"});
  if (will.retain && !limits.retain_available) {
    return failure(
        Refusal{ReasonCode::kRetainNotSupported, "MQTT-3.2.2-13", "the Will is retained, which is switched off"});
  }
  if (limits.check_payload_format && !is_as_said(will.properties, will.payload)) {
    return failure(
        Refusal{ReasonCode::kPayloadFormatInvalid, "5.0 3.1.3.2.3", "the Will is said to be UTF-8 and is not"});
  }
  return mqtt::check_topic_name(will.topic, limits.topic);
}

/// What needs no hook to be refused.
Result<void, Refusal> check(const session::MqttLimits& limits, const ConnectView& packet) {
  if (packet.client_id.empty() && packet.version != mqtt::ProtocolVersion::k5 && !packet.clean_start) {
    return failure(Refusal{ReasonCode::kClientIdentifierNotValid, "MQTT-3.1.3-8",
                           "an empty Client Identifier without a clean session"});
  }
  if (packet.client_id.size() > limits.max_client_id_length) {
    return failure(Refusal{ReasonCode::kClientIdentifierNotValid, "5.0 3.1.3.1",
                           "the Client Identifier is longer than mqtt.max_client_id_length"});
  }
  if (packet.will) return check_will(limits, *packet.will);
  return {};
}

/// What the packets that the Client is sent may be like.
void note_properties(const session::MqttLimits& limits, Connection& connection,
                     const mqtt::PropertiesView& properties) {
  connection.receive_maximum =
      static_cast<std::uint16_t>(properties.number(PropertyId::kReceiveMaximum).value_or(65535));
  connection.maximum_packet_size = properties.number(PropertyId::kMaximumPacketSize).value_or(0);
  const auto asked = properties.number(PropertyId::kRequestProblemInformation);
  const bool is_always = limits.reason_strings == session::ReasonStrings::kAlways;
  const bool is_requested = limits.reason_strings == session::ReasonStrings::kRequested && asked == 1u;
  connection.takes_reason_of_end = is_always || is_requested;
  connection.wants_problem_information = asked == 1u || (is_always && !asked);
  connection.takes_reason_of_answer =
      connection.wants_problem_information && limits.reason_strings != session::ReasonStrings::kNever;
}

/// MQTT-3.1.2-26, MQTT-3.1.2-27: no more Topic Aliases than the Client takes.
void note_aliases(const session::MqttLimits& limits, Connection& connection, const ConnectView& packet) {
  connection.outbound_alias_maximum = static_cast<std::uint16_t>(std::min<std::uint32_t>(
      packet.properties.number(PropertyId::kTopicAliasMaximum).value_or(0), limits.outbound_topic_alias_maximum));
  const PassedOn alike = connection.is_v5() ? PassedOn::kFrom5 : PassedOn::kFrom3;
  connection.passed_on = connection.outbound_alias_maximum != 0 ? PassedOn::kFromNobody : alike;
}

void note_client(const session::MqttLimits& limits, Connection& connection, const ConnectView& packet) {
  connection.version = packet.version;
  connection.keep_alive = packet.keep_alive;
  note_properties(limits, connection, packet.properties);
  note_aliases(limits, connection, packet);
  if (const auto method = packet.properties.text(PropertyId::kAuthenticationMethod)) {
    connection.enhanced = std::make_unique<EnhancedAuthentication>();
    connection.enhanced->method = *method;
  }
}

/// Its CONNECT is wrong, or asks for what there is not.
void refuse_connect(ShardState& state, Connection& connection, const Refusal& refusal) {
  const std::string why = std::string(refusal.what) + " [" + refusal.statement + "]";
  refuse_connect(state, connection, refusal.reason, why.c_str(), refusal.what);
}

}  // namespace

void note_client(const session::MqttLimits& limits, Connection& connection, std::string_view packet) {
  const auto frame = mqtt::next_frame(as_bytes(packet), packet.size());
  CHECK(frame && frame->has_value());
  const auto decoded = mqtt::decode_connect(**frame);
  CHECK(decoded);
  note_client(limits, connection, *decoded);
}

void refuse_connect(ShardState& state, Connection& connection, ReasonCode reason, const char* why, const char* told) {
  if (connection.stage == Stage::kEnded) return;
  ++state.counters.connects_refused;
  MORTISE_LOG(kInfo, "core", "%s: connect refused: %s (%s)", describe(state, connection).c_str(), why,
              mqtt::name_of(reason));
  // MQTT-3.2.2-8: a plugin may give a code that stands in other packets only.
  if (!mqtt::is_allowed_in(reason, mqtt::PacketType::kConnack)) reason = ReasonCode::kUnspecifiedError;
  if (told == nullptr) told = mqtt::name_of(reason);
  mqtt::ConnackView packet;
  packet.code = connection.is_v5() ? static_cast<std::uint8_t>(reason)
                                   : static_cast<std::uint8_t>(mqtt::connect_return_code(reason));
  // A 3.1.1 client is told only what its CONNACK can say; anything else is a close (3.1.1 section 3.2.2.3).
  constexpr std::size_t kSize = 5;
  if ((connection.is_v5() || packet.code != 0) && fits(connection, kSize)) {
    connection.outbox.append(encode_explained(connection, packet, told, reference_for(state.shared.mqtt, reason)));
    ++state.counters.packets_sent;
    mark_talkative(state, connection);
  }
  leave_attach_queue(state, connection);
  end_connection(state, connection, Farewell::kFlush);
}

void refuse_late(ShardState& state, Connection& connection) {
  const bool is_elsewhere = !state.shared.mqtt.server_reference.empty();
  refuse_connect(state, connection, is_elsewhere ? ReasonCode::kUseAnotherServer : ReasonCode::kServerUnavailable,
                 "shutting down");
}

void connect(ShardState& state, Connection& connection, const mqtt::FrameView& frame, ByteView packet, Now now) {
  const auto decoded = mqtt::decode_connect(frame);
  if (!decoded) {
    const mqtt::Refusal& refusal = decoded.error();
    ++state.counters.protocol_errors;
    connection.version = mqtt::answer_version(frame);
    note_properties(state.shared.mqtt, connection, mqtt::connect_properties(frame));
    // A 5.0 client is told what is wrong with its CONNECT (5.0 section 4.13); of the others only those whom a return
    // code of theirs helps.
    const bool is_helped = connection.is_v5() || refusal.reason == ReasonCode::kUnsupportedProtocolVersion ||
                           refusal.reason == ReasonCode::kClientIdentifierNotValid;
    if (refusal.is_said && is_helped) return refuse_connect(state, connection, refusal);
    MORTISE_LOG(kInfo, "core", "%s: %s [%s]", describe(state, connection).c_str(), refusal.what, refusal.statement);
    end_connection(state, connection, Farewell::kAbort);
    return;
  }
  note_client(state.shared.mqtt, connection, *decoded);
  if (const auto checked = check(state.shared.mqtt, *decoded); !checked)
    return refuse_connect(state, connection, checked.error());
  if ((connection.peer->versions >> static_cast<unsigned>(decoded->version) & 1U) == 0) {
    return refuse_connect(state, connection, ReasonCode::kUnsupportedProtocolVersion,
                          "this listener does not speak this version of MQTT");
  }
  if (state.is_shutting_down) return refuse_late(state, connection);
  if (state.memory_stage >= MemoryStage::kRefusing) {
    ++state.counters.connects_without_memory;
    return refuse_connect(state, connection, ReasonCode::kQuotaExceeded, "node.memory_budget is nearly used up");
  }
  if (state.shared.mqtt.server_moved) {
    return refuse_connect(state, connection, ReasonCode::kServerMoved, "node.server_moved says so");
  }

  auto request = make_request(*decoded, *connection.peer);
  if (state.is_banned(request->client_id, request->user_name, request->peer_address, now))
    return refuse_connect(state, connection, ReasonCode::kBanned, "banned");
  if (connection.peer->identity_source != mqtt::IdentitySource::kConnect && request->user_name->empty()) {
    return refuse_connect(state, connection, ReasonCode::kNotAuthorized,
                          "this listener takes the user name from a certificate or key, and none was shown");
  }

  connection.stage = Stage::kAuthenticating;
  connection.opening = std::make_unique<Opening>();
  connection.opening->connect.assign(as_text(packet));
  if (connection.enhanced) {
    return begin_exchange(state, connection, std::move(request),
                          decoded->properties.binary(PropertyId::kAuthenticationData), now);
  }
  auto& run =
      connection.opening->authenticate.emplace(state.dispatch_for(connection.peer->listener), std::move(request));
  const auto decision = run.start(state.next_ticket(connection), now);
  if (decision) {
    authenticated(state, connection, *decision, now);
  } else {
    connection.stage_deadline = run.deadline();
    state.arm(connection, run.deadline());
  }
}

void authenticated(ShardState& state, Connection& connection, const hooks::AuthDecision& decision, Now now) {
  Opening& opening = *connection.opening;
  const hooks::ConnectRequestPtr request = opening.authenticate->request();
  const std::string plugin = opening.authenticate->plugin();
  opening.authenticate.reset();
  connection.stage_deadline = kNever;
  if (decision.verdict != hooks::Verdict::kAllow) {
    const std::string why = plugin.empty() ? "not authorized" : "denied by plugin " + plugin;
    const ReasonCode reason = mqtt::is_error(decision.reason) ? decision.reason : ReasonCode::kNotAuthorized;
    return refuse_connect(state, connection, reason, why.c_str());
  }
  admit(state, connection, *request, decision, plugin, now);
}

std::uint32_t granted_expiry_maximum(const hooks::AuthDecision& decision) {
  if (!decision.session_expiry_maximum) return session::kExpiryNever;
  return static_cast<std::uint32_t>(
      std::min<std::int64_t>(decision.session_expiry_maximum->count(), session::kExpiryNever));
}

SteadyTime valid_until(const hooks::AuthDecision& decision, Now now) {
  return decision.valid_for ? now.steady + *decision.valid_for : kNever;
}

std::optional<mqtt::PrincipalNote> note_of(const hooks::AuthDecision& decision, const std::string& plugin) {
  if (!decision.note) return std::nullopt;
  return mqtt::PrincipalNote{plugin, *decision.note};
}

void admit(ShardState& state, Connection& connection, const hooks::ConnectRequest& request,
           const hooks::AuthDecision& decision, const std::string& plugin, Now now) {
  Opening& opening = *connection.opening;
  auto principal = std::make_shared<mqtt::Principal>();
  opening.has_assigned_client_id = request.client_id.empty();
  principal->client_id = opening.has_assigned_client_id ? assigned_client_id() : request.client_id;
  principal->user_name = decision.user_name ? decision.user_name : request.user_name;
  principal->name_space = decision.name_space;
  principal->listener = request.listener;
  principal->peer_address = request.peer_address;
  principal->peer_port = request.peer_port;
  principal->version = request.version;
  principal->set_details({request.certificate, request.user_properties, note_of(decision, plugin)});
  principal->connected_at = now.wall;
  principal->epoch = (std::uint64_t{state.loop} << 48) | state.next_epoch++;
  opening.principal = principal;
  opening.session_expiry_maximum = granted_expiry_maximum(decision);
  connection.valid_until = valid_until(decision, now);
  const LoopIndex home = home_loop(state.shared, principal->name_space, principal->client_id);
  if (home == state.loop) return attach(state, connection, now);

  auto arrival = std::make_unique<Arrival>();
  arrival->peer = *connection.peer;
  arrival->principal = principal;
  arrival->connect = std::move(opening.connect);
  arrival->has_assigned_client_id = opening.has_assigned_client_id;
  arrival->session_expiry_maximum = opening.session_expiry_maximum;
  arrival->authentication_data = std::move(opening.authentication_data);
  arrival->valid_until = connection.valid_until;
  connection.stage = Stage::kEnded;
  connection.is_moving = true;
  state.actions.moves.push_back({connection.id, home, std::move(arrival)});
}

}  // namespace mortise::core
