#include "broker/core/publish.h"

#include <algorithm>

#include "broker/base/log.h"
#include "broker/core/deliver.h"
#include "broker/core/groups.h"
#include "broker/core/receive.h"
#include "broker/core/room.h"
#include "broker/core/talk.h"

namespace mortise::core {

namespace {

using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::PublishView;
using mqtt::QoS;
using mqtt::ReasonCode;
using mqtt::Refusal;

Result<void, Refusal> check_properties(const session::MqttLimits& limits, const PublishView& packet) {
  if (packet.properties.has(PropertyId::kSubscriptionIdentifier)) {
    return failure(
        Refusal{ReasonCode::kProtocolError, "MQTT-3.3.4-6", "a Subscription Identifier in a Client's PUBLISH"});
  }
  if (const auto response = packet.properties.text(PropertyId::kResponseTopic);
      response && response->find_first_of("+#") != std::string_view::npos) {
    return failure(Refusal{ReasonCode::kProtocolError, "MQTT-3.3.2-14", "a wildcard in the Response Topic"});
  }
  if (limits.check_payload_format && !is_as_said(packet.properties, packet.payload)) {
    return failure(
        Refusal{ReasonCode::kPayloadFormatInvalid, "5.0 3.3.2.3.2", "a payload said to be UTF-8 that is not"});
  }
  return {};
}

/// What is wrong with a PUBLISH whatever its topic is.
Result<void, Refusal> check(const ShardState& state, const PublishView& packet) {
  const session::MqttLimits& limits = state.shared.mqtt;
  if (packet.qos > limits.maximum_qos)
    return failure(Refusal{ReasonCode::kQoSNotSupported, "MQTT-3.2.2-11", "a QoS above the Maximum QoS"});
  if (packet.retain && !limits.retain_available) {
    return failure(
        Refusal{ReasonCode::kRetainNotSupported, "MQTT-3.2.2-14", "RETAIN, which CONNACK said is not available"});
  }
  if (packet.properties.empty()) return {};
  return check_properties(limits, packet);
}

/// The Topic Name that a PUBLISH with a Topic Alias, or without a topic, means.
Result<std::string_view, Refusal> resolve_alias(const ShardState& state, Connection& connection,
                                                const PublishView& packet) {
  const auto alias = packet.properties.number(PropertyId::kTopicAlias);
  if (!connection.aliases) connection.aliases = std::make_unique<Aliases>();
  return connection.aliases->of_client.resolve(packet.topic, alias.has_value(), alias.value_or(0),
                                               state.shared.mqtt.topic_alias_maximum);
}

/// A topic that is refused for `why`, or for being malformed as well.
Failure<Refusal> refused_topic(const ShardState& state, std::string_view topic, const Refusal& why) {
  const auto formed = mqtt::check_topic_name(topic, state.shared.mqtt.topic);
  return failure(formed ? why : formed.error());
}

/// The topic that is routed: alias resolved, checked, with the client's affix. Views into the packet, the aliases or
/// affixed_topics. Decoding has left the check of the topic to this.
Result<std::string_view, Refusal> routed_topic(ShardState& state, Connection& connection,
                                               const ResidentSession& session, const PublishView& packet,
                                               std::string_view& original) {
  original = packet.topic;
  if (original.empty() || packet.properties.has(PropertyId::kTopicAlias)) {
    const auto resolved = resolve_alias(state, connection, packet);
    if (!resolved) return resolved;
    original = *resolved;
  }
  if (auto checked = mqtt::check_topic_size(original, state.shared.mqtt.topic); !checked)
    return refused_topic(state, original, checked.error());
  std::string_view routed = original;
  if (session.affix) {
    const auto affixed = state.affixed_topics.apply(session.affix, original);
    if (!affixed) return refused_topic(state, original, affixed.error());
    routed = *affixed;
  }
  // What the cache knows was checked when it came first, and of a valid text what an affix leaves is valid.
  if (state.matches.knows(routed)) return routed;
  if (auto checked = mqtt::check_topic_name(original, state.shared.mqtt.topic); !checked)
    return std::move(checked).as_failure();
  return routed;
}

mqtt::MessageView message_of(const PublishView& packet, std::string_view topic, const ResidentSession& session,
                             Now now) {
  mqtt::MessageView fields;
  fields.topic = topic;
  fields.payload = in_words(packet.payload);
  if (!packet.properties.empty()) fields.properties = packet.properties;
  fields.qos = packet.qos;
  fields.retain = packet.retain;
  fields.received_at = now.wall;
  fields.origin = session.origin;
  if (!packet.properties.has(PropertyId::kMessageExpiryInterval)) return fields;
  if (const auto expiry = packet.properties.number(PropertyId::kMessageExpiryInterval))
    fields.expires_at = now.wall + Seconds(*expiry);
  return fields;
}

/// The packet, if a receiver could get it unchanged.
ReceivedView received(const Connection& connection, const ResidentSession& session, const mqtt::FrameView& frame,
                      const PublishView& packet) {
  const bool is_plain = packet.qos == QoS::kAtMostOnce && !packet.dup && !packet.retain && frame.has_shortest_length &&
                        packet.payload.size() < Outbox::kReferenceFrom;
  ReceivedView as_received;
  if (!is_plain) return as_received;
  as_received.packet = as_text(frame.packet());
  as_received.topic = in_words(packet.topic);
  as_received.payload_size = static_cast<std::uint32_t>(packet.payload.size());
  as_received.affix = session.affix.get();
  as_received.is_v5 = connection.is_v5();
  return as_received;
}

/// `why`, a literal, is for the log and for the client that wants words.
void deny(ShardState& state, Connection& connection, QoS qos, mqtt::PacketId packet_id, std::string_view topic,
          const char* why, ReasonCode reason = ReasonCode::kNotAuthorized) {
  ++state.counters.publishes_denied;
  MORTISE_LOG(kInfo, "core", "%s: publish to %s denied: %s", describe(state, connection).c_str(), quoted(topic).c_str(),
              why);
  if (qos == QoS::kAtMostOnce) return;
  // 3.1.1 section 3.3.5 leaves a positive acknowledgement or the close; the client that asked for one topic too many is
  // not cut off.
  mqtt::AcknowledgementView packet;
  packet.type = qos == QoS::kAtLeastOnce ? PacketType::kPuback : PacketType::kPubrec;
  packet.packet_id = packet_id;
  packet.reason = reason;
  acknowledge_error(state, connection, packet, why, 0, true);
}

/// At QoS > 0: what it is acknowledged with tells what became of it.
void route_and_acknowledge(ShardState& state, Connection& connection, const ResidentSession& session,
                           PassingView& passing, mqtt::PacketId packet_id, Now now) {
  const bool is_final = passing.qos() == QoS::kAtLeastOnce;
  RouteOptions options;
  if (!is_final) {
    options.publisher = session.id;
    options.inbound_packet_id = packet_id;
    options.is_held = session.number != 0 && state.journal != nullptr;
  }
  RoomInquiry inquiry;
  if (asks_for_room(state, connection)) {
    inquiry.question = next_room_question(state);
    passing.inquiry = &inquiry;
  }
  const Routed routed = route(state, passing, options, now);
  mqtt::AcknowledgementView packet;
  packet.type = is_final ? PacketType::kPuback : PacketType::kPubrec;
  packet.packet_id = packet_id;
  // Only where nothing follows: a PUBREC is the promise that the message is taken, and nothing else.
  if (!routed.has_subscribers && connection.is_v5() && is_final) packet.reason = ReasonCode::kNoMatchingSubscribers;
  if (passing.inquiry != nullptr) return acknowledge_with_room(state, connection, inquiry, packet, routed.position);
  acknowledge(state, connection, packet.type, packet_id, packet.reason, routed.position, is_final);
}

/// The message is allowed: routes and acknowledges it.
void accept(ShardState& state, Connection& connection, const ResidentSession& session, PassingView& passing,
            mqtt::PacketId packet_id, Now now) {
  if (passing.qos() == QoS::kAtMostOnce) {
    route(state, passing, RouteOptions{}, now);
  } else {
    route_and_acknowledge(state, connection, session, passing, packet_id, now);
  }
  state.emit(hooks::EventKind::kPublished, session.principal, now, passing.topic(), ReasonCode::kSuccess,
             passing.qos());
}

void remember(ShardState& state, ResidentSession& session, const hooks::AccessDecision& decision,
              std::string_view topic, Now now) {
  if (decision.cache_scope == hooks::CacheScope::kNone || decision.cache_for <= Millis(0) || !state.has_authorize)
    return;
  const bool is_allowed = decision.verdict == hooks::Verdict::kAllow;
  const SteadyTime until = now.steady + std::min(decision.cache_for, Millis(24 * 3600 * 1000));
  const std::uint32_t times_full = session.authorization.times_full();
  if (decision.cache_scope == hooks::CacheScope::kFilter) {
    session.authorization.remember_filter(decision.cache_filter, is_allowed, until);
  } else {
    session.authorization.remember(topic, is_allowed, until);
  }
  state.counters.authorization_cache_full += session.authorization.times_full() - times_full;
}

/// Asks the chain; nothing while it is pending.
std::optional<hooks::AccessDecision> ask(ShardState& state, Connection& connection, const ResidentSession& session,
                                         const mqtt::MessagePtr& message, mqtt::PacketId packet_id,
                                         std::string_view original, Now now) {
  auto request = std::make_shared<hooks::AccessRequest>();
  request->principal = session.principal;
  request->action = hooks::Action::kPublish;
  request->topic = message->topic();
  request->original_topic = original;
  request->qos = message->qos();
  request->retain = message->retain();
  request->message = message;
  hooks::AuthorizeRun run(state.dispatch_for(session.principal->listener), std::move(request));
  auto decision = run.start(state.next_ticket(connection), now);
  if (decision) return decision;
  connection.stage_deadline = run.deadline();
  state.arm(connection, run.deadline());
  connection.pending = std::make_unique<PendingOperation>(PendingPublish{std::move(run), message, packet_id});
  return std::nullopt;
}

/// A PUBLISH at QoS > 0: within the Receive Maximum, and not a duplicate. True: go on.
Result<bool, Refusal> admit(ShardState& state, Connection& connection, ResidentSession& session,
                            const PublishView& packet) {
  const bool is_known = packet.qos == QoS::kExactlyOnce && session.inbound.contains(packet.packet_id);
  const bool is_counted = is_known && session.inbound.is_counted(packet.packet_id);
  // What an earlier connection did not finish counts when it is sent again (5.0 section 4.9).
  if (!is_counted && connection.is_v5() && connection.unacknowledged >= state.shared.mqtt.receive_maximum) {
    return failure(Refusal{ReasonCode::kReceiveMaximumExceeded, "MQTT-3.3.4-7",
                           "more PUBLISH in flight than the Receive Maximum"});
  }
  if (!is_counted) ++connection.unacknowledged;
  if (!is_known) return true;
  session.inbound.count(packet.packet_id);
  // MQTT-4.3.3-10: acknowledged again, not passed on again; after the first one is durable.
  const std::uint64_t position = session.number != 0 && state.journal != nullptr ? state.journal->position() : 0;
  acknowledge(state, connection, PacketType::kPubrec, packet.packet_id, ReasonCode::kSuccess, position, false);
  return false;
}

/// Why no Client may publish to `topic`; null for all others.
const char* reason_to_deny(std::string_view topic) noexcept {
  if (!topic.starts_with('$')) return nullptr;
  if (mqtt::is_sys_topic(topic)) return "$SYS is the broker's own";
  // 5.0 section 4.8.2: a Topic Filter that begins so is a Shared Subscription to something else.
  return topic.starts_with("$share/") ? "nobody can subscribe to $share/" : nullptr;
}

}  // namespace

bool is_as_said(const mqtt::PropertiesView& properties, ByteView payload) noexcept {
  return properties.number(PropertyId::kPayloadFormatIndicator).value_or(0) != 1 ||
         mqtt::is_valid_utf8(as_text(payload));
}

Result<void, Refusal> publish(ShardState& state, Connection& connection, const mqtt::FrameView& frame,
                              const PublishView& packet, Now now) {
  ++state.counters.publishes_received;
  state.counters.publish_bytes_received += packet.payload.size();
  ResidentSession* session = state.session_of(connection);
  CHECK(session != nullptr);
  if (auto checked = check(state, packet); !checked) return checked;
  std::string_view original;
  const auto topic = routed_topic(state, connection, *session, packet, original);
  // A well-formed Topic Name that is not accepted is denied (5.0 section 3.4.2.1); what is malformed ends the
  // connection.
  const bool is_accepted = topic.ok();
  if (!is_accepted && topic.error().reason != ReasonCode::kTopicNameInvalid) return failure(topic.error());
  if (packet.qos != QoS::kAtMostOnce) {
    const auto admitted = admit(state, connection, *session, packet);
    if (!admitted) return failure(admitted.error());
    if (!*admitted) return {};
  }
  if (!is_accepted) {
    deny(state, connection, packet.qos, packet.packet_id, original, topic.error().what, topic.error().reason);
    return {};
  }
  if (const char* why = reason_to_deny(*topic)) {
    deny(state, connection, packet.qos, packet.packet_id, *topic, why);
    return {};
  }
  const mqtt::MessageView message = message_of(packet, *topic, *session, now);
  const ReceivedView as_received = received(connection, *session, frame, packet);
  PassingView passing(state, message, as_received);
  if (state.has_authorize) {
    const std::optional<bool> known = session->authorization.find(*topic, now.steady);
    if (known == std::optional<bool>(false)) {
      deny(state, connection, packet.qos, packet.packet_id, *topic, "not authorized");
      return {};
    }
    if (!known) {
      const auto decision = ask(state, connection, *session, passing.kept(), packet.packet_id, original, now);
      if (!decision) return {};
      remember(state, *session, *decision, *topic, now);
      if (decision->verdict != hooks::Verdict::kAllow) {
        deny(state, connection, packet.qos, packet.packet_id, *topic, "not authorized");
        return {};
      }
    }
  }
  accept(state, connection, *session, passing, packet.packet_id, now);
  return {};
}

void publish_authorized(ShardState& state, Connection& connection, const hooks::AccessDecision& decision, Now now) {
  // The operation is over before it is acted on: what follows may start another one.
  const PendingPublish pending = std::move(std::get<PendingPublish>(*connection.pending));
  connection.pending.reset();
  connection.stage_deadline = kNever;
  ResidentSession* session = state.session_of(connection);
  CHECK(session != nullptr);
  remember(state, *session, decision, pending.message->topic(), now);
  if (decision.verdict == hooks::Verdict::kAllow) {
    PassingView passing(state, pending.message);
    accept(state, connection, *session, passing, pending.packet_id, now);
  } else {
    deny(state, connection, pending.message->qos(), pending.packet_id, pending.message->topic(), "not authorized");
  }
  operation_finished(state, connection, now);
}

// ---- Routing --------------------------------------------------------------------------------------------------------

namespace {

struct RetainedChange {
  bool is_stored = false;
  bool is_removed = false;
  std::uint64_t sequence = 0;  // of the message as it is retained; 0: it is not
  std::uint64_t change = 0;    // the number of the change
};

RetainedChange retain(ShardState& state, PassingView& passing) {
  const auto result = state.shared.retained->set(passing.kept());
  using Outcome = routing::RetainedIndex::SetOutcome;
  if (result.outcome == Outcome::kFull || result.outcome == Outcome::kFullAndRemoved) {
    // Its subscribers get it all the same, so the publisher hears of success; the one before it is not the current one
    // any more (MQTT-3.3.1-5).
    const bool is_removed = result.outcome == Outcome::kFullAndRemoved;
    ++state.counters.retained_refused;
    MORTISE_LOG(kWarning, "core",
                "retained message for %s not stored%s: the retained store is full (retained.max_messages, "
                "retained.max_bytes)",
                quoted(passing.topic()).c_str(), is_removed ? ", and the one before it removed" : "");
    return {false, is_removed, 0, result.sequence};
  }
  // What the broker says of itself is true of this run only.
  const bool is_stored = !mqtt::is_sys_topic(passing.topic());
  // Where nothing is to be removed any more, what removed it may not be durable yet.
  const bool is_removed = result.outcome == Outcome::kRemoved || result.outcome == Outcome::kNothingToRemove;
  return {is_stored && !is_removed, is_stored && is_removed, result.sequence, result.sequence};
}

/// Whether another loop must add a piece to the message's durable group: it stores the message, or must know when to
/// pass it on.
bool adds_piece(const routing::MatchResult::Part& part, bool is_held) { return is_held || part.has_durable; }

std::uint32_t count_remote_pieces(const ShardState& state, const routing::MatchResult& targets, bool is_held) {
  const auto parts = targets.parts();
  return static_cast<std::uint32_t>(std::count_if(parts.begin(), parts.end(), [&](const auto& part) {
    return part.loop != state.loop && adds_piece(part, is_held);
  }));
}

/// What is known of the publisher now that its message is taken.
void note_taken(ResidentSession& publisher, const PassingView& passing, const RouteOptions& options,
                session::Durably durably) {
  if (!passing.fields().is_will) {
    publisher.inbound.receive(options.inbound_packet_id, durably);
  } else if (durably) {
    durably.journal->will_remove(durably.number);
  }
}

/// Delivers what the store must have before it is acknowledged. The position of the journal that says so; 0 when
/// nothing of it is stored.
std::uint64_t deliver_in_piece(ShardState& state, PassingView& passing, const routing::MatchResult& targets,
                               std::uint32_t passed_on, const RouteOptions& options, const RetainedChange& retained,
                               Now now) {
  const bool may_queue = passing.qos() != QoS::kAtMostOnce;
  const routing::MatchResult::Part part = targets.part_of(state.loop);
  const std::uint32_t remote_pieces = may_queue ? count_remote_pieces(state, targets, options.is_held) + passed_on : 0;
  ResidentSession* const publisher = state.find_session(options.publisher);
  const session::Durably durably = publisher != nullptr ? publisher->durably(state.journal) : session::Durably{};
  const bool is_piece =
      retained.is_stored || retained.is_removed || durably || remote_pieces > 0 || (may_queue && part.has_durable);
  if (is_piece) {
    passing.group = state.journal->new_group();
    passing.is_in_piece = true;
    state.journal->begin_piece(passing.group, 1 + remote_pieces);
    if (retained.is_stored) state.journal->retained_put(passing.kept(), retained.change);
    if (retained.is_removed) state.journal->retained_remove(passing.topic(), retained.change);
  }
  if (publisher != nullptr) note_taken(*publisher, passing, options, durably);
  if (!is_piece) return 0;
  deliver_here(state, passing, targets.entries_of(part), Phase::kDurable, now);
  state.journal->end_piece();
  passing.is_in_piece = false;
  return state.journal->position();
}

}  // namespace

Routed route(ShardState& state, PassingView& passing, const RouteOptions& options, Now now) {
  RetainedChange retained;
  if (passing.fields().retain) retained = retain(state, passing);
  const MatchLoan targets(state, passing.topic());  // after the change: see SubscriptionIndex
  const routing::MatchResult::Part part = targets->part_of(state.loop);
  const auto here = targets->entries_of(part);

  passing.retained_sequence = retained.sequence;
  passing.is_held = options.is_held;
  const std::uint32_t passed_on = part.has_groups ? choose_members(state, here, passing) : 0;
  std::uint64_t position = 0;
  if (state.journal != nullptr) {
    position = deliver_in_piece(state, passing, *targets, passed_on, options, retained, now);
  } else if (ResidentSession* publisher = state.find_session(options.publisher)) {
    note_taken(*publisher, passing, options, {});
  }
  deliver_here(state, passing, here, passing.group != 0 ? Phase::kLive : Phase::kAll, now);

  for (const routing::MatchResult::Part& other : targets->parts()) {
    if (other.loop == state.loop) continue;
    const bool is_in_group =
        passing.group != 0 && passing.qos() != QoS::kAtMostOnce && adds_piece(other, options.is_held);
    if (!is_in_group && !options.is_held && PacketBundle::suits(passing.received())) {
      state.mail_packet_to(other.loop, passing.fields(), passing.received());
      continue;
    }
    Delivery delivery{passing.kept(), passing.retained_sequence, is_in_group ? passing.group : 0, options.is_held};
    if (passing.inquiry == nullptr) {
      state.mail_to(other.loop, std::move(delivery));
    } else {
      ++passing.inquiry->asked;
      state.mail_to(other.loop, AskingDelivery{std::move(delivery), passing.inquiry->question});
    }
  }
  return {!targets->entries().empty(), position};
}

}  // namespace mortise::core
