#pragma once

#include "broker/core/shard_state.h"

/// CONNECT on the home loop. The order is fixed: wait for one's turn among clients with the same key, same-user check,
/// bind the affix, authorize the Will, review a stored session's subscriptions, take over, commit, CONNACK.
namespace mortise::core {

/// Begins for an authenticated connection on its home loop.
void attach(ShardState& state, Connection& connection, Now now);
/// Answers of hooks, each going on with the next step.
void bound(ShardState& state, Connection& connection, const hooks::BindDecision& decision, Now now);
void will_authorized(ShardState& state, Connection& connection, const hooks::AccessDecision& decision, Now now);
void stored_subscriptions_reviewed(ShardState& state, Connection& connection, Now now);
/// Another one with its key is being attached.
bool waits_for_turn(const ShardState& state, const Connection& connection);
/// Its turn in the queue has come.
void begin_turn(ShardState& state, Connection& connection, Now now);
/// The store failed before CONNACK could leave.
void refuse_attached(ShardState& state, Connection& connection, Now now);
/// CONNACK may leave: the connection talks from here on.
void greet(ShardState& state, Connection& connection, Now now);
/// The connection ended before it was attached: the next one with its key has its turn.
void leave_attach_queue(ShardState& state, Connection& connection);

}  // namespace mortise::core
