#pragma once

#include "broker/core/shard_state.h"
#include "broker/mqtt/encode.h"

/// What a connection is told, and how it ends.
namespace mortise::core {

/// The outbox got something to say.
void mark_talkative(ShardState& state, Connection& connection);

/// Says a packet now.
template <class Packet>
void say(ShardState& state, Connection& connection, const Packet& packet) {
  mqtt::encode(connection.outbox.buffer(), packet, connection.version);
  ++state.counters.packets_sent;
  mark_talkative(state, connection);
}

/// Parks an encoded packet until the journal has made `position` durable; says it at once when it is, and nothing is
/// parked before it.
void say_when_durable(ShardState& state, Connection& connection, std::uint64_t position, mqtt::ByteBuffer packet,
                      bool frees_receive_quota = false);
/// Parks one that waits for an answer of other loops as well.
void park_for_room(ShardState& state, Connection& connection, Parked parked);
/// What the connection has parked is looked at when the journal has made `position` durable.
void wait_for_journal(ShardState& state, Connection& connection, std::uint64_t position);

/// The final (or refusing) acknowledgement of a PUBLISH, or one step of QoS 2.
void acknowledge(ShardState& state, Connection& connection, mqtt::PacketType type, mqtt::PacketId packet_id,
                 mqtt::ReasonCode reason, std::uint64_t position, bool frees_receive_quota);

/// The same with a Reason Code that is an error. `why`, a literal, is for the client that wants words.
void acknowledge_error(ShardState& state, Connection& connection, const mqtt::AcknowledgementView& packet,
                       const char* why, std::uint64_t position, bool frees_receive_quota);

/// Says what is parked up to what is durable now.
void release_parked(ShardState& state, Now now);
/// Says what one connection has parked, up to what still waits.
void release_parked(ShardState& state, Connection& connection);

/// Ends the connection from our side: DISCONNECT with a Reason Code where the version has one (5.0 section 4.13), then
/// close. `why` is for the log.
void disconnect(ShardState& state, Connection& connection, mqtt::ReasonCode reason, Now now, const char* why = nullptr);
/// Ends a connection that waits for a store that fails.
void refuse_unserved(ShardState& state, Connection& connection, Now now);
/// The peer broke the protocol: one log line with the statement, then as above; a client that wants words is told.
void refuse(ShardState& state, Connection& connection, const mqtt::Refusal& refusal, Now now);
/// Closes without a DISCONNECT; `farewell` as in Actions.
void end_connection(ShardState& state, Connection& connection, Farewell farewell);

/// "client \"x\" (127.0.0.1:1234)" for the log.
std::string describe(const ShardState& state, const Connection& connection);

}  // namespace mortise::core
