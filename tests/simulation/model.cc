#include "model.h"

#include <algorithm>
#include <charconv>

#include "broker/base/check.h"
#include "broker/mqtt/decode.h"
#include "broker/mqtt/topic.h"

// What is said: by the clients, and to them but for PUBLISH.

namespace mortise::simulation {

using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::QoS;

Model::Link& Model::link(const TestClient& client) {
  const auto [at, is_new] = links_.try_emplace(client.number());
  at->second.client = &client;
  if (is_new) open_.insert(client.number());
  return at->second;
}

std::string Model::describe(const Message& message) {
  return "message " + std::to_string(message.number) + " of " + message.publisher + " to " + message.topic +
         " at QoS " + std::to_string(static_cast<int>(message.qos)) + (message.retain ? ", retained" : "") +
         (message.is_will ? ", a Will" : "");
}

// ---- What the client says -------------------------------------------------------------------------------------------

void Model::sent(const TestClient& client, std::string_view bytes, Now now) {
  Link& from = link(client);
  from.stream += bytes;
  from.is_slow |= !client.takes_bytes;
  std::size_t at = 0;
  while (true) {
    const auto frame = mqtt::next_frame(as_bytes(from.stream).subspan(at), 1u << 20);
    CHECK(frame);
    if (!frame->has_value()) break;
    ++step_;
    sent_packet(from, **frame, now);
    at += (*frame)->size;
  }
  from.stream.erase(0, at);
}

void Model::sent_packet(Link& from, const mqtt::FrameView& frame, Now now) {
  if (frame.type == PacketType::kConnect) from.version = mqtt::answer_version(frame);
  const auto decoded = mqtt::decode(frame, from.version);
  CHECK(decoded);
  if (const auto* connect = std::get_if<mqtt::ConnectView>(&*decoded)) return sent_connect(from, *connect, now);
  if (const auto* publish = std::get_if<mqtt::PublishView>(&*decoded)) return sent_publish(from, *publish, now);
  if (const auto* subscribe = std::get_if<mqtt::SubscribeView>(&*decoded)) return sent_subscribe(from, *subscribe, now);
  if (const auto* unsubscribe = std::get_if<mqtt::UnsubscribeView>(&*decoded))
    return sent_unsubscribe(from, *unsubscribe);
  const auto* disconnect = std::get_if<mqtt::DisconnectView>(&*decoded);
  if (disconnect == nullptr) return;
  from.has_left = true;
  from.reason = disconnect->reason;
  from.left_expiry = disconnect->properties.number(PropertyId::kSessionExpiryInterval);
  if (!from.left_expiry) return;
  Session& of = session(from);
  of.least_expiry = std::min(of.least_expiry, *from.left_expiry);
  of.most_expiry = std::max(of.most_expiry, *from.left_expiry);
}

void Model::sent_connect(Link& from, const mqtt::ConnectView& packet, Now now) {
  from.has_connect = true;
  from.connected_at = step_;
  from.connected_wall = now.wall;
  from.session = packet.client_id;
  from.clean = packet.clean_start;
  const bool is_v5 = packet.version == mqtt::ProtocolVersion::k5;
  const std::uint32_t asked = is_v5 ? packet.properties.number(PropertyId::kSessionExpiryInterval).value_or(0)
                                    : (packet.clean_start ? 0 : expiry_max_);
  from.expiry = std::min(asked, expiry_max_);
  Session& of = session(from);
  of.client_id = packet.client_id;
  of.newest_connect = step_;
  of.is_exact = false;
  refresh(of, now);
  const bool has_others = has_other(from);
  from.was_sure = !from.clean && is_sure_to_others(from, now);
  from.was_possible = has_others || of.maybe_until + Seconds(2) >= now.wall;
  if (!from.was_sure) forget_duties(of, step_);
  of.is_forgotten |= !from.was_possible;
  if (from.clean) {
    of.surely_until = WallTime{};
    of.publishing.clear();
    of.unreleased.clear();
    of.got.clear();
    of.newest.clear();
  }
  of.least_expiry = std::min(of.least_expiry, from.expiry);
  of.most_expiry = std::max(of.most_expiry, from.expiry);
  of.smallest_packet = std::min<std::size_t>(
      of.smallest_packet, packet.properties.number(PropertyId::kMaximumPacketSize).value_or(1u << 20));
  for (PendingWill& will : wills_) {
    if (will.session != from.session || std::exchange(will.is_contested, true)) continue;
    will.contested_at = step_;
  }
  if (!packet.will) return;
  Message will;
  will.payload = as_text(packet.will->payload);
  std::from_chars(will.payload.data() + 1, will.payload.data() + will.payload.size(), will.number);
  will.publisher = from.session;
  will.topic = packet.will->topic;
  will.qos = packet.will->qos;
  will.retain = packet.will->retain;
  will.is_will = true;
  will.first_sent = kNeverStep;
  will.link = from.client->number();
  will.expiry = packet.will->properties.number(PropertyId::kMessageExpiryInterval);
  from.will = will.number;
  from.will_delay = packet.will->properties.number(PropertyId::kWillDelayInterval).value_or(0);
  CHECK(messages_.emplace(will.number, will).second);
}

void Model::sent_publish(Link& from, const mqtt::PublishView& packet, Now now) {
  std::string topic(packet.topic);
  if (const auto alias = packet.properties.number(PropertyId::kTopicAlias)) {
    if (topic.empty()) topic = from.aliases.at(*alias);
    from.aliases[*alias] = topic;
  }
  Session& of = session(from);
  int number = 0;
  const std::string payload(as_text(packet.payload));
  if (!payload.empty()) {
    std::from_chars(payload.data() + 1, payload.data() + payload.size(), number);
  } else if (packet.dup && of.publishing.contains(packet.packet_id)) {
    number = of.publishing.at(packet.packet_id);
  } else {
    number = -++clears_;
  }
  const auto [at, is_new] = messages_.try_emplace(number);
  Message& made = at->second;
  made.last_possible = kNeverStep;
  made.latest = kNeverWall;
  if (is_new) {
    made.number = number;
    made.publisher = from.session;
    made.link = from.client->number();
    made.topic = topic;
    made.payload = payload;
    made.qos = packet.qos;
    made.retain = packet.retain;
    made.first_sent = made.routed_from = step_;
    made.earliest = now.wall;
    made.expiry = packet.properties.number(PropertyId::kMessageExpiryInterval);
    if (made.retain) retained_[topic].push_back(number);
  } else {
    ++made.times;
    const auto expiry = packet.properties.number(PropertyId::kMessageExpiryInterval);
    made.has_varied |= made.expiry != expiry;
    if (expiry) made.expiry = std::min(made.expiry.value_or(*expiry), *expiry);
  }
  if (packet.qos == QoS::kAtMostOnce) {
    from.unheard.push_back(number);
  } else {
    of.publishing[packet.packet_id] = number;
  }
}

void Model::sent_subscribe(Link& from, const mqtt::SubscribeView& packet, Now now) {
  Session& of = session(from);
  Asked asked{true, packet.packet_id, {}, step_};
  std::vector<Subscription> added;
  for (const mqtt::SubscriptionRequestView& request : packet.requests) {
    const auto parsed = mqtt::parse_topic_filter(request.filter);
    CHECK(parsed);
    Subscription made;
    made.asked = request.filter;
    made.filter = parsed->filter;
    made.is_shared = parsed->is_shared();
    made.options = request.options;
    made.identifier = packet.properties.number(PropertyId::kSubscriptionIdentifier).value_or(0);
    made.place = asked.filters.size();
    made.from = step_;
    made.asked_at = now.wall;
    bool is_there = false, may_be_there = false;
    for (Subscription& older : of.subscriptions) {
      if (older.asked != made.asked || older.surely_until != kNeverStep) continue;
      may_be_there = true;
      made.may_replay |= older.may_replay;  // one that waits for room goes on
      is_there |= older.surely_from != kNeverStep && older.until == kNeverStep;
      older.until = std::min(older.until, step_);
    }
    const auto handling = request.options.retain_handling;
    const bool if_new = handling == mqtt::RetainHandling::kSendIfNew;
    const bool is_due = !made.is_shared && (handling == mqtt::RetainHandling::kSend || (if_new && !is_there));
    made.may_replay |= is_due;
    made.must_replay = is_due && (!if_new || !may_be_there);
    of.was_shared |= made.is_shared;
    asked.filters.emplace_back(request.filter);
    added.push_back(std::move(made));
  }
  std::move(added.begin(), added.end(), std::back_inserter(of.subscriptions));
  from.asked.push_back(std::move(asked));
}

void Model::sent_unsubscribe(Link& from, const mqtt::UnsubscribeView& packet) {
  Asked asked{false, packet.packet_id, {}, step_};
  for (const std::string_view filter : packet.filters) {
    asked.filters.emplace_back(filter);
    for (Subscription& each : session(from).subscriptions) {
      if (each.asked == filter) each.until = std::min(each.until, step_);
    }
  }
  from.asked.push_back(std::move(asked));
}

// ---- What the broker says -------------------------------------------------------------------------------------------

void Model::received(const TestClient& client, const core::testing::Received& packet, Now now) {
  Link& to = link(client);
  to.is_slow |= !client.takes_bytes;
  notice_ends(now);
  ++step_;
  const auto frame = mqtt::next_frame(as_bytes(packet.bytes), packet.bytes.size());
  const auto decoded = mqtt::decode(**frame, to.version);
  CHECK(decoded);
  if (const auto* connack = std::get_if<mqtt::ConnackView>(&*decoded)) return received_connack(to, *connack, now);
  if (const auto* publish = std::get_if<mqtt::PublishView>(&*decoded)) return received_publish(to, *publish, now);
  if (const auto* acknowledgement = std::get_if<mqtt::AcknowledgementView>(&*decoded))
    return received_acknowledgement(to, *acknowledgement, now);
  if (const auto* answer = std::get_if<mqtt::SubscriptionAcknowledgementView>(&*decoded))
    return received_answer(to, *answer, now);
}

/// A new session under the same Client Identifier, that knows only what this connection said.
void Model::began_anew(Session& of, Step connected_at) {
  of.got.clear();
  of.unreleased.clear();
  of.publishing.clear();
  of.newest.clear();
  of.owed.clear();
  of.was_shared = false;
  for (Subscription& each : of.subscriptions) {
    if (each.from > connected_at) continue;
    each.until = std::min(each.until, connected_at);
    each.surely_until = std::min(each.surely_until, step_);
  }
  of.last_online = 0;
}

void Model::received_connack(Link& to, const mqtt::ConnackView& packet, Now now) {
  if (packet.code != 0) return;
  Session& of = session(to);
  open_.insert(to.client->number());  // it may have ended in the same moment
  // 3.1 does not say; such a client goes on with a session only where it is known.
  const bool is_present = to.version == mqtt::ProtocolVersion::k31 ? to.was_sure && !to.clean : packet.session_present;
  if (is_present && !to.was_possible) violated(to, "a session that had ended is present");
  if (!is_present && to.was_sure) violated(to, "its session is lost [MQTT-3.1.2-5, MQTT-3.2.2-2]");
  if (std::exchange(of.is_forgotten, false)) of.unreleased.clear();
  if (!is_present) began_anew(of, to.connected_at);
  to.is_stored = has_store_ && (is_present || to.expiry > 0);
  to.is_connected = true;
  to.greeted_at = step_;
  if (const auto granted = packet.properties.number(PropertyId::kSessionExpiryInterval)) to.expiry = *granted;
  if (of.newest_connect == to.connected_at) {
    of.least_expiry = of.most_expiry = of.live_expiry = to.expiry;
    of.surely_until = kNeverWall;
  }
  of.maybe_until = kNeverWall;
  come_back(to, is_present, now);
}

void Model::received_answer(Link& to, const mqtt::SubscriptionAcknowledgementView& packet, Now now) {
  CHECK(!to.asked.empty());
  const Asked asked = std::move(to.asked.front());
  to.asked.pop_front();
  Session& of = session(to);
  for (std::size_t i = 0; i < asked.filters.size(); ++i) {
    if (asked.is_subscribe && packet.codes[i] > 2) violated(to, "a subscription is refused for no reason");
    Subscription* granted = nullptr;
    for (Subscription& each : of.subscriptions) {
      if (each.asked != asked.filters[i] || each.from > asked.at) continue;
      if (asked.is_subscribe && each.from == asked.at) {
        granted = &each;
        continue;
      }
      each.until = std::min(each.until, asked.at);
      each.surely_until = std::min(each.surely_until, step_);
    }
    if (!asked.is_subscribe) continue;
    CHECK(granted != nullptr);
    if (packet.codes[i] != static_cast<std::uint8_t>(granted->options.maximum_qos))
      violated(to, "another QoS is granted than was asked for");
    granted->surely_from = step_;
    if (granted->must_replay && granted->until == kNeverStep) owe_replays(to, *granted, now);
  }
  // What is over can have no part in what is still to come.
  std::erase_if(of.subscriptions, [](const Subscription& each) { return each.surely_until < each.from; });
}

void Model::received_acknowledgement(Link& to, const mqtt::AcknowledgementView& packet, Now now) {
  Session& of = session(to);
  if (packet.type == PacketType::kPubrel) {
    of.unreleased.erase(packet.packet_id);
    return;
  }
  const auto at = of.publishing.find(packet.packet_id);
  if (at == of.publishing.end()) return;  // of what the client has forgotten; ClientWatch knows the rest
  Message& message = messages_.at(at->second);
  const bool is_refused = mqtt::is_error(packet.reason) && packet.type != PacketType::kPubcomp;
  const bool may_be_refused =
      has_refusals_ && to.version == mqtt::ProtocolVersion::k5 && packet.reason == mqtt::ReasonCode::kQuotaExceeded;
  if (is_refused && !may_be_refused) violated(to, "a message is refused for no reason");
  if (packet.type != PacketType::kPubrec || is_refused) of.publishing.erase(at);
  if (packet.type == PacketType::kPubcomp || message.last_possible != kNeverStep) return;
  message.last_possible = step_;
  message.latest = now.wall;
  message.surely_retained = std::min(message.surely_retained, step_);
  published(message);
}

}  // namespace mortise::simulation
