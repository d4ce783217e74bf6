#include "broker/core/attach.h"

#include <algorithm>

#include "broker/base/log.h"
#include "broker/core/connect.h"
#include "broker/core/deliver.h"
#include "broker/core/disconnect.h"
#include "broker/core/publish.h"
#include "broker/core/questions.h"
#include "broker/core/response_information.h"
#include "broker/core/review.h"
#include "broker/core/subscribe.h"
#include "broker/core/talk.h"
#include "broker/mqtt/decode.h"

namespace mortise::core {

namespace {

using mqtt::ConnectView;
using mqtt::PropertyId;
using mqtt::ReasonCode;

/// The kept CONNECT packet, which was decoded once already.
ConnectView connect_packet(const Opening& opening) {
  const auto frame = mqtt::next_frame(as_bytes(opening.connect), opening.connect.size());
  CHECK(frame && frame->has_value());
  auto packet = mqtt::decode_connect(**frame);
  CHECK(packet);
  return *packet;
}

std::string key_of(const Opening& opening) {
  return session_key(opening.principal->name_space, opening.principal->client_id);
}

/// The stored session of who is coming, or null.
ResidentSession* session_of(ShardState& state, const Opening& opening) {
  return state.sessions.find(opening.principal->name_space, opening.principal->client_id);
}

std::uint32_t asked_expiry_interval(const ConnectView& packet) {
  if (packet.version != mqtt::ProtocolVersion::k5) return packet.clean_start ? 0 : session::kExpiryNever;
  return packet.properties.number(PropertyId::kSessionExpiryInterval).value_or(0);
}

std::uint32_t expiry_interval(const ShardState& state, const Opening& opening, const ConnectView& packet) {
  const auto maximum = static_cast<std::uint32_t>(
      std::min<std::int64_t>(state.shared.session.expiry_interval_max.count(), session::kExpiryNever));
  return std::min({asked_expiry_interval(packet), maximum, opening.session_expiry_maximum});
}

// ---- The steps ------------------------------------------------------------------------------------------------------

void begin(ShardState& state, Connection& connection, Now now) {
  Opening& opening = *connection.opening;
  const ResidentSession* existing = session_of(state, opening);
  if (existing != nullptr && state.shared.session.takeover == session::TakeOver::kSameUser &&
      existing->principal->user_name != opening.principal->user_name) {
    return refuse_connect(state, connection, ReasonCode::kClientIdentifierNotValid, "another user's Client Identifier");
  }
  const hooks::DispatchPtr& dispatch = state.dispatch_for(opening.principal->listener);
  if (dispatch->topic.empty()) return bound(state, connection, {}, now);
  auto request = std::make_shared<hooks::BindRequest>();
  request->principal = opening.principal;
  auto& run = opening.bind.emplace(dispatch, std::move(request));
  if (const auto decision = run.start(state.next_ticket(connection), now))
    return bound(state, connection, *decision, now);
  connection.stage_deadline = run.deadline();
  state.arm(connection, run.deadline());
}

/// The Will as a message with its routed topic; null and a Reason Code when it cannot be.
mqtt::MessagePtr make_will(ShardState& state, const Opening& opening, const mqtt::WillView& will, Now now,
                           ReasonCode& reason) {
  std::string_view topic = will.topic;
  if (opening.affix) {
    const auto routed = opening.affix->apply(hooks::kAffixWill, will.topic, state.topic_scratch);
    if (!routed) {
      reason = routed.error().reason;
      return {};
    }
    topic = *routed;
  }
  if (mqtt::is_sys_topic(topic)) return {};  // the broker's own
  mqtt::MessageView fields;
  fields.topic = topic;
  fields.payload = will.payload;
  fields.properties = will.properties;
  fields.qos = will.qos;
  fields.retain = will.retain;
  fields.is_will = true;
  fields.origin = session::origin_of(*opening.principal);
  fields.received_at = now.wall;
  // The lifetime begins when the Will is published.
  if (const auto expiry = will.properties.number(PropertyId::kMessageExpiryInterval)) {
    fields.expires_at = session::due_while_connected(*expiry);
  }
  return mqtt::Message::make(fields);
}

void commit(ShardState& state, Connection& connection, Now now);

void review_stored_subscriptions(ShardState& state, Connection& connection, Now now) {
  Opening& opening = *connection.opening;
  ResidentSession* existing = session_of(state, opening);
  const bool resumes = existing != nullptr && !connect_packet(opening).clean_start && existing->is_persistent();
  if (!resumes || !state.has_authorize || existing->subscriptions.empty()) return commit(state, connection, now);
  auto& review = opening.review.emplace(review_of(*existing, opening.affix));
  if (advance_review(state, connection, review, opening.principal, now))
    stored_subscriptions_reviewed(state, connection, now);
}

void authorize_will(ShardState& state, Connection& connection, std::string_view original_topic, Now now) {
  Opening& opening = *connection.opening;
  auto request = std::make_shared<hooks::AccessRequest>();
  request->principal = opening.principal;
  request->action = hooks::Action::kWill;
  request->topic = opening.will->topic();
  request->original_topic = original_topic;
  request->qos = opening.will->qos();
  request->retain = opening.will->retain();
  request->message = opening.will;
  auto& run = opening.authorize_will.emplace(state.dispatch_for(opening.principal->listener), std::move(request));
  if (const auto decision = run.start(state.next_ticket(connection), now))
    return will_authorized(state, connection, *decision, now);
  connection.stage_deadline = run.deadline();
  state.arm(connection, run.deadline());
}

// ---- Commit ---------------------------------------------------------------------------------------------------------

/// The session this connection goes on with: the stored one, or a new one.
ResidentSession& take_session(ShardState& state, Connection& connection, const ConnectView& packet, bool& is_present,
                              Now now) {
  const Opening& opening = *connection.opening;
  if (ResidentSession* existing = session_of(state, opening)) {
    if (Connection* old = state.connection_of(*existing)) {
      ++state.counters.take_overs;
      disconnect(state, *old, ReasonCode::kSessionTakenOver, now, "taken over by a new connection");
    }
  }
  // The old connection's end may have ended its session, too. One whose time is over is not resumed, though its timer
  // has not come yet, or waits for what the session owes to groups.
  if (ResidentSession* existing = session_of(state, opening); existing != nullptr) {
    const bool is_over = existing->expires_at <= now.wall;
    if (is_over) ++state.counters.sessions_expired;
    if (is_over || packet.clean_start) end_session(state, *existing, now);
  }
  if (ResidentSession* existing = session_of(state, opening)) {
    is_present = true;
    return *existing;
  }
  is_present = false;
  return state.sessions.emplace(state.loop, opening.principal, state.queues);
}

void set_will(ShardState& state, ResidentSession& session, const Opening& opening, const ConnectView& packet) {
  const bool had_will = static_cast<bool>(session.will.message);
  session.will = {};
  if (opening.will) {
    session.will.message = opening.will;
    session.will.delay_interval = packet.will->properties.number(PropertyId::kWillDelayInterval).value_or(0);
  }
  const session::Durably durably = session.durably(state.journal);
  if (!durably) return;
  if (session.will.message) {
    durably.journal->will_put(durably.number, session::due_while_connected(session.will.delay_interval),
                              session.will.message);
  } else if (had_will) {
    durably.journal->will_remove(durably.number);
  }
}

void add_properties(const ShardState& state, const Connection& connection, const Opening& opening,
                    std::uint32_t granted_expiry, const ConnectView& packet, mqtt::PropertyWriter& properties) {
  const session::MqttLimits& limits = state.shared.mqtt;
  const std::uint32_t asked = packet.properties.number(PropertyId::kSessionExpiryInterval).value_or(0);
  if (asked != granted_expiry) properties.put(PropertyId::kSessionExpiryInterval, granted_expiry);
  properties.put(PropertyId::kReceiveMaximum, limits.receive_maximum);
  if (limits.maximum_qos < mqtt::QoS::kExactlyOnce)
    properties.put(PropertyId::kMaximumQoS, static_cast<std::uint32_t>(limits.maximum_qos));
  if (!limits.retain_available) properties.put(PropertyId::kRetainAvailable, 0u);
  properties.put(PropertyId::kMaximumPacketSize, limits.max_packet_size);
  if (opening.has_assigned_client_id)
    properties.put(PropertyId::kAssignedClientIdentifier, std::string_view(opening.principal->client_id));
  if (limits.topic_alias_maximum > 0) properties.put(PropertyId::kTopicAliasMaximum, limits.topic_alias_maximum);
  if (!limits.wildcard_subscription_available) properties.put(PropertyId::kWildcardSubscriptionAvailable, 0u);
  if (!limits.subscription_identifier_available) properties.put(PropertyId::kSubscriptionIdentifierAvailable, 0u);
  if (!limits.shared_subscription_available) properties.put(PropertyId::kSharedSubscriptionAvailable, 0u);
  // MQTT-4.12.0-5, MQTT-4.12.0-6.
  if (const auto method = packet.properties.text(PropertyId::kAuthenticationMethod))
    properties.put(PropertyId::kAuthenticationMethod, *method);
  if (opening.authentication_data)
    properties.put(PropertyId::kAuthenticationData, std::string_view(*opening.authentication_data));
  if (connection.keep_alive != packet.keep_alive) properties.put(PropertyId::kServerKeepAlive, connection.keep_alive);
}

/// MQTT-3.1.2-28: to whoever asks for it.
void add_response_information(const ShardState& state, const Opening& opening, const ConnectView& packet,
                              mqtt::PropertyWriter& properties) {
  const std::string& pattern = state.shared.mqtt.response_information;
  if (pattern.empty() || packet.properties.number(PropertyId::kRequestResponseInformation) != 1u) return;
  if (const auto filled = response_information(pattern, *opening.principal))
    properties.put(PropertyId::kResponseInformation, std::string_view(*filled));
}

mqtt::ByteBuffer make_connack(const ShardState& state, const Connection& connection, const Opening& opening,
                              std::uint32_t granted_expiry, const ConnectView& packet, bool is_present) {
  mqtt::ConnackView connack;
  connack.session_present = is_present && connection.version != mqtt::ProtocolVersion::k31;
  const auto encoded = [&](const mqtt::PropertyWriter& properties) {
    connack.properties = properties.view();
    mqtt::ByteBuffer made;
    mqtt::encode(made, connack, connection.version);
    return made;
  };
  mqtt::PropertyWriter properties;
  if (!connection.is_v5()) return encoded(properties);
  add_properties(state, connection, opening, granted_expiry, packet, properties);
  mqtt::PropertyWriter all = properties;
  add_response_information(state, opening, packet, all);
  mqtt::ByteBuffer whole = encoded(all);
  // What is only of use is left out where the whole does not fit.
  return all.size() == properties.size() || fits(connection, whole.size()) ? std::move(whole) : encoded(properties);
}

void commit(ShardState& state, Connection& connection, Now now) {
  Opening& opening = *connection.opening;
  const ConnectView packet = connect_packet(opening);
  const std::uint32_t expiry = expiry_interval(state, opening, packet);
  // Authentication may have given it another name, and it may have been banned while it waited.
  const mqtt::Principal& who = *opening.principal;
  if (state.is_banned(who.client_id, who.user_name, who.peer_address, now))
    return refuse_connect(state, connection, ReasonCode::kBanned, "banned");
  // Before anything of the session is changed. What a stored one becomes must be stored, too.
  const ResidentSession* existing = session_of(state, opening);
  const bool is_stored = expiry > 0 || (existing != nullptr && existing->number != 0);
  // MQTT-3.1.2-4: nor may what ended before come back once this is greeted.
  const bool is_ending = state.ending.contains(key_of(opening));
  if ((is_stored || is_ending) && state.refuses_to_wait()) {
    ++state.counters.store_refusals;
    return refuse_connect(state, connection, ReasonCode::kServerUnavailable,
                          "the store fails and the session is persistent");
  }
  const std::uint16_t maximum = state.shared.mqtt.max_keep_alive;
  if (connection.is_v5() && maximum > 0 && (connection.keep_alive == 0 || connection.keep_alive > maximum))
    connection.keep_alive = maximum;
  if (connection.maximum_packet_size != 0 &&
      !fits(connection, make_connack(state, connection, opening, expiry, packet, false).size())) {
    return refuse_connect(state, connection, ReasonCode::kPacketTooLarge,
                          "its CONNACK is above its own Maximum Packet Size [MQTT-3.1.2-24]");
  }

  bool is_present = false;
  const std::uint64_t before = state.journal != nullptr ? state.journal->position() : 0;
  ResidentSession& session = take_session(state, connection, packet, is_present, now);
  session.connection = connection.id;
  ++state.online;
  session.principal = opening.principal;
  session.expiry_interval = expiry;
  session.expires_at = kNeverWall;
  session.asked_for_expiry = asked_expiry_interval(packet) != 0;
  session.authorization.clear();
  session.expiry_interval_maximum = opening.session_expiry_maximum;
  connection.session = session.id;
  if (session.number == 0 && session.is_persistent()) make_durable(state, session);
  rebind(state, session, opening.affix, opening.review ? &*opening.review : nullptr, now);
  session.outbound.announce_connection(connection.receive_maximum);
  put_session(state, session);
  set_will(state, session, opening, packet);
  const std::uint64_t after = state.journal != nullptr ? state.journal->position() : 0;

  opening.connack = make_connack(state, connection, opening, expiry, packet, is_present);
  opening.has_new_session = !is_present;
  if (!is_present) state.emit(hooks::EventKind::kSessionStarted, session.principal, now);
  connection.stage = Stage::kCommitting;
  connection.stage_deadline = kNever;
  if ((after == before && !is_ending) || state.is_durable(after)) return greet(state, connection, now);
  state.parked_connections.push_back({after, connection.id});
  if (state.refuses_to_wait()) state.unserved.push_back(connection.id);
}

}  // namespace

void attach(ShardState& state, Connection& connection, Now now) {
  connection.stage = Stage::kAttaching;
  connection.stage_deadline = kNever;
  if (state.is_shutting_down) return refuse_late(state, connection);
  AttachQueue& queue = state.attaching[key_of(*connection.opening)];
  if (!queue.active) {
    queue.active = connection.id;
    return begin(state, connection, now);
  }
  // Whoever has its turn may wait for a hook, or for a store that fails, for as long as that takes.
  connection.stage_deadline = now.steady + state.shared.mqtt.connect_timeout;
  state.arm(connection, connection.stage_deadline);
  const ConnectionId older = std::exchange(queue.waiting, connection.id);
  if (Connection* waiting = state.connections.find(older)) {
    MORTISE_LOG(kInfo, "core", "%s: a newer connection with its Client Identifier takes its turn",
                describe(state, *waiting).c_str());
    ++state.counters.connects_refused;
    end_connection(state, *waiting, Farewell::kAbort);
  }
}

void leave_attach_queue(ShardState& state, Connection& connection) {
  if (!connection.opening || !connection.opening->principal) return;
  const auto at = state.attaching.find(key_of(*connection.opening));
  if (at == state.attaching.end()) return;
  AttachQueue& queue = at->second;
  if (queue.waiting == connection.id) {
    queue.waiting = {};
  } else if (queue.active == connection.id) {
    queue.active = std::exchange(queue.waiting, {});
    // Its turn begins with the next mail or timer, not inside the operation that just ended.
    if (Connection* next = state.connections.find(queue.active)) {
      next->stage_deadline = SteadyTime::min();
      state.arm(*next, SteadyTime::min());
    }
  }
  if (!queue.active) state.attaching.erase(at);
}

bool waits_for_turn(const ShardState& state, const Connection& connection) {
  const auto at = state.attaching.find(key_of(*connection.opening));
  return at != state.attaching.end() && at->second.waiting == connection.id;
}

void begin_turn(ShardState& state, Connection& connection, Now now) {
  connection.stage_deadline = kNever;
  begin(state, connection, now);
}

void bound(ShardState& state, Connection& connection, const hooks::BindDecision& decision, Now now) {
  Opening& opening = *connection.opening;
  connection.stage_deadline = kNever;
  opening.bind.reset();
  if (decision.is_refused)
    return refuse_connect(state, connection, ReasonCode::kServerUnavailable, "the topic hook gave no answer");
  if (decision.is_bound) {
    auto affix = hooks::Affix::make(decision);
    if (!affix)
      return refuse_connect(state, connection, ReasonCode::kImplementationSpecificError, affix.error().message.c_str());
    opening.affix = state.affixes.shared(*affix);
  }
  const ConnectView packet = connect_packet(opening);
  if (!packet.will) return review_stored_subscriptions(state, connection, now);
  ReasonCode reason = ReasonCode::kTopicNameInvalid;
  opening.will = make_will(state, opening, *packet.will, now, reason);
  if (!opening.will) return refuse_connect(state, connection, reason, "the Will Topic does not fit its affix");
  if (!state.has_authorize) return review_stored_subscriptions(state, connection, now);
  authorize_will(state, connection, packet.will->topic, now);
}

void will_authorized(ShardState& state, Connection& connection, const hooks::AccessDecision& decision, Now now) {
  connection.stage_deadline = kNever;
  const std::string plugin = connection.opening->authorize_will->plugin();
  connection.opening->authorize_will.reset();
  if (decision.verdict != hooks::Verdict::kAllow) {
    const std::string why = "the Will is not authorized by plugin " + plugin;
    return refuse_connect(state, connection, ReasonCode::kNotAuthorized, why.c_str());
  }
  review_stored_subscriptions(state, connection, now);
}

void stored_subscriptions_reviewed(ShardState& state, Connection& connection, Now now) {
  connection.stage_deadline = kNever;
  // The connection that is taken over may have subscribed meanwhile; only what is new is asked about.
  Opening& opening = *connection.opening;
  const ResidentSession* existing = session_of(state, opening);
  if (existing != nullptr && opening.review && renew_review(*existing, opening.affix, *opening.review) &&
      !advance_review(state, connection, *opening.review, opening.principal, now))
    return;
  commit(state, connection, now);
}

void refuse_attached(ShardState& state, Connection& connection, Now now) {
  // It was never connected: there is no Will to publish, and no session that its client would know of.
  const mqtt::SessionId id = connection.session;
  if (ResidentSession* session = state.find_session(id)) forget_will(state, *session);
  connection_lost(state, connection, ReasonCode::kServerUnavailable, now);
  ResidentSession* session = connection.opening->has_new_session ? state.find_session(id) : nullptr;
  if (session != nullptr) end_session(state, *session, now);
  refuse_connect(state, connection, ReasonCode::kServerUnavailable, "the store fails and the session is persistent");
}

void greet(ShardState& state, Connection& connection, Now now) {
  connection.outbox.append(connection.opening->connack);
  ++state.counters.packets_sent;
  connection.stage = Stage::kConnected;
  ++state.counters.connects_accepted;
  leave_attach_queue(state, connection);
  connection.opening.reset();
  connection.peer.reset();
  connection.has_held_back = false;
  mark_talkative(state, connection);
  ResidentSession* session = state.session_of(connection);
  CHECK(session != nullptr);
  session->outbound.restart();
  // 5.0 section 4.9: the send quota begins anew with each connection; what waits for PUBREL does not count.
  session->inbound.restart();
  connection.unacknowledged = 0;
  state.emit(hooks::EventKind::kClientConnected, session->principal, now);
  announce_to_groups(state, *session, GroupMembership::Change::kOnline, now);
  if (connection.keep_alive > 0) state.arm(connection, now.steady + Seconds(connection.keep_alive) * 3 / 2);
  if (connection.valid_until != kNever) state.arm(connection, connection.valid_until);
  pump(state, *session, now);
  state.actions.resumed.push_back(connection.id);
  if (connection.wants_invalidation) begin_invalidation(state, connection, now);
}

}  // namespace mortise::core
