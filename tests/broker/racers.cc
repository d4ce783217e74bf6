#include "tests/broker/racers.h"

#include <array>

namespace mortise::broker_tests {

namespace {

using mqtt::PacketType;
using mqtt::QoS;

ConnectOptions options_of(const std::string& client_id, const std::string& user, std::uint32_t session_expiry,
                          bool clean_start, bool is_v5) {
  ConnectOptions options;
  options.client_id = client_id;
  options.user_name = user;
  options.password = "password of " + user;
  options.clean_start = clean_start;
  options.session_expiry = is_v5 ? session_expiry : 0;
  options.will_topic = "will/" + user;
  options.will_payload = "last words of " + user;
  options.will_qos = QoS::kAtLeastOnce;
  if (is_v5) options.user_properties = {{"tag", user}};
  return options;
}

mqtt::ProtocolVersion version_of(bool is_v5) { return is_v5 ? mqtt::ProtocolVersion::k5 : mqtt::ProtocolVersion::k311; }

/// A client that is asked nothing and has no Will.
std::unique_ptr<WireClient> helper(Course& course, const std::string& role) {
  auto client = std::make_unique<WireClient>(course.port);
  const std::string user = "helper-" + role + std::to_string(course.next_user++);
  course.witness.expect(user, {"helper-" + role, client->local_port(), 5, true, false});
  ConnectOptions options = options_of("helper-" + role, user, 0, true, true);
  options.will_topic.clear();
  CHECK(client->send_connect(options));
  CHECK(client->next_as<mqtt::ConnackView>()->code == 0);
  return client;
}

}  // namespace

// ---- Racer ----------------------------------------------------------------------------------------------------------

Racer::Racer(Course& course, const std::string& client_id, std::uint32_t session_expiry, bool clean_start, bool is_v5)
    : course_(course),
      client_id_(client_id),
      user_("user-" + std::to_string(course.next_user++)),
      client_(course.port, version_of(is_v5)) {
  const auto version = static_cast<std::uint64_t>(client_.version());
  course.witness.expect(user_, {client_id, client_.local_port(), version, is_v5, true});
  client_.send_connect(options_of(client_id, user_, session_expiry, clean_start, is_v5));
}

bool Racer::await_connack() {
  const std::optional<Packet> packet = client_.next();
  if (!packet) return false;
  if (packet->type != PacketType::kConnack) {
    course_.witness.complain(user_ + " was told something before CONNACK");
    return false;
  }
  const bool is_accepted = client_.decode_as<mqtt::ConnackView>(*packet)->code == 0;
  if (!is_accepted) course_.witness.see_refused(user_);
  return is_accepted;
}

void Racer::look_at(const Packet& packet) {
  if (packet.type != PacketType::kPublish) return;
  const auto message = client_.decode_as<mqtt::PublishView>(packet);
  const std::string payload(as_text(message->payload));
  if (message->topic != "flood" || payload != "for " + client_id_) {
    course_.witness.complain(user_ + " got " + std::string(message->topic) + ": " + payload);
  }
  if (++messages_ % 2 == 0 || message->qos == QoS::kAtMostOnce) return;
  client_.acknowledge(message->qos == QoS::kAtLeastOnce ? PacketType::kPuback : PacketType::kPubrec,
                      message->packet_id);
}

bool Racer::answers_ping() {
  client_.send(mqtt::PingreqView{});
  while (const std::optional<Packet> packet = client_.next()) {
    if (packet->type == PacketType::kPingresp) return true;
    look_at(*packet);
  }
  return false;
}

void Racer::read_messages(int count) {
  for (Packet packet; count > 0 && client_.read(packet, Millis(0)) == WireClient::Read::kPacket; --count) {
    look_at(packet);
  }
}

void Racer::leave_properly(std::uint32_t session_expiry) {
  mqtt::PropertyWriter properties;
  if (client_.version() == mqtt::ProtocolVersion::k5) {
    properties.put(mqtt::PropertyId::kSessionExpiryInterval, session_expiry);
  }
  mqtt::DisconnectView packet;
  packet.properties = properties.view();
  client_.send(packet);
  client_.drop();
}

// ---- Actor ----------------------------------------------------------------------------------------------------------

void Actor::run(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    // Those that were left come back in the very moment in which their session ends.
    if (!left_.empty() && steady_now() > left_.front().second + Millis(995)) {
      const std::string client_id = left_.front().first;
      left_.pop_front();
      round(client_id);
    } else {
      round(main_id());
    }
    if (i % 4 == 0) leave_to_expire(course_.client_ids[number_ * 2 + 1] + std::to_string(i / 4 % 64));
  }
}

void Actor::leave_to_expire(const std::string& client_id) {
  Racer racer(course_, client_id, 1, false, true);
  if (racer.await_connack()) racer.subscribe();
  racer.vanish(below(2) == 0);
  left_.emplace_back(client_id, steady_now());
}

void Actor::round(const std::string& client_id) {
  const std::array<std::uint32_t, 3> expiries = {1, 60, 0};
  {
    Racer first(course_, client_id, expiries[below(2)], false, below(4) != 0);
    if (first.await_connack()) {
      first.subscribe();
      if (below(2) == 0) first.publish();
      first.read_messages(static_cast<int>(below(8)));
    }
    first.vanish(below(2) == 0);
  }
  std::vector<std::unique_ptr<Racer>> three;
  for (int i = 0; i < 3; ++i) {
    three.push_back(std::make_unique<Racer>(course_, client_id, expiries[below(3)], below(16) == 0, below(4) != 0));
  }
  if (below(4) == 0) three[below(3)]->vanish(true);
  std::vector<Racer*> connected;
  for (const auto& racer : three) {
    if (racer->await_connack()) connected.push_back(racer.get());
  }
  // Every take-over is over now.
  int alive = 0;
  for (Racer* racer : connected) {
    if (!racer->answers_ping()) continue;
    ++alive;
    racer->subscribe();
    racer->publish();
    for (std::uint32_t churn = below(4); churn > 0; --churn) {
      racer->unsubscribe();
      racer->subscribe();
    }
    racer->read_messages(static_cast<int>(below(32)));
    if (below(8) == 0) racer->leave_properly(0);
  }
  most_alive_ = std::max(most_alive_, alive);
}

// ---- The others -----------------------------------------------------------------------------------------------------

void flood(Course& course) {
  const auto publisher = helper(course, "flood");
  std::size_t sent = 0, acknowledged = 0;
  while (!course.is_over) {
    if (sent - acknowledged < 32) {
      const std::string& client_id = course.client_ids[sent % course.client_ids.size()];
      const std::string name =
          sent % course.client_ids.size() % 2 == 0 ? client_id : client_id + std::to_string(sent % 64);
      const auto packet_id = static_cast<mqtt::PacketId>(sent % 60000 + 1);
      publisher->publish(name + "/flood", "for " + name, QoS::kAtLeastOnce, packet_id);
      ++sent;
      continue;
    }
    const std::optional<Packet> packet = publisher->next();
    if (!packet) return course.witness.complain("the flood was disconnected");
    if (packet->type == PacketType::kPuback) ++acknowledged;
  }
}

void watch(Course& course) {
  const auto watcher = helper(course, "watcher");
  watcher->subscribe("+/will/+", QoS::kAtMostOnce, 0, 1);
  watcher->subscribe("+/pub/+", QoS::kAtMostOnce, 0, 2);
  bool is_last = false;
  for (Packet packet; !is_last || watcher->read(packet, Millis(0)) == WireClient::Read::kPacket;) {
    if (!is_last && watcher->read(packet, Millis(50)) != WireClient::Read::kPacket) {
      is_last = course.is_over;
      continue;
    }
    if (packet.type != PacketType::kPublish) continue;
    const auto message = watcher->decode_as<mqtt::PublishView>(packet);
    const std::string_view topic = message->topic;
    const std::size_t first = topic.find('/'), last = topic.rfind('/');
    const std::string user(topic.substr(last + 1));
    if (topic.substr(first + 1, last - first - 1) == "will") {
      course.witness.see_will(topic.substr(0, first), user, as_text(message->payload));
    } else {
      course.witness.see_published(topic.substr(0, first), user, as_text(message->payload));
    }
  }
}

void end_sessions(Course& course) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < course.client_ids.size(); ++i) {
    for (int number = 0; number < 64; ++number) {
      all.push_back(i % 2 == 0 ? course.client_ids[i] : course.client_ids[i] + std::to_string(number));
      if (i % 2 == 0) break;
    }
  }
  for (const std::string& client_id : all) {
    for (bool is_connected = false; !is_connected;) {
      Racer racer(course, client_id, 0, true, true);
      is_connected = racer.await_connack();
      if (is_connected) racer.leave_properly(0);
    }
  }
}

}  // namespace mortise::broker_tests
