#include <algorithm>
#include <charconv>

#include "broker/mqtt/topic.h"
#include "model.h"

// Whether a client may be sent this PUBLISH, in this form.

namespace mortise::simulation {

using mqtt::PropertyId;
using mqtt::QoS;

void Model::received_publish(Link& to, const mqtt::PublishView& packet, Now now) {
  if (packet.payload.empty()) return check_clear(to, packet);
  const std::string_view payload = as_text(packet.payload);
  int number = 0;
  std::from_chars(payload.data() + 1, payload.data() + payload.size(), number);
  const auto at = messages_.find(number);
  if (at == messages_.end() || at->second.payload != payload) return violated(to, "a payload that nobody sent");
  const Message& message = at->second;
  if (message.topic != packet.topic) violated(to, "another topic than that of " + describe(message));
  if (message.is_will) check_will(to, message, now);
  Session& of = session(to);
  if (packet.qos == QoS::kExactlyOnce) {
    const auto [known, is_new] = of.unreleased.emplace(packet.packet_id, number);
    if (!is_new && known->second == number) return;  // again, and the client knows
    if (!is_new) violated(to, "a Packet Identifier that is not released, for " + describe(message));
  }
  const Reason reason = reason_for(of, message);
  check_copy(to, message, packet, reason);
  check_expiry(to, message, packet, now);
  check_repetition(to, message, packet, reason, now);
  note_copy(to, message, packet, reason);
}

/// Empty payloads look alike: one of those that were sent to the topic must be the reason.
void Model::check_clear(const Link& to, const mqtt::PublishView& packet) {
  const Session& of = session(to);
  for (const int number : retained_[std::string(packet.topic)]) {
    const Message& message = messages_.at(number);
    if (!message.payload.empty() || packet.qos > message.qos) continue;
    const Reason reason = reason_for(of, message);
    if (reason.live && packet.qos <= reason.most && (!packet.retain || reason.may_be_retained)) return;
  }
  violated(to, "an empty message to " + std::string(packet.topic) + ", for no reason");
}

void Model::check_will(const Link& to, const Message& will, Now now) {
  if (will.must_not_come) violated(to, "a Will that was taken back: " + describe(will) + " [MQTT-3.1.2-10]");
  if (will.first_sent == kNeverStep) violated(to, "the Will of a client that is connected: " + describe(will));
  for (const PendingWill& pending : wills_) {
    if (pending.number == will.number && !pending.is_contested && pending.due_first > now.wall)
      violated(to, "a Will before its delay is over: " + describe(will) + " [MQTT-3.1.3-9]");
  }
}

bool Model::may_be_current(const Message& message, const Subscription& by) const {
  if (!message.retain || (!message.has_varied && message.expires_last() < by.asked_at)) return false;
  const auto at = retained_.find(message.topic);
  if (at == retained_.end()) return false;
  return std::none_of(at->second.begin(), at->second.end(), [&](int number) {
    const Message& other = messages_.at(number);
    return other.number != message.number && other.first_sent != kNeverStep &&
           other.first_sent > message.last_possible && other.surely_retained < by.from;
  });
}

Model::Reason Model::reason_for(const Session& of, const Message& message) const {
  Reason reason;
  for (const Subscription& each : of.subscriptions) {
    if (each.surely_until < message.first_sent || !mqtt::matches(each.filter, message.topic)) continue;
    if (each.options.no_local && message.publisher == of.client_id) continue;
    if (each.is_shared) reason.groups.insert(each.asked);
    reason.shared |= each.is_shared;
    const bool is_live = each.is_shared || each.from <= message.last_possible;
    const bool is_replay = each.may_replay && may_be_current(message, each);
    if (!is_live && !is_replay) continue;
    reason.live |= is_live;
    reason.replay |= is_replay;
    reason.most = std::max(reason.most, each.options.maximum_qos);
    reason.identifiers.insert(each.identifier);
    const bool is_sure = each.is_sure(message.first_sent);
    reason.is_certain &= is_sure && !each.is_shared;
    const bool is_as_published = message.retain && each.options.retain_as_published;
    reason.may_be_retained |= is_live && is_as_published;
    reason.sure_retained |= is_sure && is_as_published && !each.is_shared;
  }
  return reason;
}

void Model::check_copy(const Link& to, const Message& message, const mqtt::PublishView& packet, const Reason& reason) {
  const std::string of = describe(message);
  if (!reason.live && !reason.replay) violated(to, "no reason to receive " + of);
  if (packet.qos > std::min(message.qos, reason.most)) violated(to, "a higher QoS than was asked for: " + of);
  if (packet.retain && !reason.replay && !reason.may_be_retained)
    violated(to, "RETAIN without a reason: " + of + " [MQTT-3.3.1-8, MQTT-3.3.1-9, MQTT-3.3.1-12]");
  if (!packet.retain && !reason.live) violated(to, "a retained message without RETAIN: " + of + " [MQTT-3.3.1-8]");
  if (!packet.retain && reason.sure_retained && !reason.shared)
    violated(to, "RETAIN is lost: " + of + " [MQTT-3.3.1-13]");
  std::multiset<std::uint32_t> identifiers;
  packet.properties.for_each([&](const mqtt::PropertyView& property) {
    if (property.id == PropertyId::kSubscriptionIdentifier) identifiers.insert(property.number);
  });
  if (!std::includes(reason.identifiers.begin(), reason.identifiers.end(), identifiers.begin(), identifiers.end()))
    violated(to, "a Subscription Identifier of no subscription that matches: " + of + " [MQTT-3.3.4-3]");
  if (!reason.is_certain || reason.replay) return;
  if (packet.qos != std::min(message.qos, reason.most))
    violated(to, "not the highest QoS of all that match: " + of + " [MQTT-3.3.4-2]");
  std::multiset<std::uint32_t> expected = reason.identifiers;
  expected.erase(0);
  if (to.version == mqtt::ProtocolVersion::k5 && identifiers != expected)
    violated(to, "not all Subscription Identifiers: " + of + " [MQTT-3.3.4-3, MQTT-3.3.4-4]");
}

void Model::check_expiry(const Link& to, const Message& message, const mqtt::PublishView& packet, Now now) {
  if (message.has_varied) return;
  const auto said = packet.properties.number(PropertyId::kMessageExpiryInterval);
  if (to.version == mqtt::ProtocolVersion::k5 && said.has_value() != message.expiry.has_value())
    violated(to, "its Message Expiry Interval is lost or made up: " + describe(message));
  if (!message.expiry || to.is_slow) return;
  if (!packet.dup && message.expires_last() != kNeverWall && message.expires_last() + Seconds(1) < now.wall)
    violated(to, "it had expired: " + describe(message) + " [MQTT-3.3.2-5]");
  if (!said || message.is_will) return;  // whose lifetime begins when it is published, after a restart perhaps again
  const auto left = [&](WallTime until) {
    return std::max<std::int64_t>(std::chrono::duration_cast<Seconds>(until - now.wall).count(), 0);
  };
  const std::int64_t most = message.expires_last() == kNeverWall ? *message.expiry : left(message.expires_last()) + 1;
  if (*said > most || *said + 1 < left(message.expires_first()))
    violated(to, "a Message Expiry Interval of " + std::to_string(*said) + " s for " + describe(message) + ", not " +
                     std::to_string(left(message.expires_first())) + " to " + std::to_string(most) + " [MQTT-3.3.2-6]");
}

void Model::check_repetition(Link& to, const Message& message, const mqtt::PublishView& packet, const Reason& reason,
                             Now now) {
  Session& of = session(to);
  Got& got = of.got[message.number];
  const bool is_first = got.times++ == 0;
  if (packet.retain && reason.replay) {
    got.replayed = step_;
    return;
  }
  if (is_first && packet.dup && !reason.shared && of.last_online <= message.first_sent)
    violated(to, "DUP on what was never sent to it: " + describe(message) + " [MQTT-3.3.1-3]");
  const bool was_live = got.live > 0;
  got.live += was_live && packet.dup ? 0 : 1;
  if (reason.shared || of.was_shared) return;
  if (was_live) {
    // Refused, and sent again by who was cut off before hearing of it, it is another message to those who had room.
    const bool is_again =
        got.live <= message.times && (message.qos == QoS::kAtLeastOnce || message.is_will || has_refusals_);
    const bool is_repeated = packet.qos == QoS::kAtLeastOnce && packet.dup;
    if (!is_again && !is_repeated) violated(to, "received twice: " + describe(message) + " [MQTT-4.3.3-2]");
    return;
  }
  // After a kill what had expired may be there again, and is taken for what was sent.
  const bool may_be_late = packet.dup && message.expires_first() <= now.wall;
  if (message.times > 1 || message.is_will || may_be_late) return;
  int& newest = of.newest[message.publisher + "/" + message.topic + "/" +
                          std::to_string(static_cast<int>(message.qos) * 3 + static_cast<int>(packet.qos))];
  if (newest > message.number)
    violated(to,
             "after message " + std::to_string(newest) + ", out of order: " + describe(message) + " [MQTT-4.6.0-5]");
  newest = message.number;
}

/// A duty is done; and of a shared subscription only one client gets a message.
void Model::note_copy(Link& to, const Message& message, const mqtt::PublishView& packet, const Reason& reason) {
  Session& of = session(to);
  duties_ += of.owed.erase(message.number);
  for (const std::string& group : reason.groups) reached_[group].insert(message.number);
  const bool is_of_one_group = reason.groups.size() == 1 && reason.identifiers.size() == 1;
  if (!is_of_one_group || packet.qos != QoS::kExactlyOnce) return;
  auto& clients = shared_copies_[*reason.groups.begin()][message.number];
  clients.insert(to.session);
  if (clients.size() > 1 && message.times == 1)
    violated(to, "two members of " + *reason.groups.begin() + " received " + describe(message));
}

}  // namespace mortise::simulation
