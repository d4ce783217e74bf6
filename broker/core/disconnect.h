#pragma once

#include "broker/core/shard_state.h"
#include "broker/mqtt/packets.h"

/// How connections and sessions end.
namespace mortise::core {

/// DISCONNECT from the Client.
Result<void, mqtt::Refusal> disconnect_received(ShardState& state, Connection& connection,
                                                const mqtt::DisconnectView& packet, Now now);

/// The connection has ended, for `reason` (Success: the Client said DISCONNECT). Gives up its pending questions; its
/// session, when it has one, goes on without a connection: Will, expiry.
void connection_lost(ShardState& state, Connection& connection, mqtt::ReasonCode reason, Now now);

/// The session is over: Will, subscriptions, queue and everything stored of it. The reference is dead afterwards.
void end_session(ShardState& state, ResidentSession& session, Now now);

/// Gives a session its number in the store, when there is one.
void make_durable(ShardState& state, ResidentSession& session);
/// Writes what is known of a durable session.
void put_session(ShardState& state, const ResidentSession& session);

/// Discards the Will, if there is one.
void forget_will(ShardState& state, ResidentSession& session);
/// The Will is due.
void publish_will(ShardState& state, ResidentSession& session, Now now);
/// Whatever of this session is due at `now.wall`: Will Delay, expiry. The session may be gone afterwards.
void session_due(ShardState& state, ResidentSession& session, Now now);

}  // namespace mortise::core
