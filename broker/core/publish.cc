#include "broker/core/publish.h"

#include <algorithm>

#include "broker/base/log.h"
#include "broker/core/deliver.h"
#include "broker/core/groups.h"
#include "broker/core/receive.h"
#include "broker/core/talk.h"

namespace mortise::core {

namespace {

using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::PublishView;
using mqtt::QoS;
using mqtt::ReasonCode;
using mqtt::Refusal;

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
  if (packet.properties.has(PropertyId::kSubscriptionIdentifier)) {
    return failure(
        Refusal{ReasonCode::kProtocolError, "MQTT-3.3.4-6", "a Subscription Identifier in a Client's PUBLISH"});
  }
  if (const auto response = packet.properties.text(PropertyId::kResponseTopic);
      response && response->find_first_of("+#") != std::string_view::npos) {
    return failure(Refusal{ReasonCode::kProtocolError, "MQTT-3.3.2-14", "a wildcard in the Response Topic"});
  }
  if (limits.check_payload_format && packet.properties.number(PropertyId::kPayloadFormatIndicator).value_or(0) == 1 &&
      !mqtt::is_valid_utf8(as_text(packet.payload))) {
    return failure(
        Refusal{ReasonCode::kPayloadFormatInvalid, "5.0 3.3.2.3.2", "a payload said to be UTF-8 that is not"});
  }
  return {};
}

/// The topic that is routed: alias resolved, checked, with the client's affix. Views into the packet, the aliases or
/// topic_scratch.
Result<std::string_view, Refusal> routed_topic(ShardState& state, Connection& connection,
                                               const ResidentSession& session, const PublishView& packet,
                                               std::string_view& original) {
  original = packet.topic;
  if (connection.is_v5()) {
    const auto alias = packet.properties.number(PropertyId::kTopicAlias);
    if (alias && !connection.aliases) connection.aliases = std::make_unique<session::TopicAliases>();
    if (alias || original.empty()) {
      session::TopicAliases none;
      session::TopicAliases& aliases = connection.aliases ? *connection.aliases : none;
      const auto resolved =
          aliases.resolve(packet.topic, alias.has_value(), alias.value_or(0), state.shared.mqtt.topic_alias_maximum);
      if (!resolved) return resolved;
      original = *resolved;
    }
  }
  if (auto checked = mqtt::check_topic_name(original, state.shared.mqtt.topic); !checked)
    return std::move(checked).as_failure();
  if (!session.affix) return original;
  return session.affix->apply(hooks::kAffixPublish, original, state.topic_scratch);
}

mqtt::MessagePtr make_message(const PublishView& packet, std::string_view topic, const ResidentSession& session,
                              Now now) {
  mqtt::MessageView fields;
  fields.topic = topic;
  fields.payload = packet.payload;
  fields.properties = packet.properties;
  fields.qos = packet.qos;
  fields.retain = packet.retain;
  fields.received_at = now.wall;
  fields.origin = session.id;
  if (const auto expiry = packet.properties.number(PropertyId::kMessageExpiryInterval))
    fields.expires_at = now.wall + Seconds(*expiry);
  return mqtt::Message::make(fields);
}

void deny(ShardState& state, Connection& connection, QoS qos, mqtt::PacketId packet_id, std::string_view topic,
          const char* why) {
  ++state.counters.publishes_denied;
  MORTISE_LOG(kInfo, "core", "%s: publish to %s denied: %s", describe(state, connection).c_str(), quoted(topic).c_str(),
              why);
  if (qos == QoS::kAtMostOnce) return;
  // 3.1.1 section 3.3.5 leaves a positive acknowledgement or the close; the client that asked for one topic too many is
  // not cut off.
  const PacketType type = qos == QoS::kAtLeastOnce ? PacketType::kPuback : PacketType::kPubrec;
  acknowledge(state, connection, type, packet_id,
              connection.is_v5() ? ReasonCode::kNotAuthorized : ReasonCode::kSuccess, 0, true);
}

/// The message is allowed: routes and acknowledges it.
void accept(ShardState& state, Connection& connection, ResidentSession& session, const mqtt::MessagePtr& message,
            mqtt::PacketId packet_id, Now now) {
  RouteOptions options;
  if (message->qos() == QoS::kExactlyOnce) {
    options.inbound_session = session.id;
    options.inbound_packet_id = packet_id;
    options.is_held = session.number != 0 && state.journal != nullptr;
  }
  const Routed routed = route(state, message, options, now);
  state.emit(hooks::EventKind::kPublished, session.principal, now, message->topic(), ReasonCode::kSuccess,
             message->qos());
  if (message->qos() == QoS::kAtMostOnce) return;
  const ReasonCode reason =
      routed.has_subscribers || !connection.is_v5() ? ReasonCode::kSuccess : ReasonCode::kNoMatchingSubscribers;
  const bool is_final = message->qos() == QoS::kAtLeastOnce;
  acknowledge(state, connection, is_final ? PacketType::kPuback : PacketType::kPubrec, packet_id, reason,
              routed.position, is_final);
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
  hooks::AuthorizeRun run(state.dispatch, std::move(request));
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
  if (packet.qos == QoS::kExactlyOnce && session.inbound.contains(packet.packet_id)) {
    // MQTT-4.3.3-10: acknowledged again, not passed on again; after the first one is durable.
    const std::uint64_t position = session.number != 0 && state.journal != nullptr ? state.journal->position() : 0;
    acknowledge(state, connection, PacketType::kPubrec, packet.packet_id, ReasonCode::kSuccess, position, false);
    return false;
  }
  if (connection.is_v5() && connection.unacknowledged >= state.shared.mqtt.receive_maximum) {
    return failure(Refusal{ReasonCode::kReceiveMaximumExceeded, "MQTT-3.3.4-9",
                           "more PUBLISH in flight than the Receive Maximum"});
  }
  ++connection.unacknowledged;
  return true;
}

}  // namespace

Result<void, Refusal> publish(ShardState& state, Connection& connection, const PublishView& packet, Now now) {
  ++state.counters.publishes_received;
  ResidentSession* session = state.session_of(connection);
  CHECK(session != nullptr);
  if (auto checked = check(state, packet); !checked) return checked;
  std::string_view original;
  const auto topic = routed_topic(state, connection, *session, packet, original);
  if (!topic) return failure(topic.error());
  if (packet.qos != QoS::kAtMostOnce) {
    const auto admitted = admit(state, connection, *session, packet);
    if (!admitted) return failure(admitted.error());
    if (!*admitted) return {};
  }
  if (topic->starts_with("$SYS/")) {
    deny(state, connection, packet.qos, packet.packet_id, *topic, "$SYS is the broker's own");
    return {};
  }
  if (state.has_authorize) {
    const std::optional<bool> known = session->authorization.find(*topic, now.steady);
    if (known == std::optional<bool>(false)) {
      deny(state, connection, packet.qos, packet.packet_id, *topic, "not authorized (remembered)");
      return {};
    }
    if (!known) {
      const mqtt::MessagePtr message = make_message(packet, *topic, *session, now);
      const auto decision = ask(state, connection, *session, message, packet.packet_id, original, now);
      if (!decision) return {};
      remember(state, *session, *decision, message->topic(), now);
      if (decision->verdict != hooks::Verdict::kAllow) {
        deny(state, connection, packet.qos, packet.packet_id, message->topic(), "not authorized");
      } else {
        accept(state, connection, *session, message, packet.packet_id, now);
      }
      return {};
    }
  }
  accept(state, connection, *session, make_message(packet, *topic, *session, now), packet.packet_id, now);
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
    accept(state, connection, *session, pending.message, pending.packet_id, now);
  } else {
    deny(state, connection, pending.message->qos(), pending.packet_id, pending.message->topic(), "not authorized");
  }
  operation_finished(state, connection, now);
}

// ---- Routing --------------------------------------------------------------------------------------------------------

namespace {

/// The retained set; the sequence number of the change, 0 when there was none.
std::uint64_t retain(ShardState& state, const mqtt::MessagePtr& message, bool& is_stored, bool& is_removed) {
  const auto result = state.shared.retained->set(message);
  using Outcome = routing::RetainedIndex::SetOutcome;
  is_stored = result.outcome == Outcome::kAdded || result.outcome == Outcome::kReplaced;
  is_removed = result.outcome == Outcome::kRemoved;
  if (result.outcome == Outcome::kFull) {
    ++state.counters.retained_refused;
    MORTISE_LOG(
        kWarning, "core",
        "retained message for %s not stored: the retained store is full (retained.max_messages, retained.max_bytes)",
        quoted(message->topic()).c_str());
    return 0;
  }
  return result.sequence;
}

bool has_durable(std::span<const routing::MatchEntry> entries) {
  return std::any_of(entries.begin(), entries.end(), [](const routing::MatchEntry& entry) { return entry.is_durable; });
}

/// Whether another loop must add a piece to the message's durable group: it stores the message, or must know when to
/// pass it on.
bool adds_piece(const routing::MatchResult& targets, LoopIndex loop, bool is_held) {
  return is_held || has_durable(targets.on_loop(loop));
}

std::uint32_t count_remote_pieces(const ShardState& state, const routing::MatchResult& targets, bool is_held) {
  const auto loops = targets.loops();
  return static_cast<std::uint32_t>(std::count_if(loops.begin(), loops.end(), [&](LoopIndex loop) {
    return loop != state.loop && adds_piece(targets, loop, is_held);
  }));
}

}  // namespace

Routed route(ShardState& state, const mqtt::MessagePtr& message, const RouteOptions& options, Now now) {
  bool is_stored = false;
  bool is_removed = false;
  const std::uint64_t sequence = message->retain() ? retain(state, message, is_stored, is_removed) : 0;
  const routing::MatchResultPtr targets = state.matches.match(message->topic());
  const auto here = targets->on_loop(state.loop);

  const bool may_queue = state.journal != nullptr && message->qos() != QoS::kAtMostOnce;
  Passing passing(state, message);
  passing.retained_sequence = sequence;
  passing.is_held = options.is_held;
  const std::uint32_t passed_on = choose_members(state, here, passing);
  const std::uint32_t remote_pieces = may_queue ? count_remote_pieces(state, *targets, options.is_held) + passed_on : 0;
  ResidentSession* inbound_session = state.find_session(options.inbound_session);
  const session::Durably inbound =
      inbound_session != nullptr ? inbound_session->durably(state.journal) : session::Durably{};
  const bool is_piece = state.journal != nullptr &&
                        (is_stored || is_removed || inbound || remote_pieces > 0 || (may_queue && has_durable(here)));
  if (is_piece) {
    passing.group = state.journal->new_group();
    passing.is_in_piece = true;
    state.journal->begin_piece(passing.group, 1 + remote_pieces);
    if (is_stored) state.journal->retained_put(message);
    if (is_removed) state.journal->retained_remove(message->topic());
  }
  if (inbound_session != nullptr) inbound_session->inbound.receive(options.inbound_packet_id, inbound);
  if (is_piece) {
    deliver_here(state, passing, here, Phase::kDurable, now);
    state.journal->end_piece();
    passing.is_in_piece = false;
  }
  deliver_here(state, passing, here, is_piece ? Phase::kLive : Phase::kAll, now);

  for (const LoopIndex loop : targets->loops()) {
    if (loop == state.loop) continue;
    const bool is_in_group = may_queue && passing.group != 0 && adds_piece(*targets, loop, options.is_held);
    state.mail_to(loop, Delivery{message, targets, sequence, is_in_group ? passing.group : 0, options.is_held});
  }
  return {!targets->entries().empty(), is_piece ? state.journal->position() : 0};
}

}  // namespace mortise::core
