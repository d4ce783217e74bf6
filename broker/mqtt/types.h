#pragma once

#include <cstdint>
#include <string>

#include "broker/base/id.h"

namespace mortise::mqtt {

/// The Protocol Version byte of CONNECT (5.0 section 3.1.2.2).
enum class ProtocolVersion : std::uint8_t { k31 = 3, k311 = 4, k5 = 5 };

enum class QoS : std::uint8_t { kAtMostOnce = 0, kAtLeastOnce = 1, kExactlyOnce = 2 };

/// 5.0 table 2-1.
enum class PacketType : std::uint8_t {
  kConnect = 1,
  kConnack,
  kPublish,
  kPuback,
  kPubrec,
  kPubrel,
  kPubcomp,
  kSubscribe,
  kSuback,
  kUnsubscribe,
  kUnsuback,
  kPingreq,
  kPingresp,
  kDisconnect,
  kAuth,
};

using PacketId = std::uint16_t;

/// Encoded bytes on their way out; encoders append.
using ByteBuffer = std::string;

/// 5.0 section 3.8.3.1: Retain Handling.
enum class RetainHandling : std::uint8_t { kSend = 0, kSendIfNew = 1, kDoNotSend = 2 };

/// 5.0 section 3.8.3.1: what a Client asks for with one Topic Filter.
struct SubscriptionOptions {
  QoS maximum_qos = QoS::kAtMostOnce;
  bool no_local = false;
  bool retain_as_published = false;
  RetainHandling retain_handling = RetainHandling::kSend;
  friend bool operator==(const SubscriptionOptions&, const SubscriptionOptions&) = default;
};

struct SessionTag;
/// Names a session anywhere in the broker: the loop it lives on, and its slot there. Never a pointer.
struct SessionId {
  Id<SessionTag> slot;
  LoopIndex loop = 0;

  explicit operator bool() const noexcept { return static_cast<bool>(slot); }
  friend auto operator<=>(const SessionId&, const SessionId&) = default;
};

}  // namespace mortise::mqtt

template <>
struct std::hash<mortise::mqtt::SessionId> {
  std::size_t operator()(const mortise::mqtt::SessionId& id) const noexcept {
    return std::hash<mortise::Id<mortise::mqtt::SessionTag>>{}(id.slot) * 31 + id.loop;
  }
};
