#include "broker/core/acknowledge.h"

#include "broker/core/deliver.h"
#include "broker/core/talk.h"

namespace mortise::core {

namespace {

using mqtt::PacketType;
using mqtt::ReasonCode;
using Acknowledged = session::OutboundFlow::Acknowledged;

/// What a reply to an unknown Packet Identifier says.
ReasonCode unknown(const Connection& connection) {
  return connection.is_v5() ? ReasonCode::kPacketIdentifierNotFound : ReasonCode::kSuccess;
}

void received(ShardState& state, Connection& connection, ResidentSession& session,
              const mqtt::AcknowledgementView& packet) {
  const session::Durably durably = session.durably(state.journal);
  if (mqtt::is_error(packet.reason)) {
    session.outbound.acknowledged(packet.packet_id, durably);
    return;
  }
  const Acknowledged outcome = session.outbound.received(packet.packet_id, durably);
  const ReasonCode reason = outcome == Acknowledged::kReleased ? ReasonCode::kSuccess : unknown(connection);
  // The PUBREC must be durable before PUBREL allows the client to forget the Packet Identifier.
  acknowledge(state, connection, PacketType::kPubrel, packet.packet_id, reason,
              durably ? durably.journal->position() : 0, false);
}

void released(ShardState& state, Connection& connection, ResidentSession& session,
              const mqtt::AcknowledgementView& packet) {
  const session::Durably durably = session.durably(state.journal);
  const bool was_in_use = session.inbound.release(packet.packet_id, durably);
  acknowledge(state, connection, PacketType::kPubcomp, packet.packet_id,
              was_in_use ? ReasonCode::kSuccess : unknown(connection), durably ? durably.journal->position() : 0,
              was_in_use);
}

}  // namespace

Result<void, mqtt::Refusal> acknowledgement_received(ShardState& state, Connection& connection,
                                                     const mqtt::AcknowledgementView& packet, Now now) {
  ResidentSession* session = state.session_of(connection);
  CHECK(session != nullptr);
  const session::Durably durably = session->durably(state.journal);
  switch (packet.type) {
    case PacketType::kPuback:
      session->outbound.acknowledged(packet.packet_id, durably);
      break;
    case PacketType::kPubrec:
      received(state, connection, *session, packet);
      break;
    case PacketType::kPubcomp:
      session->outbound.completed(packet.packet_id, durably);
      break;
    default:
      released(state, connection, *session, packet);
      return {};
  }
  pump(state, *session, now);
  return {};
}

}  // namespace mortise::core
