#include "broker/core/disconnect.h"

#include <algorithm>

#include "broker/base/log.h"
#include "broker/core/attach.h"
#include "broker/core/deliver.h"
#include "broker/core/exchange.h"
#include "broker/core/group_member.h"
#include "broker/core/publish.h"
#include "broker/core/replay.h"
#include "broker/core/subscribe.h"
#include "broker/core/talk.h"

namespace mortise::core {

namespace {

using mqtt::PropertyId;
using mqtt::ReasonCode;
using mqtt::Refusal;

/// Of what is asked of the store before a session ends.
constexpr Seconds kPageWithin{1};

/// Nobody waits for its hooks' answers any more.
void cancel_questions(ShardState& state, Connection& connection) {
  end_exchange(state, connection);
  const hooks::Ticket ticket = state.current_ticket(connection);
  const auto cancel = [&](auto& run) {
    if (run) run->cancel(ticket);
  };
  if (connection.opening && connection.stage != Stage::kCommitting) {
    cancel(connection.opening->authenticate);
    cancel(connection.opening->bind);
    cancel(connection.opening->authorize_will);
    if (connection.opening->review) cancel(connection.opening->review->authorize);
  }
  if (!connection.pending) return;
  if (auto* pending = std::get_if<PendingPublish>(connection.pending.get())) pending->authorize.cancel(ticket);
  if (auto* pending = std::get_if<PendingSubscribe>(connection.pending.get())) cancel(pending->review.authorize);
  if (auto* pending = std::get_if<PendingInvalidation>(connection.pending.get())) {
    cancel(pending->bind);
    if (pending->review) cancel(pending->review->authorize);
  }
}

/// The Will of a session whose connection ended, published now, later or never.
void settle_will(ShardState& state, ResidentSession& session, bool is_normal, Now now) {
  if (!session.will.message) return;
  const session::Durably durably = session.durably(state.journal);
  // MQTT-3.14.4-3: DISCONNECT with Reason Code 0 discards the Will.
  if (is_normal) return forget_will(state, session);
  const std::uint32_t delay = std::min(session.will.delay_interval, session.expiry_interval);
  if (delay == 0) return publish_will(state, session, now);
  session.will.due_at = now.wall + Seconds(delay);
  if (durably) durably.journal->will_put(durably.number, session.will.due_at, session.will.message);
  state.arm(session, session.will.due_at, now);
}

void detach(ShardState& state, ResidentSession& session, ReasonCode reason, Now now) {
  session.connection = {};
  --state.online;
  end_replays(session);
  session.outbound.withdraw_announcement();
  announce_to_groups(state, session, GroupMembership::Change::kOffline, now);
  state.emit(hooks::EventKind::kClientDisconnected, session.principal, now, {}, reason);
  settle_will(state, session, reason == ReasonCode::kSuccess, now);
  if (!session.is_persistent()) return end_session(state, session, now);
  if (session.expiry_interval != session::kExpiryNever) {
    session.expires_at = now.wall + Seconds(session.expiry_interval);
    state.arm(session, session.expires_at, now);
  }
  put_session(state, session);
}

}  // namespace

Result<void, Refusal> disconnect_received(ShardState& state, Connection& connection, const mqtt::DisconnectView& packet,
                                          Now now) {
  ResidentSession* session = state.session_of(connection);
  if (const auto expiry = packet.properties.number(PropertyId::kSessionExpiryInterval); expiry && session != nullptr) {
    if (!session->asked_for_expiry && *expiry != 0) {
      return failure(Refusal{ReasonCode::kProtocolError, "5.0 3.14.2.2.2",
                             "a Session Expiry Interval at DISCONNECT after 0 at CONNECT"});
    }
    const auto maximum =
        std::min<std::int64_t>(state.shared.session.expiry_interval_max.count(), session->expiry_interval_maximum);
    // What was granted as zero stays: nothing of the session was kept from the beginning.
    if (session->expiry_interval != 0)
      session->expiry_interval = std::min(*expiry, static_cast<std::uint32_t>(maximum));
  }
  connection_lost(state, connection, packet.reason, now);
  end_connection(state, connection, Farewell::kFlush);
  return {};
}

void connection_lost(ShardState& state, Connection& connection, ReasonCode reason, Now now) {
  cancel_questions(state, connection);
  leave_attach_queue(state, connection);
  connection.pending.reset();
  ResidentSession* session = state.session_of(connection);
  const bool is_current = session != nullptr && session->connection == connection.id;
  connection.session = {};
  if (is_current) detach(state, *session, reason, now);
}

void make_durable(ShardState& state, ResidentSession& session) {
  if (state.journal == nullptr) return;
  session.number = state.journal->new_session_number();
  state.sessions_by_number[session.number] = session.id;
}

void put_session(ShardState& state, const ResidentSession& session) {
  const session::Durably durably = session.durably(state.journal);
  if (!durably) return;
  session::SessionRecord record;
  record.number = session.number;
  record.principal = session.principal;
  record.expiry_interval = session.expiry_interval;
  record.expires_at = session.expires_at;
  record.sent_until = session.outbound.announced();
  if (session.affix) {
    record.affix = session::AffixRecord{session.affix->prefix(), session.affix->suffix(), session.affix->operations(),
                                        session.affix->rule_version()};
  }
  durably.journal->session_put(record);
}

void forget_will(ShardState& state, ResidentSession& session) {
  if (!std::exchange(session.will, {}).message) return;
  if (const session::Durably durably = session.durably(state.journal)) durably.journal->will_remove(durably.number);
}

void publish_will(ShardState& state, ResidentSession& session, Now now) {
  const mqtt::MessagePtr will = std::exchange(session.will, {}).message;
  mqtt::MessageView fields;
  fields.topic = will->topic();
  fields.payload = will->payload();
  fields.properties = will->properties();
  fields.qos = will->qos();
  fields.retain = will->retain();
  fields.is_will = true;
  fields.origin = will->origin();
  fields.received_at = now.wall;
  if (will->has_expiry()) fields.expires_at = now.wall + Seconds(session::delay_while_connected(will->expires_at()));
  ++state.counters.wills_published;
  const mqtt::MessagePtr message = mqtt::Message::make(fields);
  PassingView passing(state, message);
  RouteOptions options;
  if (session.durably(state.journal)) {
    // Its record ends with the commit of the message: before it a crash would lose the Will, behind it bring it again.
    options.publisher = session.id;
    // MQTT-4.3.3-2: what was passed on at QoS 2 must not come again.
    options.is_held = message->qos() == mqtt::QoS::kExactlyOnce;
  }
  route(state, passing, options, now);
}

void end_session(ShardState& state, ResidentSession& session, Now now) {
  // 5.0 section 3.1.3.2.2: the Will Delay ends with the session.
  if (session.will.message) publish_will(state, session, now);
  remove_all_subscriptions(state, session, now);
  // 5.0 section 4.8.2: after it has left its groups, or they would choose it again.
  hand_back_unfinished(state, session);
  if (session.number != 0) state.sessions_by_number.erase(session.number);
  if (session.durably(state.journal) && !state.is_durable(state.journal->position())) {
    const mqtt::Principal& owner = *session.principal;
    state.ending.insert_or_assign(session_key(owner.name_space, owner.client_id), state.journal->position());
  }
  state.emit(hooks::EventKind::kSessionEnded, session.principal, now);
  state.sessions.erase(session);
}

void session_due(ShardState& state, ResidentSession& session, Now now) {
  if (session.connection) return pump(state, session, now);
  if (session.will.message && session.will.due_at <= now.wall) publish_will(state, session, now);
  if (session.expires_at <= now.wall) {
    // What it owes to groups is first read back; a store that fails is asked again.
    if (session.outbound.is_in_store_alone() && !session.groups.empty()) {
      ask_for_page(state, session);
      return state.arm(session, now.wall + kPageWithin, now);
    }
    ++state.counters.sessions_expired;
    return end_session(state, session, now);
  }
  const WallTime next = std::min(session.expires_at, session.will.message ? session.will.due_at : kNeverWall);
  if (next != kNeverWall) state.arm(session, next, now);
}

}  // namespace mortise::core
