#include "broker/core/shard.h"

using mortise::hooks::ConnectionId;
using mortise::mqtt::SessionId;

bool use(mortise::core::Shard& shard, ConnectionId connection, SessionId session) {
#if BREAK == 1
  // error: conversion from|no viable conversion
  ConnectionId wrong = session.slot;
#elif BREAK == 2
  // error: could not convert|no viable conversion|no matching function|cannot convert
  shard.closed(session.slot, {});
#elif BREAK == 3
  // error: no match for .operator==|invalid operands
  return connection == session.slot;
#endif
  return shard.wants_bytes(connection) && session == session;
}
