#include "broker/core/talk.h"

#include <algorithm>

#include "broker/base/log.h"
#include "broker/core/attach.h"
#include "broker/core/disconnect.h"
#include "broker/core/exchange.h"
#include "broker/core/explained.h"
#include "broker/core/receive.h"

namespace mortise::core {

namespace {

std::string place(const std::string& address, std::uint16_t port) {
  return address.empty() ? "on a Unix socket" : address + ":" + std::to_string(port);
}

}  // namespace

void mark_talkative(ShardState& state, Connection& connection) {
  if (connection.is_talkative || connection.stage == Stage::kEnded) return;
  connection.is_talkative = true;
  state.actions.talkative.push_back(connection.id);
}

namespace {

bool may_leave(const ShardState& state, const Parked& parked) {
  return parked.awaited_room == 0 && state.is_durable(parked.position);
}

void say_answer(ShardState& state, Connection& connection, const mqtt::ByteBuffer& packet, bool frees_receive_quota) {
  connection.outbox.append(packet);
  ++state.counters.packets_sent;
  if (frees_receive_quota && connection.unacknowledged > 0) --connection.unacknowledged;
}

void park(ShardState& state, Connection& connection, Parked parked) {
  // Positions only grow, so entries stand in order; one that waits for nothing of its own rides behind the last.
  wait_for_journal(state, connection, parked.position);
  connection.parked->push_back(std::move(parked));
  // Not ended here: whoever says something goes on with its session.
  if (state.refuses_to_wait()) state.unserved.push_back(connection.id);
}

bool waits_for_journal(const ShardState& state, Connection& connection) {
  for (std::size_t at = 0; at < connection.parked.size(); ++at) {
    if (!state.is_durable((*connection.parked)[at].position)) return true;
  }
  return false;
}

/// Of the store: that of the mailboxes comes back by itself.
bool waits_for_credit(const ShardState& state, const Connection& connection) {
  return connection.is_stalled && state.may_publish && !state.accepts_publishes();
}

}  // namespace

void say_when_durable(ShardState& state, Connection& connection, std::uint64_t position, mqtt::ByteBuffer packet,
                      bool frees_receive_quota) {
  if (connection.stage == Stage::kEnded) return;
  if (!state.is_durable(position) || !connection.parked.empty())
    return park(state, connection, {position, 0, std::move(packet), frees_receive_quota});
  say_answer(state, connection, packet, frees_receive_quota);
  mark_talkative(state, connection);
}

void park_for_room(ShardState& state, Connection& connection, Parked parked) {
  if (connection.stage != Stage::kEnded) park(state, connection, std::move(parked));
}

void wait_for_journal(ShardState& state, Connection& connection, std::uint64_t position) {
  if (!state.is_durable(position)) state.parked_connections.push_back({position, connection.id});
}

void acknowledge(ShardState& state, Connection& connection, mqtt::PacketType type, mqtt::PacketId packet_id,
                 mqtt::ReasonCode reason, std::uint64_t position, bool frees_receive_quota) {
  mqtt::AcknowledgementView packet;
  packet.type = type;
  packet.packet_id = packet_id;
  packet.reason = reason;
  mqtt::ByteBuffer encoded;
  mqtt::encode(encoded, packet, connection.version);
  say_when_durable(state, connection, position, std::move(encoded), frees_receive_quota);
}

void acknowledge_error(ShardState& state, Connection& connection, const mqtt::AcknowledgementView& packet,
                       const char* why, std::uint64_t position, bool frees_receive_quota) {
  say_when_durable(state, connection, position, encode_explained(connection, packet, why), frees_receive_quota);
}

void release_parked(ShardState& state, Now now) {
  while (!state.parked_connections.empty()) {
    const ParkedConnection first = state.parked_connections.front();
    if (!state.is_durable(first.position)) return;
    state.parked_connections.pop_front();
    Connection* connection = state.connections.find(first.connection);
    if (connection == nullptr || connection->stage == Stage::kEnded) continue;
    if (connection->stage == Stage::kCommitting) greet(state, *connection, now);
    release_parked(state, *connection);
  }
}

void release_parked(ShardState& state, Connection& connection) {
  while (!connection.parked.empty() && may_leave(state, connection.parked->front())) {
    const Parked& front = connection.parked->front();
    say_answer(state, connection, front.packet, front.frees_receive_quota);
    connection.parked->pop_front();
  }
  mark_talkative(state, connection);
  resume_reading(state, connection);
}

std::string describe(const ShardState& state, const Connection& connection) {
  const ResidentSession* session = const_cast<ShardState&>(state).session_of(connection);
  const mqtt::Principal* principal = session != nullptr ? session->principal.get() : nullptr;
  if (principal == nullptr && connection.opening) principal = connection.opening->principal.get();
  if (principal != nullptr) {
    return "client " + quoted(principal->client_id) + " (" + place(principal->peer_address, principal->peer_port) + ")";
  }
  if (!connection.peer) return "client";
  const PeerInfo& peer = *connection.peer;
  if (!peer.process) return "client at " + place(peer.peer_address, peer.peer_port);
  return "client on a Unix socket (uid " + std::to_string(peer.process->user_id) + ", pid " +
         std::to_string(peer.process->process_id) + ")";
}

void end_connection(ShardState& state, Connection& connection, Farewell farewell) {
  if (connection.stage == Stage::kEnded) return;
  end_exchange(state, connection);
  connection.stage = Stage::kEnded;
  connection.pending.reset();
  connection.parked.clear();
  connection.read_ahead.clear();
  state.actions.closes.push_back({connection.id, farewell});
}

namespace {

/// `told`: the Reason String.
void say_disconnect(ShardState& state, Connection& connection, mqtt::ReasonCode reason, const char* told, Now now) {
  // MQTT-3.14.0-1: no DISCONNECT before a CONNACK with a Reason Code below 0x80.
  if (connection.stage == Stage::kConnected && connection.is_v5()) {
    mqtt::DisconnectView packet;
    packet.reason = reason;
    connection.outbox.append(encode_explained(connection, packet, told, reference_for(state.shared.mqtt, reason)));
    ++state.counters.packets_sent;
    mark_talkative(state, connection);
  }
  connection_lost(state, connection, reason, now);
  end_connection(state, connection, Farewell::kFlush);
}

}  // namespace

void disconnect(ShardState& state, Connection& connection, mqtt::ReasonCode reason, Now now, const char* why) {
  if (connection.stage == Stage::kEnded) return;
  if (why != nullptr) {
    MORTISE_LOG(kInfo, "core", "%s: %s (%s)", describe(state, connection).c_str(), why, mqtt::name_of(reason));
  }
  say_disconnect(state, connection, reason, mqtt::name_of(reason), now);
}

void refuse_unserved(ShardState& state, Connection& connection, Now now) {
  if (connection.stage == Stage::kCommitting) {
    ++state.counters.store_refusals;
    refuse_attached(state, connection, now);
  } else if (connection.stage == Stage::kConnected &&
             (waits_for_journal(state, connection) || waits_for_credit(state, connection))) {
    ++state.counters.store_refusals;
    disconnect(state, connection, mqtt::ReasonCode::kServerBusy, now, "the store fails");
  }
}

void refuse(ShardState& state, Connection& connection, const mqtt::Refusal& refusal, Now now) {
  ++state.counters.protocol_errors;
  MORTISE_LOG(kInfo, "core", "%s: %s [%s]", describe(state, connection).c_str(), refusal.what, refusal.statement);
  if (connection.stage == Stage::kEnded) return;
  if (refusal.is_said) return say_disconnect(state, connection, refusal.reason, refusal.what, now);
  connection_lost(state, connection, refusal.reason, now);
  end_connection(state, connection, Farewell::kFlush);
}

}  // namespace mortise::core
