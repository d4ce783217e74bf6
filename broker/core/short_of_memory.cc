#include "broker/core/short_of_memory.h"

#include <algorithm>

#include "broker/base/log.h"
#include "broker/core/disconnect.h"
#include "broker/core/receive.h"
#include "broker/core/talk.h"

namespace mortise::core {

namespace {

/// Of one loop at one time: the rest next time, when it is known what this was good for.
constexpr std::size_t kShedAtOnce = 64;

void shed(ShardState& state, Connection& connection, Now now) {
  ++state.counters.shed_connections;
  MORTISE_LOG(kWarning, "core", "%s: closed with %zu bytes that it did not take: node.memory_budget is used up",
              describe(state, connection).c_str(), connection.outbox.size());
  connection_lost(state, connection, mqtt::ReasonCode::kQuotaExceeded, now);
  // Nothing can be said behind what it does not take.
  end_connection(state, connection, Farewell::kAbort);
}

/// Those that keep at least half of what the worst one does.
void shed_the_largest(ShardState& state, Now now) {
  std::size_t largest = 0;
  state.connections.for_each([&](const Connection& connection) {
    if (connection.stage == Stage::kConnected) largest = std::max(largest, connection.outbox.size());
  });
  if (largest <= kOutboxWhileShedding) return;
  std::vector<ConnectionId> worst;
  state.connections.for_each([&](const Connection& connection) {
    const bool is_bad = connection.outbox.size() > std::max(kOutboxWhileShedding, largest / 2);
    if (connection.stage == Stage::kConnected && is_bad && worst.size() < kShedAtOnce) worst.push_back(connection.id);
  });
  for (const ConnectionId id : worst) {
    if (Connection* connection = state.connections.find(id)) shed(state, *connection, now);
  }
}

/// Who was not read for what it does not take is read again when there may be as much again.
void resume_deaf(ShardState& state) {
  state.connections.for_each([&](Connection& connection) {
    if (!connection.is_deaf || is_outbox_full(state, connection)) return;
    connection.is_deaf = false;
    resume_reading(state, connection);
  });
}

}  // namespace

void set_memory_stage(ShardState& state, MemoryStage stage, Now now) {
  const MemoryStage before = std::exchange(state.memory_stage, stage);
  if (stage == MemoryStage::kShedding) {
    state.outbox_maximum = std::min(state.shared.session.outbox_max_bytes, kOutboxWhileShedding);
    shed_the_largest(state, now);
  } else if (before == MemoryStage::kShedding) {
    state.outbox_maximum = state.shared.session.outbox_max_bytes;
    resume_deaf(state);
  }
}

}  // namespace mortise::core
