#pragma once

#include "broker/core/shard_state.h"

/// What is retained, to new subscriptions: a page of the index at a time, when there is room for what it brings.
namespace mortise::core {

/// Everything up to the boundary that `filter` of this session matches becomes due; from the beginning when some of it
/// was due already. It comes by turns (go_on_with_replays).
void begin_replay(ShardState& state, ResidentSession& session, const std::string& filter,
                  SubscriptionState& subscription, std::uint64_t boundary);
/// What is still due to this subscription is forgotten.
void end_replay(ResidentSession& session, SubscriptionState& subscription);
/// The same where the subscription itself is gone.
void forget_replay(ResidentSession& session, std::uint64_t number);
/// The same for all subscriptions of a session.
void end_replays(ResidentSession& session);

/// Names a session to which something is due for a turn, unless the socket or the queue must take something first: then
/// it is asked about again with the next pump.
void want_replay_turn(ShardState& state, const Connection& connection, ResidentSession& session);
/// Gives turns, as many as one iteration may.
void go_on_with_replays(ShardState& state, Now now);

}  // namespace mortise::core
