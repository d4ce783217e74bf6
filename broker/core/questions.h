#pragma once

#include "broker/core/shard_state.h"

/// Pending questions to hooks: their answers, their deadlines, and the review that a plugin's `invalidate` asks for.
namespace mortise::core {

/// A plugin's answer arrived; one that nobody waits for any more is counted and dropped.
void answered(ShardState& state, const Completion& completion, Now now);
/// The deadline of the connection's pending question has passed.
void question_expired(ShardState& state, Connection& connection, Now now);

/// Binds the affix again and reviews every subscription of a connected client; without a connection only what was
/// remembered goes.
void invalidate(ShardState& state, ResidentSession& session, Now now);
/// The same for a session's key: whoever is attaching with it, too.
void invalidate(ShardState& state, std::string_view name_space, std::string_view client_id, Now now);
/// Begins what invalidate() asked for while another operation was pending.
void begin_invalidation(ShardState& state, Connection& connection, Now now);

}  // namespace mortise::core
