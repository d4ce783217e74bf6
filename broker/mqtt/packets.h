#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/mqtt/property.h"
#include "broker/mqtt/reason_code.h"
#include "broker/mqtt/types.h"

/// Every Control Packet as views into the bytes it was decoded from (or is encoded from): for the call only. Fields
/// that only 5.0 has keep their defaults for 3.1 and 3.1.1.
namespace mortise::mqtt {

struct WillView {
  QoS qos = QoS::kAtMostOnce;
  bool retain = false;
  PropertiesView properties;
  std::string_view topic;
  ByteView payload;
};

struct ConnectView {
  ProtocolVersion version = ProtocolVersion::k5;
  bool clean_start = false;
  std::uint16_t keep_alive = 0;  // seconds; 0: none
  std::string_view client_id;
  PropertiesView properties;
  std::optional<WillView> will;
  std::optional<std::string_view> user_name;
  std::optional<ByteView> password;
};

struct ConnackView {
  bool session_present = false;
  std::uint8_t code = 0;  // a ReasonCode in 5.0, a ConnectReturnCode in 3.1 and 3.1.1
  PropertiesView properties;
};

struct PublishView {
  bool dup = false;
  QoS qos = QoS::kAtMostOnce;
  bool retain = false;
  PacketId packet_id = 0;  // 0 at QoS 0
  std::string_view topic;  // empty when a Topic Alias stands for it
  PropertiesView properties;
  ByteView payload;
};

/// PUBACK, PUBREC, PUBREL and PUBCOMP: they differ in their type alone.
struct AcknowledgementView {
  PacketType type = PacketType::kPuback;
  PacketId packet_id = 0;
  ReasonCode reason = ReasonCode::kSuccess;
  PropertiesView properties;
};

struct SubscriptionRequestView {
  std::string_view filter;  // as sent, `$share/...` included; its UTF-8 is valid, its form is not checked yet
  SubscriptionOptions options;
};

struct SubscribeView {
  PacketId packet_id = 0;
  PropertiesView properties;
  std::vector<SubscriptionRequestView> requests;
};

struct UnsubscribeView {
  PacketId packet_id = 0;
  PropertiesView properties;
  std::vector<std::string_view> filters;
};

/// SUBACK and UNSUBACK (whose codes are absent in 3.1 and 3.1.1).
struct SubscriptionAcknowledgementView {
  PacketType type = PacketType::kSuback;
  PacketId packet_id = 0;
  PropertiesView properties;
  ByteView codes;
};

struct PingreqView {};
struct PingrespView {};

struct DisconnectView {
  ReasonCode reason = ReasonCode::kSuccess;
  PropertiesView properties;
};

struct AuthView {
  ReasonCode reason = ReasonCode::kSuccess;
  PropertiesView properties;
};

using ControlPacketView =
    std::variant<ConnectView, ConnackView, PublishView, AcknowledgementView, SubscribeView,
                 SubscriptionAcknowledgementView, UnsubscribeView, PingreqView, PingrespView, DisconnectView, AuthView>;

}  // namespace mortise::mqtt
