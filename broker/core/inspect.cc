#include "broker/core/inspect.h"

#include <algorithm>

#include "broker/core/disconnect.h"
#include "broker/core/shard.h"
#include "broker/core/shard_state.h"
#include "broker/core/talk.h"

namespace mortise::core {

namespace {

/// After a ban: sessions that are looked at, and Clients sent away, each of whom may leave a Will to pass on.
constexpr std::size_t kBanLooksPerIteration = 1024;
constexpr std::size_t kBanFarewellsPerIteration = 64;

SessionReport report(const ResidentSession& session, const Connection* connection) {
  SessionReport made;
  made.principal = session.principal;
  made.is_connected = connection != nullptr;
  if (connection != nullptr) {
    made.keep_alive = connection->keep_alive;
    made.unwritten_bytes = connection->outbox.size();
  }
  made.expiry_interval = session.expiry_interval;
  made.expires_at = session.expires_at;
  made.subscriptions = session.subscriptions.size();
  made.queued_messages = session.outbound.messages();
  made.queued_bytes = session.outbound.bytes();
  made.is_durable = session.number != 0;
  made.has_will = static_cast<bool>(session.will.message);
  if (session.affix) {
    made.topic_prefix = session.affix->prefix();
    made.topic_suffix = session.affix->suffix();
  }
  return made;
}

/// Of what is said of a session; its other fields are numbers.
std::size_t text_size(const SessionReport& session) {
  const mqtt::Principal& who = *session.principal;
  std::size_t size = who.client_id.size() + who.name_space.size() + who.listener.text().size() +
                     session.topic_prefix.size() + session.topic_suffix.size();
  if (who.user_name) size += who.user_name->size();
  if (const mqtt::CertificateIdentity* certificate = who.certificate())
    size +=
        certificate->subject.size() + certificate->common_name.size() + certificate->subject_alternative_name.size();
  return size;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

bool SessionQuery::picks(const mqtt::Principal& principal, bool is_connected_now) const {
  return (!is_connected || *is_connected == is_connected_now) && contains(principal.client_id, client_id) &&
         (user_name.empty() || (principal.user_name && contains(*principal.user_name, user_name))) &&
         (!name_space || *name_space == principal.name_space) &&
         (listener.empty() || listener == principal.listener.text()) &&
         (peer_address.empty() || peer_address == principal.peer_address);
}

SessionPage sessions_page(ShardState& state, const SessionQuery& query, std::uint32_t from, PageLimits limits) {
  SessionPage page;
  page.room_left = limits.room;
  const std::size_t end = std::min<std::size_t>(state.sessions.slots(), std::size_t{from} + limits.slots);
  page.next = from;
  for (; page.next < end && !page.room_left.is_full(); ++page.next) {
    const ResidentSession* session = state.sessions.in_slot(page.next);
    if (session == nullptr) continue;
    const Connection* connection = state.connection_of(*session);
    if (!query.picks(*session->principal, connection != nullptr)) continue;
    page.sessions.push_back(report(*session, connection));
    page.room_left.take(text_size(page.sessions.back()));
  }
  page.is_last = page.next >= state.sessions.slots();
  return page;
}

std::optional<SessionReport> session_report(ShardState& state, std::string_view name_space,
                                            std::string_view client_id) {
  const ResidentSession* session = state.sessions.find(name_space, client_id);
  if (session == nullptr) return std::nullopt;
  return report(*session, state.connection_of(*session));
}

std::optional<SubscriptionPage> subscriptions_page(ShardState& state, std::string_view name_space,
                                                   std::string_view client_id, const std::optional<std::string>& after,
                                                   PageRoom room) {
  const ResidentSession* session = state.sessions.find(name_space, client_id);
  if (session == nullptr) return std::nullopt;
  SubscriptionPage page;
  for (const auto& [filter, subscription] : session->subscriptions) {
    if (after && filter <= *after) continue;
    if (room.is_full()) {
      page.is_last = false;
      break;
    }
    page.subscriptions.push_back({filter, subscription.routed_filter, subscription.share_name, subscription.options,
                                  subscription.subscription_identifier});
    room.take(filter.size() + subscription.routed_filter.size() + subscription.share_name.size());
  }
  return page;
}

void go_on_with_bans(ShardState& state, Now now) {
  BanWalk& walk = state.ban_walk;
  std::size_t looks = kBanLooksPerIteration;
  std::size_t farewells = kBanFarewellsPerIteration;
  for (; looks > 0 && farewells > 0 && walk.slots_left > 0 && !state.has_said_enough(); --looks, --walk.slots_left) {
    if (walk.slot >= walk.end) walk.slot = 0;
    const ResidentSession* session = state.sessions.in_slot(walk.slot++);
    Connection* connection = session == nullptr ? nullptr : state.connection_of(*session);
    if (connection == nullptr) continue;
    const mqtt::Principal& who = *session->principal;
    if (!state.is_banned(who.client_id, who.user_name, who.peer_address, now)) continue;
    disconnect(state, *connection, mqtt::ReasonCode::kAdministrativeAction, now, "banned by an operator");
    --farewells;
  }
}

Dismissed dismiss(ShardState& state, std::string_view name_space, std::string_view client_id,
                  const Dismissal& dismissal, Now now) {
  Dismissed done;
  ResidentSession* session = state.sessions.find(name_space, client_id);
  if (session == nullptr) return done;
  if (Connection* connection = state.connection_of(*session)) {
    done.was_connected = true;
    disconnect(state, *connection, dismissal.reason, now, dismissal.why.c_str());
  }
  if (!dismissal.ends_session) return done;
  done.ended_session = true;
  // Its end may have been that of the connection.
  session = state.sessions.find(name_space, client_id);
  if (session == nullptr) return done;
  // What it owes to groups and only the store has is read back first, as when its time is over.
  session->expires_at = now.wall;
  session_due(state, *session, now);
  return done;
}

}  // namespace mortise::core
