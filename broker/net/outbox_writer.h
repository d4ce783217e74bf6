#pragma once

#include "broker/core/outbox.h"
#include "broker/net/loop_counters.h"
#include "broker/net/stream_socket.h"

namespace mortise::net {

/// Writes as much of an outbox as the socket takes: one gathering write, more only where one cannot hold everything.
/// kDone: all of it; kWouldBlock: the socket is full, and its next edge says when to go on; kFailed: nothing more can
/// be written. `bytes` says how many were.
Transfer write_outbox(const Stream& stream, core::Outbox& outbox, LoopCounters& counters);
/// Writes what the stream's layer owes, if it has one that does. kDone: nothing is owed.
Transfer flush_layer(const Stream& stream);

}  // namespace mortise::net
