#include "client_watch.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "broker/mqtt/topic.h"
#include "tests/conformance/packet_dump.h"

namespace mortise::core::testing {

using mqtt::PacketId;
using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::QoS;

ClientWatch::Connection& ClientWatch::connection(const TestClient& client) {
  Connection& found = connections_[client.number()];
  found.client = &client;
  return found;
}

/// With MORTISE_TRACE every packet is printed: to read what a fuzz input does.
void ClientWatch::trace(const Connection& connection, const char* direction, const mqtt::ControlPacketView& packet) {
  static const bool is_on = std::getenv("MORTISE_TRACE") != nullptr;
  if (is_on) std::fprintf(stderr, "%zu %s %s\n", connection.client->number(), direction, mqtt::dump(packet).c_str());
}

void ClientWatch::violated(const Connection& connection, const std::string& what) const {
  std::fprintf(stderr, "connection %zu of %s: %s\n", connection.client->number(), connection.session.c_str(),
               what.c_str());
  if (options_.on_violation) options_.on_violation(what, connection.session);
  std::abort();
}

void ClientWatch::killed() {
  was_killed_ = true;
  for (auto& [key, of] : sessions_) {
    std::erase_if(of.in_flight, [&of = of](const auto& entry) { return !of.unreleased.contains(entry.first); });
  }
}

// ---- What the client says -------------------------------------------------------------------------------------------

void ClientWatch::sent(const TestClient& client, std::string_view bytes, Now now) {
  Connection& from = connection(client);
  from.stream += bytes;
  std::size_t at = 0;
  while (!from.is_unreadable) {
    const auto frame = mqtt::next_frame(as_bytes(from.stream).subspan(at), options_.max_packet_size);
    if (!frame) from.is_unreadable = true;
    if (!frame || !frame->has_value()) break;
    ++step_;
    sent_packet(from, **frame, now);
    at += (*frame)->size;
  }
  from.stream.erase(0, at);
}

void ClientWatch::sent_packet(Connection& from, const mqtt::FrameView& frame, Now now) {
  // Behind its last packet, which may wait for a hook, acknowledgements and PINGREQ may still be taken.
  const bool may_pass =
      (frame.type >= PacketType::kPuback && frame.type <= PacketType::kPubcomp) || frame.type == PacketType::kPingreq;
  if (from.is_broken && (!may_pass || !from.has_sent_connect)) return;
  const bool is_connect = frame.type == PacketType::kConnect;
  if (is_connect && !from.has_sent_connect) from.version = mqtt::answer_version(frame);
  const auto decoded = mqtt::decode(frame, from.version);
  if (decoded) trace(from, "->", *decoded);
  if (!decoded || is_connect == from.has_sent_connect) {
    from.is_broken = true;
    return;
  }
  if (const auto* connect = std::get_if<mqtt::ConnectView>(&*decoded)) return sent_connect(from, *connect);
  if (const auto* publish = std::get_if<mqtt::PublishView>(&*decoded)) return sent_publish(from, *publish, now);
  if (const auto* subscribe = std::get_if<mqtt::SubscribeView>(&*decoded)) return sent_subscribe(from, *subscribe);
  if (const auto* unsubscribe = std::get_if<mqtt::UnsubscribeView>(&*decoded))
    return sent_unsubscribe(from, *unsubscribe);
  if (const auto* acknowledgement = std::get_if<mqtt::AcknowledgementView>(&*decoded))
    return sent_acknowledgement(from, *acknowledgement);
  if (std::holds_alternative<mqtt::PingreqView>(*decoded)) {
    ++from.pings;
  } else if (!from.has_method || !std::holds_alternative<mqtt::AuthView>(*decoded)) {
    from.is_broken = true;  // the end, or what a client may not say
  }
}

void ClientWatch::sent_connect(Connection& from, const mqtt::ConnectView& packet) {
  from.has_sent_connect = true;
  from.version = packet.version;
  from.clean_start = packet.clean_start;
  from.has_method = packet.properties.has(PropertyId::kAuthenticationMethod);
  from.receive_maximum = packet.properties.number(PropertyId::kReceiveMaximum).value_or(65535);
  from.maximum_packet_size = packet.properties.number(PropertyId::kMaximumPacketSize).value_or(256u << 20);
  from.topic_alias_maximum = packet.properties.number(PropertyId::kTopicAliasMaximum).value_or(0);
  from.tenant = options_.tenant_of(packet.client_id);
  // Whoever is given a Client Identifier is nobody else.
  from.session = packet.client_id.empty() ? "(" + std::to_string(from.client->number()) + ")" : packet.client_id;
  session(from).unanswered.insert(from.client->number());
  if (!packet.will) return;
  Publication will;
  will.tenant = from.tenant;
  will.topic = packet.will->topic;
  will.payload = as_text(packet.will->payload);
  will.earliest = step_;
  will.qos = packet.will->qos;
  will.is_will = true;
  will.number = ++publications_;
  publications_by_payload_.emplace(will.payload, will);
}

void ClientWatch::sent_publish(Connection& from, const mqtt::PublishView& packet, Now now) {
  std::string topic(packet.topic);
  if (const auto alias = packet.properties.number(PropertyId::kTopicAlias)) {
    if (topic.empty()) topic = from.aliases[*alias];
    from.aliases[*alias] = topic;
  }
  if (packet.qos != QoS::kAtMostOnce) {
    const PacketType answer = packet.qos == QoS::kAtLeastOnce ? PacketType::kPuback : PacketType::kPubrec;
    from.acknowledgements[answer].push_back(packet.packet_id);
  }
  Publication made;
  made.tenant = from.tenant;
  made.topic = std::move(topic);
  made.payload = as_text(packet.payload);
  made.session = from.session;
  made.connection = from.client->number();
  made.generation = from.is_connected ? session(from).generation : 0;
  made.number = ++publications_;
  made.earliest = step_;
  made.latest = is_prompt_ ? step_ : kForever;
  made.qos = packet.qos;
  if (const auto expiry = packet.properties.number(PropertyId::kMessageExpiryInterval); expiry && is_prompt_)
    made.expires_at = now.wall + Seconds(*expiry);
  publications_by_payload_.emplace(made.payload, made);
}

void ClientWatch::published_by_plugin(std::string_view topic, std::string_view payload, QoS qos) {
  Publication made;
  made.topic = topic;
  made.payload = payload;
  made.earliest = made.latest = ++step_;
  made.qos = qos;
  made.is_of_plugin = true;
  made.number = ++publications_;
  publications_by_payload_.emplace(made.payload, made);
}

void ClientWatch::sent_acknowledgement(Connection& from, const mqtt::AcknowledgementView& packet) {
  if (packet.type == PacketType::kPubrel) {
    from.acknowledgements[PacketType::kPubcomp].push_back(packet.packet_id);
    return;
  }
  WatchedSession& of = session(from);
  if (packet.type == PacketType::kPubrec) of.received.insert(packet.packet_id);
  const auto at = of.in_flight.find(packet.packet_id);
  if (!from.is_connected || at == of.in_flight.end()) {
    from.blind.insert(packet.packet_id);
    return;
  }
  const bool is_last = packet.type != PacketType::kPubrec || mqtt::is_error(packet.reason);
  if (!is_last) return;
  // The client says that it is done; if that was not its turn, the broker may send again.
  const bool is_regular = packet.type == PacketType::kPubcomp && from.released.contains(packet.packet_id);
  if (!is_regular) of.may_repeat.insert(at->second.payload);
  of.unreleased.erase(packet.packet_id);
  of.in_flight.erase(at);
  from.blind.insert(packet.packet_id);
}

void ClientWatch::sent_subscribe(Connection& from, const mqtt::SubscribeView& packet) {
  WatchedSession& of = session(from);
  Asked asked{PacketType::kSuback, packet.packet_id, {}, step_};
  for (const mqtt::SubscriptionRequestView& request : packet.requests) {
    asked.filters.emplace_back(request.filter);
    const auto parsed = mqtt::parse_topic_filter(request.filter);
    if (!parsed) continue;
    Subscription made;
    made.asked = request.filter;
    made.filter = parsed->filter;
    made.is_shared = parsed->is_shared();
    made.options = request.options;
    made.identifier = packet.properties.number(PropertyId::kSubscriptionIdentifier).value_or(0);
    made.connection = from.client->number();
    made.place = asked.filters.size() - 1;
    made.from = step_;
    of.was_shared |= made.is_shared;
    of.subscriptions.push_back(std::move(made));
  }
  from.asked.push_back(std::move(asked));
}

void ClientWatch::sent_unsubscribe(Connection& from, const mqtt::UnsubscribeView& packet) {
  Asked asked{PacketType::kUnsuback, packet.packet_id, {}, step_};
  for (const std::string_view filter : packet.filters) asked.filters.emplace_back(filter);
  from.asked.push_back(std::move(asked));
}

// ---- What the broker says -------------------------------------------------------------------------------------------

void ClientWatch::received(const TestClient& client, const Received& packet, Now now) {
  Connection& to = connection(client);
  ++step_;
  const auto frame = mqtt::next_frame(as_bytes(packet.bytes), packet.bytes.size());
  const auto decoded = mqtt::decode(**frame, to.version);
  if (!decoded) violated(to, std::string("what it received does not decode: ") + decoded.error().what);
  trace(to, "<-", *decoded);
  if (to.is_over) violated(to, "something was said after the end");
  if (packet.bytes.size() > to.maximum_packet_size) violated(to, "a packet above the Maximum Packet Size");
  if (std::holds_alternative<mqtt::AuthView>(*decoded)) {
    if (!to.has_method) violated(to, "AUTH without an Authentication Method [MQTT-4.12.0-6]");
    return;
  }
  const auto* connack = std::get_if<mqtt::ConnackView>(&*decoded);
  if ((connack != nullptr) == to.is_connected) violated(to, "CONNACK is first, and once [MQTT-3.2.0-1, MQTT-3.2.0-2]");
  if (connack != nullptr) return received_connack(to, *connack);
  if (const auto* publish = std::get_if<mqtt::PublishView>(&*decoded)) return received_publish(to, *publish, now);
  if (const auto* acknowledgement = std::get_if<mqtt::AcknowledgementView>(&*decoded))
    return received_acknowledgement(to, *acknowledgement);
  if (const auto* answer = std::get_if<mqtt::SubscriptionAcknowledgementView>(&*decoded))
    return received_answer(to, *answer);
  if (std::holds_alternative<mqtt::PingrespView>(*decoded)) {
    if (to.pings-- == 0) violated(to, "PINGRESP without PINGREQ");
    return;
  }
  if (!std::holds_alternative<mqtt::DisconnectView>(*decoded) || to.version != mqtt::ProtocolVersion::k5)
    violated(to, "a packet that a Server does not send");
  to.is_over = true;
}

/// Nothing of what was known of the session holds any more, but what this connection did.
void ClientWatch::forget(WatchedSession& of, std::size_t connection) {
  ++of.generation;
  of.in_flight.clear();
  of.unreleased.clear();
  of.seen.clear();
  of.may_repeat.clear();
  of.newest.clear();
  // Those it may have asked for before its CONNACK was read.
  std::erase_if(of.subscriptions, [&](const Subscription& each) {
    return each.connection != connection && !of.unanswered.contains(each.connection);
  });
}

void ClientWatch::received_connack(Connection& to, const mqtt::ConnackView& packet) {
  if (!to.has_sent_connect && packet.code == 0) violated(to, "CONNACK without CONNECT");
  if (packet.session_present && (packet.code != 0 || to.clean_start))
    violated(to, "Session Present with an error or a clean start [MQTT-3.2.2-2, MQTT-3.2.2-6]");
  WatchedSession& of = session(to);
  of.unanswered.erase(to.client->number());
  if (packet.code != 0) {
    to.is_over = true;
    return;
  }
  to.is_connected = true;
  for (auto& [number, other] : connections_) {
    if (!other.is_connected || other.session != to.session || &other == &to) continue;
    if (other.client->is_open() && to.client->is_open())
      violated(to, "connection " + std::to_string(number) + " of its session is open, too [MQTT-3.1.4-3]");
  }
  // 3.1 does not say whether there was a session; what is read late may be over.
  const bool is_unknown = (to.version == mqtt::ProtocolVersion::k31 && !to.clean_start) || to.is_slow;
  if (!packet.session_present && !is_unknown) {
    forget(of, to.client->number());
  } else if (is_unknown || !of.unanswered.empty()) {
    // Or somebody else had this one meanwhile, and ended it.
    const std::vector<Subscription> kept = of.subscriptions;
    forget(of, to.client->number());
    of.subscriptions = kept;
  }
  std::erase_if(of.unanswered, [&](std::size_t number) { return !connections_.at(number).client->is_open(); });
}

/// The topic that a Topic Alias of the broker stands for, or the packet's own.
std::string_view ClientWatch::topic_of(Connection& to, const mqtt::PublishView& packet) {
  const auto alias = packet.properties.number(PropertyId::kTopicAlias);
  if (!alias && packet.topic.empty()) violated(to, "a PUBLISH without a topic");
  if (!alias) return packet.topic;
  if (*alias == 0 || *alias > to.topic_alias_maximum)
    violated(to, "a Topic Alias that it does not take [MQTT-3.1.2-26, MQTT-3.1.2-27, MQTT-3.3.2-8]");
  std::string& topic = to.broker_aliases[*alias];
  if (!packet.topic.empty()) topic = packet.topic;
  if (topic.empty()) violated(to, "a Topic Alias that it does not know");
  return topic;
}

void ClientWatch::received_publish(Connection& to, const mqtt::PublishView& received, Now now) {
  ++deliveries_;
  mqtt::PublishView packet = received;
  packet.topic = topic_of(to, received);
  if (options_.is_forbidden(packet.topic)) violated(to, "a topic that nobody may receive");
  check_reason_to_deliver(to, packet, now);
  if (packet.qos == QoS::kAtMostOnce) return check_once_and_in_order(to, packet, false);
  WatchedSession& of = session(to);
  const bool is_known_id = packet.qos == QoS::kExactlyOnce && of.unreleased.contains(packet.packet_id);
  check_once_and_in_order(to, packet, is_known_id);
  check_in_flight(to, packet);
  const bool is_exactly_once = packet.qos == QoS::kExactlyOnce;
  if (is_exactly_once) of.unreleased.insert(packet.packet_id);
  to.owed.push_back({is_exactly_once ? PacketType::kPubrec : PacketType::kPuback, packet.packet_id});
}

void ClientWatch::check_reason_to_deliver(const Connection& to, const mqtt::PublishView& packet, Now now) {
  const auto [first, last] = publications_by_payload_.equal_range(std::string(as_text(packet.payload)));
  if (first == last) violated(to, "a payload that nobody sent");
  const bool is_allowed =
      std::any_of(first, last, [&](const auto& entry) { return may_deliver(to, entry.second, packet, now); });
  if (is_allowed) return;
  violated(to, "no reason to receive " + std::string(packet.topic) + " at QoS " +
                   std::to_string(static_cast<int>(packet.qos)) + ": " +
                   std::string(as_text(packet.payload).substr(0, 40)));
}

bool ClientWatch::may_deliver(const Connection& to, const Publication& publication, const mqtt::PublishView& packet,
                              Now now) {
  const bool has_topic =
      publication.topic == packet.topic && (publication.is_of_plugin || publication.tenant == to.tenant);
  if (!has_topic || packet.qos > publication.qos) return false;
  // What is sent again after a reconnect was sent first before it expired.
  if (publication.expires_at < now.wall && !packet.dup && !to.is_slow && is_prompt_) return false;
  if (publication.topic.starts_with("$SYS/") && !publication.is_of_plugin) return false;
  const WatchedSession& of = session(to);
  const bool is_own = publication.session == to.session && publication.generation == of.generation;
  QoS maximum = QoS::kAtMostOnce;
  bool is_wanted = false, is_for_others = true;
  std::set<std::uint32_t> identifiers;
  for (const Subscription& each : of.subscriptions) {
    // What waited for a shared subscription's group goes to whoever joins it.
    const bool is_in_time =
        each.until >= publication.earliest && (packet.retain || each.is_shared || each.from <= publication.latest);
    if (!is_in_time || !mqtt::matches(each.filter, packet.topic)) continue;
    is_wanted = true;
    is_for_others &= each.options.no_local;
    maximum = std::max(maximum, each.options.maximum_qos);
    identifiers.insert(each.identifier);
  }
  if (!is_wanted || packet.qos > maximum || (is_own && is_for_others)) return false;
  bool has_identifiers = true;
  packet.properties.for_each([&](const mqtt::PropertyView& property) {
    if (property.id == PropertyId::kSubscriptionIdentifier) has_identifiers &= identifiers.contains(property.number);
  });
  return has_identifiers;
}

void ClientWatch::check_in_flight(Connection& to, const mqtt::PublishView& packet) {
  WatchedSession& of = session(to);
  const std::string payload(as_text(packet.payload));
  const std::size_t number = to.client->number();
  if (const auto at = of.in_flight.find(packet.packet_id); at != of.in_flight.end()) {
    if (at->second.connection == number) violated(to, "a Packet Identifier in use twice [MQTT-2.2.1-4]");
    if (!packet.dup) violated(to, "sent again without DUP [MQTT-3.3.1-1]");
    if (at->second.payload != payload) violated(to, "another message under a Packet Identifier in use");
  }
  of.in_flight[packet.packet_id] = {payload, number, !to.blind.contains(packet.packet_id)};
  const auto in_flight = std::count_if(of.in_flight.begin(), of.in_flight.end(), [&](const auto& entry) {
    return entry.second.connection == number && entry.second.counts;
  });
  if (static_cast<std::size_t>(in_flight) > to.receive_maximum)
    violated(to, "more in flight than its Receive Maximum [MQTT-3.3.4-9]");
}

void ClientWatch::check_once_and_in_order(Connection& to, const mqtt::PublishView& packet, bool is_known_id) {
  WatchedSession& of = session(to);
  const std::string payload(as_text(packet.payload));
  const bool is_unknown = publications_by_payload_.count(payload) != 1;
  if (is_unknown || packet.retain || of.was_shared || is_known_id) return;
  const Publication& publication = publications_by_payload_.find(payload)->second;
  if (publication.is_will && was_killed_) return;
  if (!of.seen.insert(payload).second) {
    const bool may_repeat = packet.qos == QoS::kAtLeastOnce || of.may_repeat.contains(payload);
    if (!may_repeat || !packet.dup) violated(to, "the same message twice: " + payload);
    return;
  }
  if (publication.is_will || publication.is_of_plugin) return;
  const std::string stream = std::to_string(publication.connection) + " " +
                             std::to_string(static_cast<int>(publication.qos)) +
                             (packet.qos == QoS::kAtMostOnce ? " once " : " at least ") + publication.topic;
  std::uint64_t& newest = of.newest[stream];
  if (newest > publication.number) violated(to, "out of order: " + payload + " [MQTT-4.6.0-5]");
  newest = publication.number;
}

void ClientWatch::received_acknowledgement(Connection& to, const mqtt::AcknowledgementView& packet) {
  if (packet.type == PacketType::kPubrel) {
    WatchedSession& of = session(to);
    if (!of.received.contains(packet.packet_id)) violated(to, "PUBREL without PUBREC");
    of.unreleased.erase(packet.packet_id);
    to.released.insert(packet.packet_id);
    to.owed.push_back({PacketType::kPubcomp, packet.packet_id});
    return;
  }
  auto& due = to.acknowledgements[packet.type];
  if (due.empty() || due.front() != packet.packet_id)
    violated(to, "an acknowledgement of nothing, or out of order [MQTT-4.6.0-2, MQTT-4.6.0-3, MQTT-4.6.0-4]");
  due.pop_front();
  if (packet.type == PacketType::kPubrec && !mqtt::is_error(packet.reason))
    to.owed.push_back({PacketType::kPubrel, packet.packet_id});
}

void ClientWatch::received_answer(Connection& to, const mqtt::SubscriptionAcknowledgementView& packet) {
  if (to.asked.empty() || to.asked.front().answer != packet.type || to.asked.front().packet_id != packet.packet_id)
    violated(to, "SUBACK or UNSUBACK of nothing, or out of order [MQTT-3.8.4-2, MQTT-3.10.4-4]");
  const Asked asked = std::move(to.asked.front());
  to.asked.pop_front();
  const bool has_codes = packet.type == PacketType::kSuback || to.version == mqtt::ProtocolVersion::k5;
  if (has_codes && packet.codes.size() != asked.filters.size())
    violated(to, "not one Reason Code for each Topic Filter [MQTT-3.8.4-5, MQTT-3.11.3-1]");
  for (std::size_t i = 0; i < asked.filters.size(); ++i) {
    const bool is_refused = has_codes && packet.codes[i] >= 0x80;
    for (Subscription& each : session(to).subscriptions) {
      // Asked for again, it stands as it was asked for last; refused, it stands as before.
      if (each.asked != asked.filters[i] || each.until != kForever) continue;
      // Who waits for its turn has not subscribed yet.
      if (session(to).unanswered.contains(each.connection)) continue;
      const bool is_new = each.from == asked.at && each.place == i;
      const bool is_gone =
          packet.type == PacketType::kUnsuback ? each.from < asked.at : (is_refused ? is_new : each.from < asked.at);
      if (is_gone && !is_refused) each.until = step_;
      if (is_gone && is_refused) each.until = 0;
    }
  }
}

}  // namespace mortise::core::testing
