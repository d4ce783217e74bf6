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

void renew_outbox_maximum(ShardState& state) {
  const std::size_t usual = state.shared.session.outbox_max_bytes;
  const std::size_t before = state.outbox_maximum;
  state.outbox_maximum = state.memory_stage == MemoryStage::kShedding ? std::min(usual, kOutboxWhileShedding) : usual;
  if (state.outbox_maximum > before) resume_deaf(state);
}

void set_memory_stage(ShardState& state, MemoryStage stage, Now now) {
  state.memory_stage = stage;
  renew_outbox_maximum(state);
  if (stage == MemoryStage::kShedding) shed_the_largest(state, now);
}

}  // namespace mortise::core
