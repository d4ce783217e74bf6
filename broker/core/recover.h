#pragma once

#include "broker/core/shard_state.h"

namespace mortise::core {

/// As Shard::recover.
void recover(ShardState& state, Shard::Recovered recovered, Now now);

}  // namespace mortise::core
