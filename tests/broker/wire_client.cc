#include "tests/broker/wire_client.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>

namespace mortise::broker_tests {

namespace {

using mqtt::PropertyId;

net::ClientStream connect_to(std::uint16_t port) {
  Result<net::ClientAddress> address = net::ClientAddress::resolve("127.0.0.1", port);
  CHECK(address);
  Result<net::ClientStream> stream = net::ClientStream::connect(*address, kPatience);
  CHECK(stream);
  return std::move(*stream);
}

}  // namespace

WireClient::WireClient(std::uint16_t port, mqtt::ProtocolVersion version)
    : stream_(connect_to(port)), version_(version) {}

std::uint16_t WireClient::local_port() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  CHECK(::getsockname(stream_.descriptor(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

bool WireClient::send_bytes(std::string_view bytes) {
  return stream_ && static_cast<bool>(stream_.write_all(bytes, kPatience));
}

bool WireClient::send_connect(const ConnectOptions& options) {
  mqtt::PropertyWriter properties, will_properties;
  if (options.session_expiry != 0) properties.put(PropertyId::kSessionExpiryInterval, options.session_expiry);
  if (options.topic_alias_maximum != 0) properties.put(PropertyId::kTopicAliasMaximum, options.topic_alias_maximum);
  for (const auto& [name, value] : options.user_properties) properties.put_pair(name, value);
  if (options.will_delay != 0) will_properties.put(PropertyId::kWillDelayInterval, options.will_delay);
  mqtt::ConnectView packet;
  packet.version = version_;
  packet.clean_start = options.clean_start;
  packet.client_id = options.client_id;
  packet.properties = properties.view();
  packet.user_name = options.user_name;
  if (options.password) packet.password = as_bytes(*options.password);
  if (!options.will_topic.empty()) {
    packet.will = mqtt::WillView{options.will_qos, options.will_retain, will_properties.view(), options.will_topic,
                                 as_bytes(options.will_payload)};
  }
  std::string bytes;
  mqtt::encode(bytes, packet);
  return send_bytes(bytes);
}

bool WireClient::subscribe(std::string_view filter, mqtt::QoS qos, std::uint32_t identifier, mqtt::PacketId packet_id) {
  mqtt::PropertyWriter properties;
  if (identifier != 0) properties.put(PropertyId::kSubscriptionIdentifier, identifier);
  mqtt::SubscribeView packet;
  packet.packet_id = packet_id;
  packet.properties = properties.view();
  mqtt::SubscriptionOptions options;
  options.maximum_qos = qos;
  packet.requests.push_back({filter, options});
  return send(packet);
}

bool WireClient::unsubscribe(std::string_view filter, mqtt::PacketId packet_id) {
  mqtt::UnsubscribeView packet;
  packet.packet_id = packet_id;
  packet.filters.push_back(filter);
  return send(packet);
}

bool WireClient::publish(std::string_view topic, std::string_view payload, mqtt::QoS qos, mqtt::PacketId packet_id,
                         bool retain, const mqtt::PropertyWriter* properties) {
  return send_bytes(publish_bytes(version_, topic, payload, qos, packet_id, retain, properties));
}

bool WireClient::acknowledge(mqtt::PacketType type, mqtt::PacketId packet_id) {
  mqtt::AcknowledgementView packet;
  packet.type = type;
  packet.packet_id = packet_id;
  return send(packet);
}

WireClient::Read WireClient::read(Packet& packet, Millis patience) {
  const SteadyTime deadline = steady_now() + patience;
  for (;;) {
    const auto frame = mqtt::next_frame(as_bytes(unread_), 256u << 20);
    CHECK(frame);
    if (frame->has_value()) {
      packet = {(*frame)->type, unread_.substr(0, (*frame)->size)};
      unread_.erase(0, (*frame)->size);
      return Read::kPacket;
    }
    if (!stream_) return Read::kEnded;
    if (!stream_.wait_readable(deadline)) return Read::kNothingYet;
    std::array<std::uint8_t, 65536> buffer;  // NOLINT: filled by the read
    const net::Transfer got = stream_.read(buffer);
    if (got.status == net::Transfer::Status::kDone) unread_.append(as_text(ByteView(buffer.data(), got.bytes)));
    if (got.status == net::Transfer::Status::kEnded || got.status == net::Transfer::Status::kFailed) stream_.close();
  }
}

std::optional<Packet> WireClient::next() {
  Packet packet;
  const Read result = read(packet);
  CHECK(result != Read::kNothingYet);
  if (result == Read::kEnded) return std::nullopt;
  return packet;
}

void WireClient::drop(bool abruptly) {
  if (stream_ && abruptly) {
    const linger reset{1, 0};
    ::setsockopt(stream_.descriptor(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  stream_.close();
}

std::string publish_bytes(mqtt::ProtocolVersion version, std::string_view topic, std::string_view payload,
                          mqtt::QoS qos, mqtt::PacketId packet_id, bool retain,
                          const mqtt::PropertyWriter* properties) {
  mqtt::PublishView packet;
  packet.topic = topic;
  packet.payload = as_bytes(payload);
  packet.qos = qos;
  packet.packet_id = packet_id;
  packet.retain = retain;
  if (properties != nullptr) packet.properties = properties->view();
  std::string bytes;
  mqtt::encode(bytes, packet, version);
  return bytes;
}

}  // namespace mortise::broker_tests
