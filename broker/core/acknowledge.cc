#include "broker/core/acknowledge.h"

#include "broker/core/deliver.h"
#include "broker/core/talk.h"

namespace mortise::core {

namespace {

using mqtt::PacketType;
using mqtt::ReasonCode;
using Acknowledged = session::OutboundFlow::Acknowledged;

/// The reply to an unknown Packet Identifier. That it is unknown is no error while a session is recovered, and a hint
/// that the two do not agree elsewhere (5.0 sections 3.6.2.1, 3.7.2.1): for who asks for such. For all others, and
/// before 5.0, it is a reply like any other.
void answer_unknown(ShardState& state, Connection& connection, PacketType type, mqtt::PacketId packet_id,
                    const session::Durably& durably) {
  if (!connection.wants_problem_information) {
    return acknowledge(state, connection, type, packet_id, ReasonCode::kSuccess,
                       durably ? durably.journal->position() : 0, false);
  }
  mqtt::AcknowledgementView packet;
  packet.type = type;
  packet.packet_id = packet_id;
  packet.reason = ReasonCode::kPacketIdentifierNotFound;
  acknowledge_error(state, connection, packet, "no message with this Packet Identifier is on its way",
                    durably ? durably.journal->position() : 0, false);
}

/// What a client must say of a message is given by its QoS: another kind of acknowledgement acknowledges nothing.
Result<void, mqtt::Refusal> judge(Acknowledged outcome, const char* statement, const char* what) {
  if (outcome == Acknowledged::kWrong) return failure(mqtt::Refusal{ReasonCode::kProtocolError, statement, what});
  return {};
}

Result<void, mqtt::Refusal> received(ShardState& state, Connection& connection, ResidentSession& session,
                                     const mqtt::AcknowledgementView& packet) {
  const session::Durably durably = session.durably(state.journal);
  const bool is_refused = mqtt::is_error(packet.reason);
  const Acknowledged outcome = is_refused ? session.outbound.refused(packet.packet_id, durably)
                                          : session.outbound.received(packet.packet_id, durably);
  if (outcome == Acknowledged::kWrong || is_refused)
    return judge(outcome, "MQTT-4.3.2-3", "PUBREC for a message at QoS 1");
  if (outcome != Acknowledged::kReleased) {
    answer_unknown(state, connection, PacketType::kPubrel, packet.packet_id, durably);
    return {};
  }
  // The PUBREC must be durable before PUBREL allows the client to forget the Packet Identifier.
  acknowledge(state, connection, PacketType::kPubrel, packet.packet_id, ReasonCode::kSuccess,
              durably ? durably.journal->position() : 0, false);
  return {};
}

void released(ShardState& state, Connection& connection, ResidentSession& session,
              const mqtt::AcknowledgementView& packet) {
  const session::Durably durably = session.durably(state.journal);
  const bool is_counted = session.inbound.is_counted(packet.packet_id);
  if (!session.inbound.release(packet.packet_id, durably))
    return answer_unknown(state, connection, PacketType::kPubcomp, packet.packet_id, durably);
  acknowledge(state, connection, PacketType::kPubcomp, packet.packet_id, ReasonCode::kSuccess,
              durably ? durably.journal->position() : 0, is_counted);
}

}  // namespace

Result<void, mqtt::Refusal> acknowledgement_received(ShardState& state, Connection& connection,
                                                     const mqtt::AcknowledgementView& packet, Now now) {
  ResidentSession* session = state.session_of(connection);
  CHECK(session != nullptr);
  const session::Durably durably = session->durably(state.journal);
  Result<void, mqtt::Refusal> judged;
  switch (packet.type) {
    case PacketType::kPuback:
      judged = judge(session->outbound.acknowledged(packet.packet_id, durably), "MQTT-4.3.3-3",
                     "PUBACK for a message at QoS 2");
      break;
    case PacketType::kPubrec:
      judged = received(state, connection, *session, packet);
      break;
    case PacketType::kPubcomp:
      judged = judge(session->outbound.completed(packet.packet_id, durably), "MQTT-4.3.3-5",
                     "PUBCOMP for a message without PUBREL");
      break;
    default:
      released(state, connection, *session, packet);
      return {};
  }
  if (!judged) return judged;
  pump(state, *session, now);
  return {};
}

}  // namespace mortise::core
