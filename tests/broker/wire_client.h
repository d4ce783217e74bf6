#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/mqtt/decode.h"
#include "broker/mqtt/encode.h"
#include "broker/net/client_stream.h"

namespace mortise::broker_tests {

/// How long a test waits for something that must happen.
inline constexpr Seconds kPatience{60};

/// One packet as it came.
struct Packet {
  mqtt::PacketType type = mqtt::PacketType::kConnect;
  std::string bytes;
};

/// A packet of a type, decoded. `view` looks into `bytes`.
template <class View>
struct Decoded {
  std::shared_ptr<const std::string> bytes;
  View view;
  const View* operator->() const noexcept { return &view; }
};

struct ConnectOptions {
  std::string client_id;
  std::optional<std::string> user_name, password;
  bool clean_start = true;
  std::uint32_t session_expiry = 0;
  std::string will_topic, will_payload;  // without a topic: no Will
  mqtt::QoS will_qos = mqtt::QoS::kAtMostOnce;
  bool will_retain = false;
  std::uint32_t will_delay = 0;
  std::uint16_t topic_alias_maximum = 0;
  std::vector<std::pair<std::string, std::string>> user_properties;
};

/// A client that is as good or bad as a test wants it: one TCP connection, whole packets, nothing said by itself.
class WireClient {
 public:
  explicit WireClient(std::uint16_t port, mqtt::ProtocolVersion version = mqtt::ProtocolVersion::k5);

  mqtt::ProtocolVersion version() const noexcept { return version_; }
  std::uint16_t local_port() const;

  /// False: the broker has ended the connection.
  bool send_bytes(std::string_view bytes);
  template <class View>
  bool send(const View& packet) {
    std::string bytes;
    mqtt::encode(bytes, packet, version_);
    return send_bytes(bytes);
  }
  bool send_connect(const ConnectOptions& options);
  bool subscribe(std::string_view filter, mqtt::QoS qos, std::uint32_t identifier = 0, mqtt::PacketId packet_id = 1);
  bool unsubscribe(std::string_view filter, mqtt::PacketId packet_id = 1);
  bool publish(std::string_view topic, std::string_view payload, mqtt::QoS qos = mqtt::QoS::kAtMostOnce,
               mqtt::PacketId packet_id = 0, bool retain = false, const mqtt::PropertyWriter* properties = nullptr);
  bool acknowledge(mqtt::PacketType type, mqtt::PacketId packet_id);

  enum class Read : std::uint8_t { kPacket, kEnded, kNothingYet };
  /// The next packet, waiting at most so long for it.
  Read read(Packet& packet, Millis patience = kPatience);
  /// The next packet; nothing when the connection has ended. Ends the program when neither comes.
  std::optional<Packet> next();
  /// The next packet, which must be of this kind.
  template <class View>
  Decoded<View> next_as() {
    std::optional<Packet> packet = next();
    CHECK(packet);
    return decode_as<View>(*std::move(packet));
  }
  template <class View>
  Decoded<View> decode_as(Packet packet) const {
    auto bytes = std::make_shared<const std::string>(std::move(packet.bytes));
    const auto frame = mqtt::next_frame(as_bytes(*bytes), bytes->size());
    CHECK(frame && frame->has_value());
    auto decoded = mqtt::decode(**frame, version_);
    CHECK(decoded && std::holds_alternative<View>(*decoded));
    return {bytes, std::get<View>(std::move(*decoded))};
  }

  /// Closes; `abruptly`: with a reset, and what was not read is lost.
  void drop(bool abruptly = false);

 private:
  net::ClientStream stream_;
  mqtt::ProtocolVersion version_;
  std::string unread_;
};

/// A PUBLISH as it is on the wire.
std::string publish_bytes(mqtt::ProtocolVersion version, std::string_view topic, std::string_view payload,
                          mqtt::QoS qos = mqtt::QoS::kAtMostOnce, mqtt::PacketId packet_id = 0, bool retain = false,
                          const mqtt::PropertyWriter* properties = nullptr);

}  // namespace mortise::broker_tests
