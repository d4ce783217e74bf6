#include <algorithm>

#include "broker/base/check.h"
#include "world.h"

// What the clients do. They behave well: what they send is allowed at that moment, and what is sent again is what was
// sent before.

namespace mortise::simulation {

using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::QoS;

namespace {

constexpr std::size_t kInFlightMax = 8;
constexpr std::uint32_t kIntervals[] = {1, 5, 60, 3600, 86'400};

void put_if(mqtt::PropertyWriter& properties, PropertyId id, std::uint32_t number) {
  if (number != 0) properties.put(id, number);
}

}  // namespace

bool World::can_say(const Device& device) const {
  return device.connection != nullptr && device.is_connected && !device.has_left && device.connection->is_open();
}

/// Mostly in one piece; else in several, and sometimes the stream ends somewhere in it. False: not all of it was said.
bool World::say(Device& device, std::string_view bytes) {
  if (device.connection == nullptr || !device.connection->is_open()) return false;
  device.said_at = broker_->now().wall;
  if (is_finishing_ || chance(85)) {
    device.connection->send(bytes);
    return true;
  }
  const bool is_cut = chance(8);
  if (is_cut) bytes = bytes.substr(0, below(bytes.size()));
  while (!bytes.empty()) {
    const std::size_t size = 1 + below(bytes.size());
    device.connection->send(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  if (is_cut) device.connection->drop();
  return !is_cut;
}

// ---- Connections ----------------------------------------------------------------------------------------------------

void World::connect(Device& device) {
  static constexpr mqtt::ProtocolVersion kVersions[] = {mqtt::ProtocolVersion::k5, mqtt::ProtocolVersion::k5,
                                                        mqtt::ProtocolVersion::k311, mqtt::ProtocolVersion::k31};
  static constexpr std::uint32_t kReceiveMaxima[] = {0, 0, 1, 2, 10};
  static constexpr std::uint32_t kExpiries[] = {0, 0, 1, 60, 3600, 86'400, 0xFFFFFFFF};
  if (device.connection != nullptr && device.connection->is_open() && !chance(8)) return;
  const auto version = pick(kVersions);
  mqtt::ConnectView packet;
  packet.version = version;
  packet.clean_start = chance(20);
  const bool is_taking_over = device.connection != nullptr && device.connection->is_open();
  if (version == mqtt::ProtocolVersion::k31 && (is_taking_over || !model_.is_sure(device.id, broker_->now())))
    packet.clean_start = true;
  device.expects_session = version == mqtt::ProtocolVersion::k31 && !packet.clean_start;
  packet.keep_alive = chance(15) ? static_cast<std::uint16_t>(1 + below(60)) : std::uint16_t{0};
  mqtt::PropertyWriter properties, will_properties;
  const std::uint32_t expiry = pick(kExpiries);
  device.may_change_expiry = expiry != 0;
  put_if(properties, PropertyId::kSessionExpiryInterval, expiry);
  put_if(properties, PropertyId::kReceiveMaximum, pick(kReceiveMaxima));
  if (chance(5)) properties.put(PropertyId::kMaximumPacketSize, std::uint32_t{200});
  packet.properties = properties.view();
  const std::string will_topic = topic(), payload = new_payload();
  if (chance(35)) {
    if (chance(60)) put_if(will_properties, PropertyId::kWillDelayInterval, pick(kIntervals));
    if (chance(30)) put_if(will_properties, PropertyId::kMessageExpiryInterval, pick(kIntervals));
    packet.will =
        mqtt::WillView{static_cast<QoS>(below(3)), chance(30), will_properties.view(), will_topic, as_bytes(payload)};
  }
  open(device, packet);
}

/// For the rest of its life: to receive what there is.
void World::connect_back(Device& device) {
  mqtt::ConnectView packet;
  mqtt::PropertyWriter properties;
  properties.put(PropertyId::kSessionExpiryInterval, std::uint32_t{3600});
  packet.properties = properties.view();
  device.expects_session = false;
  open(device, packet);
}

void World::open(Device& device, mqtt::ConnectView& packet) {
  packet.client_id = device.id;
  // Whoever has something to send again must know that it is the same session.
  if (!device.in_flight.empty() && !model_.is_sure(device.id, broker_->now())) packet.clean_start = true;
  if (device.connection != nullptr) device.older.push_back(device.connection);
  device.connection = &broker_->client(packet.version);
  device.is_connected = device.has_left = false;
  device.keep_alive = packet.keep_alive;
  device.aliases.assign(5, "");
  std::string bytes;
  mqtt::encode(bytes, packet);
  if (say(device, bytes) && packet.clean_start) device.in_flight.clear();  // MQTT-3.1.2-4
}

void World::leave(Device& device) {
  if (!can_say(device)) return;
  const bool is_v5 = device.connection->version() == mqtt::ProtocolVersion::k5;
  mqtt::DisconnectView packet;
  mqtt::PropertyWriter properties;
  if (is_v5 && chance(25)) packet.reason = mqtt::ReasonCode::kDisconnectWithWillMessage;
  if (is_v5 && chance(30) && device.may_change_expiry)
    properties.put(PropertyId::kSessionExpiryInterval, chance(30) ? std::uint32_t{0} : pick(kIntervals));
  packet.properties = properties.view();
  send(device, packet);
  device.has_left = true;
}

void World::drop(Device& device) {
  if (device.connection != nullptr) device.connection->drop();
  device.connection = nullptr;
  device.is_connected = false;
}

void World::stop_reading(Device& device) {
  if (device.connection == nullptr) return;
  watch_.expect_slowness(*device.connection);
  watch_.expect_delays();  // nobody reads what it says, either
  device.connection->takes_bytes = false;
  model_.expect_slowness(*device.connection);
}

void World::read_on(Device& device) {
  if (device.connection != nullptr) device.connection->read_on();
}

void World::ping(Device& device) {
  if (can_say(device)) send(device, mqtt::PingreqView{});
}

// ---- Subscriptions --------------------------------------------------------------------------------------------------

std::string World::topic() {
  static constexpr const char* kTopics[] = {"a", "a/b", "a/c", "b", "b/c/d", "$x/a"};
  return pick(kTopics);
}

std::string World::filter() {
  static constexpr const char* kFilters[] = {"a",    "a/b", "#",          "a/+",          "a/#",          "+/b",
                                             "b",    "+",   "b/c/d",      "$x/#",         "+/+/d",        "b/#",
                                             "$x/a", "+/c", "$share/g/#", "$share/g/a/+", "$share/h/a/b", "$share/h/b"};
  return pick(kFilters);
}

void World::subscribe(Device& device) {
  if (!can_say(device)) return;
  const bool is_v5 = device.connection->version() == mqtt::ProtocolVersion::k5;
  std::vector<std::string> filters;
  for (std::uint64_t left = 1 + below(3); left > 0; --left) {
    std::string one = filter();
    if (std::find(filters.begin(), filters.end(), one) == filters.end()) filters.push_back(std::move(one));
  }
  mqtt::SubscribeView packet;
  packet.packet_id = new_packet_id(device);
  for (const std::string& one : filters) {
    mqtt::SubscriptionRequestView request;
    request.filter = one;
    request.options.maximum_qos = static_cast<QoS>(below(3));
    if (is_v5) {
      request.options.no_local = chance(25) && !one.starts_with("$share");
      request.options.retain_as_published = chance(25);
      request.options.retain_handling = static_cast<mqtt::RetainHandling>(below(3));
    }
    packet.requests.push_back(request);
  }
  mqtt::PropertyWriter properties;
  if (is_v5 && chance(40))
    properties.put(PropertyId::kSubscriptionIdentifier, static_cast<std::uint32_t>(1 + below(4)));
  packet.properties = properties.view();
  send(device, packet);
}

void World::unsubscribe(Device& device) {
  if (!can_say(device)) return;
  const std::string first = filter(), second = filter();
  mqtt::UnsubscribeView packet;
  packet.packet_id = new_packet_id(device);
  packet.filters.push_back(first);
  if (second != first && chance(40)) packet.filters.push_back(second);
  send(device, packet);
}

// ---- Messages -------------------------------------------------------------------------------------------------------

mqtt::PacketId World::new_packet_id(Device& device) {
  const auto is_in_use = [&](mqtt::PacketId id) {
    return std::any_of(device.in_flight.begin(), device.in_flight.end(),
                       [id](const Outgoing& each) { return each.packet_id == id; });
  };
  do {
    device.last_packet_id = static_cast<mqtt::PacketId>(device.last_packet_id % 40 + 1);
  } while (is_in_use(device.last_packet_id));
  return device.last_packet_id;
}

/// Each one differs; long ones are referenced instead of copied.
std::string World::new_payload() {
  std::string payload = "m" + std::to_string(++numbers_) + ".";
  if (chance(5)) payload.append(5000, 'x');
  return payload;
}

void World::publish(Device& device) {
  if (!can_say(device)) return;
  Outgoing made;
  made.topic = topic();
  made.qos = static_cast<QoS>(below(3));
  if (made.qos != QoS::kAtMostOnce && device.in_flight.size() >= kInFlightMax) return;
  made.retain = chance(25);
  if (!made.retain || !chance(20)) made.payload = new_payload();
  if (device.connection->version() == mqtt::ProtocolVersion::k5 && chance(30)) made.expiry = pick(kIntervals);
  if (made.qos != QoS::kAtMostOnce) {
    made.packet_id = new_packet_id(device);
    device.in_flight.push_back(made);
  }
  send_outgoing(device, made, false);
}

void World::send_outgoing(Device& device, const Outgoing& outgoing, bool dup) {
  mqtt::PublishView packet;
  packet.topic = outgoing.topic;
  packet.payload = as_bytes(outgoing.payload);
  packet.qos = outgoing.qos;
  packet.retain = outgoing.retain;
  packet.dup = dup;
  packet.packet_id = outgoing.packet_id;
  mqtt::PropertyWriter properties;
  if (device.connection->version() == mqtt::ProtocolVersion::k5) {
    put_if(properties, PropertyId::kMessageExpiryInterval, outgoing.expiry);
    if (chance(15)) {
      const auto alias = static_cast<std::uint32_t>(1 + below(4));
      properties.put(PropertyId::kTopicAlias, alias);
      if (device.aliases[alias] == outgoing.topic && chance(80)) packet.topic = {};
      device.aliases[alias] = outgoing.topic;
    }
  }
  packet.properties = properties.view();
  send(device, packet);
}

void World::acknowledge_some(Device& device) {
  if (can_say(device)) acknowledge(device, 1 + below(chance(50) ? 3 : 30));
}

/// Acknowledgements of one kind in their order, kinds in any.
void World::acknowledge(Device& device, std::size_t most) {
  for (; most > 0 && can_say(device); --most) {
    auto& owed = watch_.owed(*device.connection);
    if (owed.empty()) return;
    const PacketType type = owed[below(owed.size())].type;
    const auto at = std::find_if(owed.begin(), owed.end(), [type](const auto& each) { return each.type == type; });
    mqtt::AcknowledgementView packet;
    packet.type = type;
    packet.packet_id = at->packet_id;
    owed.erase(at);
    send(device, packet);
    take(device);
  }
}

// ---- What they receive ----------------------------------------------------------------------------------------------

/// What was acknowledged, on whatever connection.
void World::take_acknowledgement(Device& device, TestClient& from) {
  const PacketType type = from.next_type();
  if (type == PacketType::kConnack) {
    // It came too late for the client to go on with this connection, which knows of no session before it.
    const auto packet = from.next_as<mqtt::ConnackView>();
    const bool is_new = packet.code == 0 && !packet.session_present && from.version() != mqtt::ProtocolVersion::k31;
    if (is_new) device.in_flight.clear();
    return;
  }
  if (type != PacketType::kPuback && type != PacketType::kPubrec && type != PacketType::kPubcomp) {
    from.next();
    return;
  }
  const auto packet = from.next_as<mqtt::AcknowledgementView>();
  const auto at = std::find_if(device.in_flight.begin(), device.in_flight.end(),
                               [&](const Outgoing& each) { return each.packet_id == packet.packet_id; });
  if (at == device.in_flight.end()) return;
  if (type == PacketType::kPubrec && !mqtt::is_error(packet.reason)) {
    at->is_released = true;
  } else {
    device.in_flight.erase(at);
  }
}

void World::take(Device& device) {
  for (TestClient* older : device.older) {
    while (older->has_next()) take_acknowledgement(device, *older);
  }
  std::erase_if(device.older, [](const TestClient* older) { return !older->is_open(); });
  while (device.connection != nullptr && device.connection->has_next()) {
    if (device.connection->next_type() == PacketType::kConnack) {
      greeted(device, device.connection->next_as<mqtt::ConnackView>());
    } else {
      take_acknowledgement(device, *device.connection);
    }
  }
  if (device.connection == nullptr || device.connection->is_open()) return;
  device.connection = nullptr;
  device.is_connected = false;
}

void World::greeted(Device& device, const mqtt::ConnackView& packet) {
  if (packet.code != 0) return;
  device.is_connected = true;
  device.said_at = broker_->now().wall;
  if (!packet.session_present && !device.expects_session) return device.in_flight.clear();
  // MQTT-4.4.0-1: what was not acknowledged is sent again, in order.
  const std::vector<Outgoing> again = device.in_flight;
  for (const Outgoing& each : again) {
    if (!each.is_released) {
      send_outgoing(device, each, true);
      continue;
    }
    mqtt::AcknowledgementView release;
    release.type = PacketType::kPubrel;
    release.packet_id = each.packet_id;
    send(device, release);
  }
}

}  // namespace mortise::simulation
