#include <memory>
#include <optional>
#include <vector>

#include "broker/core/shard_state.h"

using mortise::core::Connection;
using mortise::core::ShardState;

void use(ShardState& state, mortise::hooks::ConnectionId id) {
  Connection* connection = state.connections.find(id);
  if (connection == nullptr) return;
#if BREAK == 1
  // error: deleted (function|constructor|copy constructor).*Connection
  Connection copy = *connection;
#elif BREAK == 2
  // error: deleted (function|constructor|copy constructor).*Connection
  Connection moved = std::move(*connection);
#elif BREAK == 3
  // error: deleted|no matching function
  auto kept = std::make_shared<Connection>(std::move(*connection));
#elif BREAK == 4
  std::vector<Connection> kept;
  // error: deleted|no matching function
  kept.push_back(std::move(*connection));
#elif BREAK == 5
  // error: conversion from|no viable conversion|deleted
  std::optional<Connection> kept = std::move(*connection);
#elif BREAK == 6
  // error: deleted|cannot be assigned
  *connection = std::move(*connection);
#elif BREAK == 7
  // error: conversion from|no viable conversion
  std::shared_ptr<Connection> kept = connection;
#endif
}
