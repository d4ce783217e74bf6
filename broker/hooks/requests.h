#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/hooks/secret.h"
#include "broker/mqtt/message.h"
#include "broker/mqtt/principal.h"
#include "broker/mqtt/types.h"

/// What a hook is asked: counted immutable data that owns everything it says. A request never refers to a connection or
/// to a loop's buffer, so it may cross threads and processes and outlive the client.
namespace mortise::hooks {

/// Who wants to connect: all that CONNECT and the socket say, before authentication. What CONNECT says of enhanced
/// authentication stands in ExchangeRequest.
struct ConnectRequest {
  std::string client_id;  // as sent; may be empty
  std::optional<std::string> user_name;
  std::optional<Secret> password;
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::k5;
  bool clean_start = false;
  std::uint16_t keep_alive = 0;
  std::uint32_t session_expiry_interval = 0;  // seconds
  SharedBytes listener;
  std::string peer_address;
  std::uint16_t peer_port = 0;
  std::string local_address;
  std::uint16_t local_port = 0;
  mqtt::CertificatePtr certificate;
  bool has_will = false;
  std::string will_topic;
  mqtt::QoS will_qos = mqtt::QoS::kAtMostOnce;
  bool will_retain = false;
  mqtt::UserPropertiesPtr user_properties;
  std::optional<mqtt::PeerProcess> process;  // of a Unix socket
};
using ConnectRequestPtr = std::shared_ptr<const ConnectRequest>;

enum class Action : std::uint8_t { kPublish = 1, kSubscribe = 2, kWill = 3 };

/// Number of an enhanced authentication; no two have the same while the broker runs.
using ExchangeId = std::uint64_t;
/// Steps of one exchange: a method that takes more has no end.
inline constexpr std::uint32_t kMostExchangeSteps = 16;

/// What a client says in one step of an enhanced authentication: in its CONNECT, or in an AUTH.
struct ExchangeRequest {
  ExchangeId exchange = 0;
  LoopIndex loop = 0;  // that asks
  std::uint32_t step = 1;
  std::string method;
  std::optional<Secret> authentication_data;
  ConnectRequestPtr connect;     // null for a re-authentication
  mqtt::PrincipalPtr principal;  // of a re-authentication, null otherwise
};
using ExchangeRequestPtr = std::shared_ptr<const ExchangeRequest>;

/// May this client do this with this topic?
struct AccessRequest {
  mqtt::PrincipalPtr principal;
  Action action = Action::kPublish;
  std::string topic;           // routed name, or routed filter
  std::string original_topic;  // as the client said it
  std::string share_name;      // of a shared subscription
  mqtt::QoS qos = mqtt::QoS::kAtMostOnce;
  bool retain = false;
  mqtt::MessagePtr message;  // publish and will: for the payload; null for subscribe
};
using AccessRequestPtr = std::shared_ptr<const AccessRequest>;

enum class BindReason : std::uint8_t { kConnect = 1, kInvalidate = 2 };

struct BindRequest {
  mqtt::PrincipalPtr principal;
  BindReason reason = BindReason::kConnect;
};
using BindRequestPtr = std::shared_ptr<const BindRequest>;

enum class EventKind : std::uint8_t {
  kClientConnected = 1,
  kClientDisconnected,
  kSessionStarted,
  kSessionEnded,
  kSubscribed,
  kUnsubscribed,
  kPublished,
  kDropped,
};

/// Something that happened. Fire-and-forget.
struct Event {
  EventKind kind = EventKind::kClientConnected;
  WallTime at{};
  mqtt::PrincipalPtr principal;  // null for what has no client
  std::string topic;             // routed; empty where it means nothing
  mqtt::ReasonCode reason = mqtt::ReasonCode::kSuccess;
  mqtt::QoS qos = mqtt::QoS::kAtMostOnce;
  std::uint64_t count = 1;
};

}  // namespace mortise::hooks
