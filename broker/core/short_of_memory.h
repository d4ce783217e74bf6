#pragma once

#include "broker/core/shard_state.h"

/// What a shard does while the broker is short of memory.
namespace mortise::core {

/// While it is kShedding an outbox holds no more than this: less than whoever reads ever keeps waiting.
inline constexpr std::size_t kOutboxWhileShedding = 64u << 10;

/// session.outbox_max_bytes or the stage has changed.
void renew_outbox_maximum(ShardState& state);
/// As Shard::set_memory_stage; publishers that wait are not resumed here.
void set_memory_stage(ShardState& state, MemoryStage stage, Now now);

}  // namespace mortise::core
