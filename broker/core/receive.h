#pragma once

#include "broker/core/shard_state.h"

/// From bytes to packets, each handed to its operation; what happens while an operation is pending.
namespace mortise::core {

/// As Shard::receive.
std::size_t receive(ShardState& state, Connection& connection, ByteView bytes, Now now);
/// As Shard::wants_bytes.
bool wants_bytes(const ShardState& state, const Connection& connection);
/// More waits for the connection to take it than may: it is not read until it does.
bool is_outbox_full(const ShardState& state, const Connection& connection);
/// Another iteration begins: who was put off to it is offered its bytes again.
void go_on_with_put_off(ShardState& state);
/// Something that held the connection back has gone: its bytes are offered again.
void resume_reading(ShardState& state, Connection& connection);
/// The pending operation is finished: works through the read-ahead, then reads on.
void operation_finished(ShardState& state, Connection& connection, Now now);

}  // namespace mortise::core
