#pragma once

#include "broker/core/shard_state.h"

namespace mortise::core {

/// Runs every timer that is due: CONNECT time-out, keep alive, deadlines of questions, Will Delay, Session Expiry,
/// retained messages.
void run_timers(ShardState& state, Now now);

}  // namespace mortise::core
