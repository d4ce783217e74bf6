#include "broker/core/expire.h"

#include <algorithm>
#include <utility>

#include "broker/base/log.h"
#include "broker/core/attach.h"
#include "broker/core/connect.h"
#include "broker/core/disconnect.h"
#include "broker/core/exchange.h"
#include "broker/core/groups.h"
#include "broker/core/inspect.h"
#include "broker/core/questions.h"
#include "broker/core/receive.h"
#include "broker/core/replay.h"
#include "broker/core/talk.h"

namespace mortise::core {

namespace {

constexpr Millis kRetainedSweepEvery{1000};
constexpr std::size_t kRetainedSweepMaximum = 1000;

/// When a client that was faster than its rate is read again.
SteadyTime resumes_at(const Connection& connection) { return connection.rate ? connection.rate->resumes_at() : kNever; }

/// The broker does not listen: a hook is pending, or reading is stopped, and not for what the client does not take.
bool is_held_up(const Connection& connection) {
  return connection.pending || (connection.has_held_back && !connection.is_deaf) || connection.is_resuming ||
         resumes_at(connection) != kNever;
}

/// When the client has been silent for too long (5.0 section 3.1.2.10, MQTT-3.1.2-22); not counted against it while
/// nobody listens.
SteadyTime keep_alive_due(const Connection& connection) {
  if (connection.stage != Stage::kConnected || connection.keep_alive == 0 || is_held_up(connection)) return kNever;
  return connection.last_received + Millis(connection.keep_alive * 1500);
}

/// When what a plugin granted is over. A connection that is not attached yet is looked at when it is.
SteadyTime validity_due(const Connection& connection) {
  return connection.stage == Stage::kConnected ? connection.valid_until : kNever;
}

void stage_due(ShardState& state, Connection& connection, Now now) {
  const bool is_turn = connection.stage_deadline == SteadyTime::min();
  connection.stage_deadline = kNever;
  switch (connection.stage) {
    case Stage::kAwaitingConnect:
      ++state.counters.connects_timed_out;
      MORTISE_LOG(kInfo, "core", "%s: no CONNECT within mqtt.connect_timeout", describe(state, connection).c_str());
      return end_connection(state, connection, Farewell::kAbort);
    case Stage::kAttaching:
      if (is_turn) return begin_turn(state, connection, now);
      if (waits_for_turn(state, connection)) {
        return refuse_connect(state, connection, mqtt::ReasonCode::kServerBusy,
                              "the connection before it is not attached within mqtt.connect_timeout");
      }
      return question_expired(state, connection, now);
    default:
      return question_expired(state, connection, now);
  }
}

void connection_due(ShardState& state, Connection& connection, Now now) {
  connection.armed_for = kNever;
  if (connection.stage == Stage::kEnded) return;
  if (connection.stage_deadline <= now.steady) stage_due(state, connection, now);
  if (connection.stage == Stage::kEnded) return;
  if (exchange_due_at(connection) <= now.steady) exchange_due(state, connection, now);
  if (connection.stage == Stage::kEnded) return;
  if (validity_due(connection) <= now.steady) {
    return disconnect(state, connection, mqtt::ReasonCode::kMaximumConnectTime, now,
                      "what it authenticated with is valid no longer");
  }
  if (resumes_at(connection) <= now.steady) {
    connection.rate->resumed();
    resume_reading(state, connection);
  }
  if (keep_alive_due(connection) <= now.steady) {
    return disconnect(state, connection, mqtt::ReasonCode::kKeepAliveTimeout, now,
                      "silent for one and a half times its Keep Alive");
  }
  // While nobody listens the Keep Alive is looked at again a second later.
  SteadyTime next = std::min({connection.stage_deadline, keep_alive_due(connection), exchange_due_at(connection),
                              resumes_at(connection), validity_due(connection)});
  if (is_held_up(connection) && connection.keep_alive > 0) next = std::min(next, now.steady + Seconds(1));
  state.arm(connection, next);
}

void sweep_retained(ShardState& state, Now now) {
  state.shared.retained->expire(now.wall, kRetainedSweepMaximum, [&](std::string_view topic, std::uint64_t change) {
    if (state.journal != nullptr) state.journal->retained_remove(topic, change);
  });
  state.timers.arm({now.steady + kRetainedSweepEvery, 0, 0, Timers::Kind::kRetained});
}

}  // namespace

void run_timers(ShardState& state, Now now) {
  for (const ConnectionId id : std::exchange(state.gone, {})) state.connections.erase(id);
  for (const ConnectionId id : std::exchange(state.unserved, {})) {
    if (Connection* connection = state.connections.find(id)) refuse_unserved(state, *connection, now);
  }
  Timers::Entry entry{};
  while (state.timers.pop_due(now.steady, entry)) {
    switch (entry.kind) {
      case Timers::Kind::kConnection: {
        Connection* connection = state.connections.find({entry.index, entry.generation});
        if (connection != nullptr && connection->armed_for == entry.at) connection_due(state, *connection, now);
        break;
      }
      case Timers::Kind::kSession:
        if (ResidentSession* session = state.sessions.find({entry.index, entry.generation});
            session != nullptr && session->armed_for == entry.at) {
          session->armed_for = kNever;
          session_due(state, *session, now);
        }
        break;
      case Timers::Kind::kRetained:
        sweep_retained(state, now);
        break;
      case Timers::Kind::kOrphans:
        remove_orphaned_queues(state);
        break;
    }
  }
  if (!state.replaying.empty()) go_on_with_replays(state, now);
  go_on_with_bans(state, now);
}

}  // namespace mortise::core
