#include "broker/core/deliver.h"

#include <algorithm>

#include "broker/base/log.h"
#include "broker/core/disconnect.h"
#include "broker/core/group_member.h"
#include "broker/core/groups.h"
#include "broker/core/replay.h"
#include "broker/core/room.h"
#include "broker/core/subscribe.h"
#include "broker/core/talk.h"

namespace mortise::core {

namespace {

using mqtt::QoS;

}  // namespace

bool is_outbox_choked(const ShardState& state, const Connection& connection) {
  constexpr std::size_t kChokeAt = 256u << 10;
  // Half of what may wait is left for what is live, and for what is answered.
  return connection.outbox.size() >= std::min(kChokeAt, state.outbox_maximum / 2);
}

// ---- Saying one PUBLISH ---------------------------------------------------------------------------------------------

namespace {

struct OutboundPublishView {
  QoS qos = QoS::kAtMostOnce;
  bool retain = false;
  bool dup = false;
  mqtt::PacketId packet_id = 0;
  std::span<const std::uint32_t> subscription_identifiers;
};

enum class Said : std::uint8_t { kYes, kNoInverse, kTooLarge };

/// The topic as the session's client knows it; nothing when its affix has no inverse for it.
std::optional<std::string_view> topic_for(const ResidentSession& session, std::string_view topic) {
  return session.affix ? session.affix->invert(topic) : topic;
}

/// For a client that takes Topic Aliases. What fits is sent, so the client knows of an alias that was set.
EncodedLayouts::EncodedView encode_with_alias(ShardState& state, Connection& connection,
                                              const mqtt::MessageView& message, const EncodedLayouts::Layout& layout,
                                              std::string_view topic, const OutboundPublishView& publish, Now now) {
  if (!connection.aliases) connection.aliases = std::make_unique<Aliases>();
  if (!connection.aliases->of_broker) connection.aliases->of_broker.emplace(connection.outbound_alias_maximum);
  session::OutboundTopicAliases& aliases = *connection.aliases->of_broker;
  const session::OutboundTopicAliases::Choice choice = aliases.choose(topic);
  const auto encode = [&](std::string_view as, std::uint16_t alias) {
    return state.layouts.encode_alone(message, layout, as, publish.subscription_identifiers, now.wall, alias);
  };
  const EncodedLayouts::EncodedView encoded = encode(choice.is_set ? std::string_view() : topic, choice.alias);
  if (fits(connection, encoded.size)) {
    aliases.sent(topic, choice);
    state.counters.topics_left_out += choice.is_set ? 1 : 0;
    return encoded;
  }
  // With the alias it may be just too large.
  return choice.alias != 0 && !choice.is_set ? encode(topic, 0) : encoded;
}

/// Appends the PUBLISH to the connection's outbox. `passing`: it is the message that passes, and shares its encoding.
/// `keep`: answers the Message, for what must stay until it is written.
template <class Keep>
Said say_publish(ShardState& state, Connection& connection, const ResidentSession& session,
                 const mqtt::MessageView& message, const OutboundPublishView& publish, PassingView* passing,
                 const Keep& keep, Now now) {
  const auto topic = topic_for(session, message.topic);
  if (!topic) return Said::kNoInverse;
  const EncodedLayouts::Layout layout{connection.is_v5(), publish.retain, publish.qos, session.affix.get()};
  const bool is_shared = passing != nullptr && (publish.subscription_identifiers.empty() || !layout.is_v5);
  const EncodedLayouts::EncodedView encoded =
      connection.outbound_alias_maximum != 0
          ? encode_with_alias(state, connection, message, layout, *topic, publish, now)
      : is_shared ? passing->encode(layout, *topic, now.wall)
                  : state.layouts.encode_alone(message, layout, *topic, publish.subscription_identifiers, now.wall);
  if (!fits(connection, encoded.size)) return Said::kTooLarge;

  mqtt::ByteBuffer& out = connection.outbox.buffer();
  const std::size_t start = out.size();
  out.append(encoded.head);
  if (encoded.packet_id_at != 0) {
    out[start + encoded.packet_id_at] = static_cast<char>(publish.packet_id >> 8);
    out[start + encoded.packet_id_at + 1] = static_cast<char>(publish.packet_id & 0xFF);
  }
  if (publish.dup) out[start] = static_cast<char>(out[start] | 0x08);
  if (!encoded.has_payload) connection.outbox.append_payload(keep());
  state.said += encoded.size;
  ++state.counters.publishes_sent;
  state.counters.publish_bytes_sent += message.payload.size();
  mark_talkative(state, connection);
  return Said::kYes;
}

void count_unsaid(ShardState& state, Said said) {
  if (said == Said::kNoInverse) ++state.counters.dropped_no_inverse;
  if (said == Said::kTooLarge) ++state.counters.dropped_too_large;
}

/// `passing`: as for say_publish.
template <class Keep>
void say_at_most_once(ShardState& state, ResidentSession& session, const mqtt::MessageView& message,
                      const OutboundPublishView& publish, PassingView* passing, const Keep& keep, Now now) {
  Connection* connection = state.connection_of(session);
  if (connection == nullptr || connection->stage != Stage::kConnected) return;
  if (connection->outbox.size() > state.outbox_maximum) [[unlikely]] {
    ++state.counters.dropped_outbox_full;
    state.emit(hooks::EventKind::kDropped, session.principal, now, message.topic, mqtt::ReasonCode::kQuotaExceeded);
    return;
  }
  const Said said = say_publish(state, *connection, session, message, publish, passing, keep, now);
  if (said != Said::kYes) [[unlikely]]
    count_unsaid(state, said);
}

/// One that is not passing but was kept.
void say_kept_at_most_once(ShardState& state, ResidentSession& session, const mqtt::MessagePtr& message, bool retain,
                           std::span<const std::uint32_t> subscription_identifiers, Now now) {
  OutboundPublishView publish;
  publish.retain = retain;
  publish.subscription_identifiers = subscription_identifiers;
  say_at_most_once(
      state, session, message->view(), publish, nullptr, [&]() -> const mqtt::MessagePtr& { return message; }, now);
}

/// The store learns that what the window allows may be sent.
void announce_sends(ShardState& state, ResidentSession& session, std::uint16_t quota) {
  session.outbound.announce(quota);
  put_session(state, session);
  session.outbound.announcement_is_at(state.journal->position());
}

/// False: there is no room for it.
bool enqueue(ShardState& state, ResidentSession& session, session::OutboundFlow::Offer offer, Now now) {
  const Connection* connection = state.connection_of(session);
  if (connection != nullptr && session.durably(state.journal) &&
      session.outbound.wants_announcement_first(connection->receive_maximum))
    announce_sends(state, session, connection->receive_maximum);
  const mqtt::MessagePtr message = offer.message;
  const auto outcome = session.outbound.enqueue(std::move(offer), state.durably(session.number));
  // Of a queue that waits in the store alone, the first page is what the oldest can be dropped from.
  if (session.outbound.is_nearly_full()) ask_for_page(state, session);
  if (outcome == session::OutboundFlow::Enqueued::kQueued) return true;
  ++state.counters.dropped_queue_full;
  state.emit(hooks::EventKind::kDropped, session.principal, now, message->topic(), mqtt::ReasonCode::kQuotaExceeded,
             message->qos());
  return outcome != session::OutboundFlow::Enqueued::kDropped;
}

/// What several overlapping subscriptions of one session come to: one copy at the highest QoS, with all identifiers.
struct CombinedView {
  bool is_wanted = false;
  bool retain_as_published = false;
  QoS maximum_qos = QoS::kAtMostOnce;
  std::span<const std::uint32_t> subscription_identifiers;
};

/// `identifiers` is where those of several are put together.
CombinedView combine(const PassingView& passing, std::span<const routing::MatchEntry> entries, std::uint64_t receiver,
                     std::vector<std::uint32_t>& identifiers) {
  CombinedView combined;
  const routing::MatchEntry* only = nullptr;
  for (const routing::MatchEntry& entry : entries) {
    // MQTT-3.8.3-3: No Local.
    if (entry.no_local && passing.fields().origin == receiver) continue;
    if (passing.retained_sequence != 0 && passing.retained_sequence <= entry.retained_boundary) continue;
    combined.is_wanted = true;
    combined.retain_as_published |= entry.retain_as_published;
    combined.maximum_qos = std::max(combined.maximum_qos, entry.maximum_qos);
    if (entry.subscription_identifier == 0) continue;
    if (only != nullptr && identifiers.empty()) identifiers.push_back(only->subscription_identifier);
    if (only != nullptr) identifiers.push_back(entry.subscription_identifier);
    only = &entry;
  }
  if (!identifiers.empty()) {
    combined.subscription_identifiers = identifiers;
  } else if (only != nullptr) {
    combined.subscription_identifiers = {&only->subscription_identifier, 1};
  }
  return combined;
}

/// Without waiting for its connection, its socket or its window.
bool can_be_given_now(ShardState& state, const ResidentSession& session, QoS effective_qos) {
  const Connection* connection = state.connection_of(session);
  if (connection == nullptr || connection->stage != Stage::kConnected) return false;
  return effective_qos == QoS::kAtMostOnce ||
         (!is_outbox_choked(state, *connection) && session.outbound.could_send_at_once(connection->receive_maximum));
}

}  // namespace

void ask_for_page(ShardState& state, ResidentSession& session) {
  if (state.journal == nullptr || session.number == 0 || !session.outbound.wants_page()) return;
  const session::QueuePosition after = session.outbound.begin_page();
  state.journal->fetch(session.number, after, session::OutboundFlow::kPageMessages, session::OutboundFlow::kPageBytes);
}

// ---- Delivery -------------------------------------------------------------------------------------------------------

void deliver_to_session(ShardState& state, ResidentSession& session, PassingView& passing,
                        std::span<const routing::MatchEntry> entries, Phase phase, Now now) {
  std::vector<std::uint32_t> identifiers;
  const CombinedView combined = combine(passing, entries, session.origin, identifiers);
  if (!combined.is_wanted) return;
  const QoS effective_qos = std::min(combined.maximum_qos, passing.qos());
  const bool retain = combined.retain_as_published && passing.fields().retain;
  const bool is_stored = effective_qos != QoS::kAtMostOnce && session.number != 0;
  if (phase == Phase::kDurable && !is_stored) return;
  if (phase == Phase::kLive && is_stored) return pump(state, session, now, &passing);
  if (passing.must_not_wait(now) && (passing.came_too_late(now) || !can_be_given_now(state, session, effective_qos)))
      [[unlikely]] {
    ++state.counters.dropped_expired;
    return;
  }

  const auto identifiers_to_keep = [&] {
    return std::vector<std::uint32_t>(combined.subscription_identifiers.begin(),
                                      combined.subscription_identifiers.end());
  };
  if (effective_qos == QoS::kAtMostOnce) {
    if (passing.is_held) {
      if (state.held_deliveries.size() >= kMaximumHeld) {
        ++state.counters.dropped_held;
        state.emit(hooks::EventKind::kDropped, session.principal, now, passing.topic(),
                   mqtt::ReasonCode::kQuotaExceeded);
        return;
      }
      state.held_deliveries.push_back(
          {passing.hold_until(*state.journal), session.id, passing.kept(), retain, identifiers_to_keep()});
      return;
    }
    OutboundPublishView publish;
    publish.retain = retain;
    publish.subscription_identifiers = combined.subscription_identifiers;
    return say_at_most_once(
        state, session, passing.fields(), publish, &passing,
        [&]() -> const mqtt::MessagePtr& { return passing.kept(); }, now);
  }
  if (!session.connection && !session.is_persistent()) return;
  if (!topic_for(session, passing.topic())) {
    ++state.counters.dropped_no_inverse;
    return;
  }
  session::OutboundFlow::Offer offer;
  offer.message = passing.kept();
  offer.effective_qos = effective_qos;
  offer.retain = retain;
  offer.subscription_identifiers = identifiers_to_keep();
  offer.share_tag = passing.share_tag;
  if (passing.is_held) offer.not_before = passing.hold_until(*state.journal);
  if (!enqueue(state, session, std::move(offer), now)) no_room(passing);
  if (phase != Phase::kDurable) pump(state, session, now, &passing);
}

void deliver_retained(ShardState& state, ResidentSession& session, const mqtt::MessagePtr& message, QoS effective_qos,
                      std::uint32_t subscription_identifier, Now now) {
  std::vector<std::uint32_t> identifiers;
  if (subscription_identifier != 0) identifiers.push_back(subscription_identifier);
  if (effective_qos == QoS::kAtMostOnce) return say_kept_at_most_once(state, session, message, true, identifiers, now);
  enqueue(state, session, {message, effective_qos, true, std::move(identifiers), 0}, now);
}

namespace {

/// Whether it is plain without a look at the topic: an affix takes off what it has put on.
bool knows_it_alike(const ResidentSession& session, const ReceivedView& received) {
  if (received.naming != ReceivedView::Naming::kByAffix || session.affix.get() != received.affix) return false;
  return received.affix == nullptr || received.affix->is_undone();
}

/// The packet as it came, to one that knows its topic by the same name and speaks the same version: what happens most,
/// and must cost least. False: it has to go the long way.
bool pass_on(ShardState& state, const ReceivedView& received, std::string_view topic,
             const routing::MatchEntry& entry) {
  const ResidentSession* session = state.sessions.find(entry.subscriber.slot);
  Connection* connection = session != nullptr ? state.connection_of(*session) : nullptr;
  if (connection == nullptr || connection->stage != Stage::kConnected) return true;  // at QoS 0 nobody waits for it
  if (connection->passed_on != static_cast<PassedOn>(received.is_v5) || !fits(*connection, received.packet.size()))
    return false;
  if (!knows_it_alike(*session, received)) {
    const auto own_topic = topic_for(*session, topic);
    if (!own_topic || !is_same_text(*own_topic, received.topic)) return false;
  }
  if (connection->outbox.size() > state.outbox_maximum) return false;
  connection->outbox.append(received.packet);
  state.said += received.packet.size();
  ++state.counters.publishes_sent;
  state.counters.publish_bytes_sent += received.payload_size;
  mark_talkative(state, *connection);
  return true;
}

}  // namespace

void deliver_here(ShardState& state, PassingView& passing, std::span<const routing::MatchEntry> targets, Phase phase,
                  Now now) {
  const bool may_pass_on = !passing.received().packet.empty() && !passing.is_held && phase != Phase::kDurable;
  for (std::size_t first = 0; first < targets.size();) {
    std::size_t end = first + 1;
    while (end < targets.size() && targets[end].subscriber == targets[first].subscriber) ++end;
    const routing::MatchEntry& entry = targets[first];
    if (may_pass_on && end == first + 1 && entry.is_plain() &&
        pass_on(state, passing.received(), passing.topic(), entry)) {
      first = end;
      continue;
    }
    if (entry.is_group) {
      deliver_to_group(state, entry, passing, phase, now);
    } else if (ResidentSession* session = state.sessions.find(entry.subscriber.slot)) {
      deliver_to_session(state, *session, passing, targets.subspan(first, end - first), phase, now);
    }
    first = end;
  }
}

void deliver_mail(ShardState& state, const PacketBundle& bundle, Now now) {
  bundle.for_each([&](const mqtt::MessageView& fields, const ReceivedView& received) {
    const MatchLoan loan(state, fields.topic);
    const routing::MatchResult::Part part = loan->part_of(state.loop);
    const auto here = loan->entries_of(part);
    PassingView passing(state, fields, received);
    if (part.has_groups) choose_members(state, here, passing);
    deliver_here(state, passing, here, Phase::kAll, now);
  });
}

void deliver_mail(ShardState& state, const Delivery& delivery, RoomInquiry* inquiry, Now now) {
  const MatchLoan loan(state, delivery.message->topic());
  const routing::MatchResult::Part part = loan->part_of(state.loop);
  const auto here = loan->entries_of(part);
  PassingView passing(state, delivery.message);
  passing.retained_sequence = delivery.retained_sequence;
  passing.group = delivery.group;
  // MQTT-4.6.0-5: nor overtakes one what the same client said in a session that the store knew.
  passing.is_held = delivery.is_held || (!state.held_deliveries.empty() && passing.qos() == QoS::kExactlyOnce);
  passing.inquiry = inquiry;
  const std::uint32_t passed_on = part.has_groups ? choose_members(state, here, passing) : 0;
  const bool is_piece = delivery.group != 0 && state.journal != nullptr;
  if (is_piece) {
    state.journal->begin_piece(delivery.group, passed_on);
    passing.is_in_piece = true;
    deliver_here(state, passing, here, Phase::kDurable, now);
    state.journal->end_piece();
    passing.is_in_piece = false;
  }
  deliver_here(state, passing, here, is_piece ? Phase::kLive : Phase::kAll, now);
}

// ---- The queue ------------------------------------------------------------------------------------------------------

namespace {

/// A message that cannot be sent to this client counts as sent (MQTT-3.1.2-25).
void skip(ShardState& state, ResidentSession& session, const session::OutboundFlow::Send& send) {
  const session::Durably durably = session.durably(state.journal);
  if (send.effective_qos == QoS::kExactlyOnce) {
    session.outbound.refused(send.packet_id, durably);
  } else {
    session.outbound.acknowledged(send.packet_id, durably);
  }
}

void say_next(ShardState& state, Connection& connection, ResidentSession& session,
              const session::OutboundFlow::Send& send, PassingView* passing, Now now) {
  if (send.is_release) {
    return acknowledge(state, connection, mqtt::PacketType::kPubrel, send.packet_id, mqtt::ReasonCode::kSuccess, 0,
                       false);
  }
  OutboundPublishView publish{send.effective_qos, send.retain, send.dup, send.packet_id,
                              *send.subscription_identifiers};
  PassingView* const sharing = passing != nullptr && passing->is(send.message) ? passing : nullptr;
  const Said said = say_publish(
      state, connection, session, send.message->view(), publish, sharing,
      [&]() -> const mqtt::MessagePtr& { return send.message; }, now);
  if (said == Said::kYes) return;
  count_unsaid(state, said);
  skip(state, session, send);
}

}  // namespace

void pump(ShardState& state, ResidentSession& session, Now now, PassingView* passing) {
  Connection* connection = state.connection_of(session);
  if (connection == nullptr || connection->stage != Stage::kConnected) return;
  const session::Durably durably = state.durably(session.number);
  const std::uint32_t expired = session.outbound.expired();
  const mqtt::Message* const arriving = passing != nullptr ? passing->made() : nullptr;
  while (!is_outbox_choked(state, *connection)) {
    const auto send = session.outbound.next(connection->receive_maximum, now.wall, durably, arriving);
    if (send) {
      say_next(state, *connection, session, *send, passing, now);
    } else if (durably && session.outbound.wants_announcement(connection->receive_maximum)) {
      announce_sends(state, session, connection->receive_maximum);
    } else {
      break;
    }
  }
  state.counters.dropped_expired += session.outbound.expired() - expired;
  // The loop says `writable` when the socket has taken some of it.
  connection->is_choked = is_outbox_choked(state, *connection);
  if (!session.replays.empty()) want_replay_turn(state, *connection, session);
  if (!session.is_waiting_for_journal && session.outbound.is_held(durably)) {
    session.is_waiting_for_journal = true;
    state.held_sessions.push_back(session.id);
  }
  ask_for_page(state, session);
  tell_readiness(state, session, now);
}

void release_held(ShardState& state, Now now) {
  while (!state.held_deliveries.empty() && state.is_durable(state.held_deliveries.front().position)) {
    const HeldDelivery held = std::move(state.held_deliveries.front());
    state.held_deliveries.pop_front();
    ResidentSession* session = state.sessions.find(held.session.slot);
    if (held.message->is_expired(now.wall)) {
      ++state.counters.dropped_expired;
      continue;
    }
    if (session != nullptr)
      say_kept_at_most_once(state, *session, held.message, held.retain, held.subscription_identifiers, now);
  }
  for (const mqtt::SessionId id : std::exchange(state.held_sessions, {})) {
    ResidentSession* session = state.sessions.find(id.slot);
    if (session == nullptr) continue;
    session->is_waiting_for_journal = false;
    pump(state, *session, now);
  }
}

}  // namespace mortise::core
