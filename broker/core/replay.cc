#include "broker/core/replay.h"

#include <algorithm>

#include "broker/base/check.h"
#include "broker/core/deliver.h"

// Design notes.
// A retained message up to the boundary of its subscription comes by replay and by replay only, a later one by
// delivery. Nothing is collected in between: a message is taken out of the index when there is room to say it, so a
// session holds a cursor, however much is retained, and what was replaced or removed meanwhile is not said any more
// behind what replaced it. Every subscription has at most one replay due, and only the first of a session is under way.

namespace mortise::core {

namespace {

using mqtt::QoS;

SubscriptionState& subscription_of(ResidentSession& session, const DueReplay& replay) {
  const auto at = session.subscriptions.find(replay.filter);
  CHECK(at != session.subscriptions.end());  // whoever ends a subscription ends its replay
  return at->second;
}

/// Whether one more message can be said or queued, whatever its QoS is.
bool has_room(const ShardState& state, const Connection& connection, const ResidentSession& session,
              const SubscriptionState& subscription) {
  if (is_outbox_choked(state, connection)) return false;
  if (subscription.options.maximum_qos == QoS::kAtMostOnce) return true;
  // What is queued is sent first: the queue is bounded, and the replay must not fill it.
  const session::SessionLimits& limits = state.shared.session;
  return session.outbound.messages() < std::min<std::uint64_t>(limits.max_inflight, limits.queue.max_messages);
}

bool is_wanted(const ResidentSession& session, const SubscriptionState& subscription, const mqtt::Message& message) {
  if (subscription.rules && !subscription.rules->allows(message.topic())) return false;
  // MQTT-3.8.3-3 holds for retained messages, too.
  return !subscription.options.no_local || message.origin() != session.origin;
}

/// A page of what is due first; takes what it used of `nodes`.
void replay_page(ShardState& state, const Connection& connection, ResidentSession& session, std::size_t& nodes,
                 Now now) {
  DueReplay& replay = session.replays->begin()->second;
  SubscriptionState& subscription = subscription_of(session, replay);
  if (!has_room(state, connection, session, subscription)) return;
  const auto say = [&](const mqtt::MessagePtr& message, std::uint64_t sequence) {
    if (sequence > replay.boundary || !is_wanted(session, subscription, *message)) return true;
    const QoS qos = std::min(subscription.options.maximum_qos, message->qos());
    deliver_retained(state, session, message, qos, subscription.subscription_identifier, now);
    return has_room(state, connection, session, subscription);
  };
  ++state.counters.replay_pages;
  if (state.shared.retained->match(subscription.routed_filter, replay.cursor, nodes, now.wall, say))
    end_replay(session, subscription);
}

}  // namespace

void begin_replay(ShardState& state, ResidentSession& session, const std::string& filter,
                  SubscriptionState& subscription, std::uint64_t boundary) {
  end_replay(session, subscription);
  if (state.shared.retained->messages() == 0) return;
  constexpr std::size_t kMapNode = 48;
  const std::size_t bytes = sizeof(DueReplay) + kMapNode + filter.size();
  subscription.replay = session.replays.empty() ? 1 : session.replays->rbegin()->first + 1;
  session.replays->emplace(
      subscription.replay,
      DueReplay{filter, boundary, {}, ByteCharge(state.shared.subscriptions->session_bytes(), bytes)});
}

void end_replay(ResidentSession& session, SubscriptionState& subscription) {
  if (subscription.replay != 0) forget_replay(session, std::exchange(subscription.replay, 0));
}

void forget_replay(ResidentSession& session, std::uint64_t number) {
  session.replays->erase(number);
  if (session.replays.empty()) session.replays.clear();
}

void end_replays(ResidentSession& session) {
  if (session.replays.empty()) return;
  for (const auto& [number, replay] : *session.replays) subscription_of(session, replay).replay = 0;
  session.replays.clear();
}

void want_replay_turn(ShardState& state, const Connection& connection, ResidentSession& session) {
  if (session.replays.empty() || session.is_replaying) return;
  const SubscriptionState& subscription = subscription_of(session, session.replays->begin()->second);
  if (!has_room(state, connection, session, subscription)) return;
  session.is_replaying = true;
  state.replaying.push_back(session.id);
}

void go_on_with_replays(ShardState& state, Now now) {
  state.said = 0;  // what came before in this iteration had its own turn
  std::size_t nodes = state.shared.replay.nodes_per_iteration;
  while (nodes > 0 && !state.replaying.empty() && !state.has_said_enough()) {
    ResidentSession* session = state.sessions.find(state.replaying.front().slot);
    state.replaying.pop_front();
    if (session == nullptr) continue;
    session->is_replaying = false;
    const Connection* connection = state.connection_of(*session);
    if (connection == nullptr || connection->stage != Stage::kConnected || session->replays.empty()) continue;
    const std::size_t page = std::min(nodes, state.shared.replay.nodes_per_page);
    std::size_t left = page;
    replay_page(state, *connection, *session, left, now);
    nodes -= page - left;
    pump(state, *session, now);  // sends what was queued, and asks for the next turn
  }
}

}  // namespace mortise::core
