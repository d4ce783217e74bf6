#pragma once

#include <cstdint>

#include "broker/core/shard_state.h"

/// Shared subscriptions, the member's side: what a session may be given by its groups, and what goes back to them.
namespace mortise::core {

/// How many messages at QoS > 0 a group may give to a session before it says that it is ready for more; 0: nobody is
/// connected.
std::uint16_t group_credit(ShardState& state, const ResidentSession& session);
/// Tells the session's groups that it is ready for more, when it has taken enough to say so and has nearly worked it
/// off.
void tell_readiness(ShardState& state, ResidentSession& session, Now now);
/// Ends a session in the journal; what it has not finished goes back to the groups that gave it, in the same change.
void hand_back_unfinished(ShardState& state, const ResidentSession& session);
/// The same for what groups that the session has left gave it and it has not been sent yet.
void hand_back_unsent(ShardState& state, ResidentSession& session);

}  // namespace mortise::core
