#pragma once

#include <cstdint>

#include "broker/mqtt/types.h"

namespace mortise::mqtt {

/// 5.0 table 2-6, with its names.
enum class ReasonCode : std::uint8_t {
  kSuccess = 0x00,  // also Normal disconnection, Granted QoS 0
  kGrantedQoS1 = 0x01,
  kGrantedQoS2 = 0x02,
  kDisconnectWithWillMessage = 0x04,
  kNoMatchingSubscribers = 0x10,
  kNoSubscriptionExisted = 0x11,
  kContinueAuthentication = 0x18,
  kReAuthenticate = 0x19,
  kUnspecifiedError = 0x80,
  kMalformedPacket = 0x81,
  kProtocolError = 0x82,
  kImplementationSpecificError = 0x83,
  kUnsupportedProtocolVersion = 0x84,
  kClientIdentifierNotValid = 0x85,
  kBadUserNameOrPassword = 0x86,
  kNotAuthorized = 0x87,
  kServerUnavailable = 0x88,
  kServerBusy = 0x89,
  kBanned = 0x8A,
  kServerShuttingDown = 0x8B,
  kBadAuthenticationMethod = 0x8C,
  kKeepAliveTimeout = 0x8D,
  kSessionTakenOver = 0x8E,
  kTopicFilterInvalid = 0x8F,
  kTopicNameInvalid = 0x90,
  kPacketIdentifierInUse = 0x91,
  kPacketIdentifierNotFound = 0x92,
  kReceiveMaximumExceeded = 0x93,
  kTopicAliasInvalid = 0x94,
  kPacketTooLarge = 0x95,
  kMessageRateTooHigh = 0x96,
  kQuotaExceeded = 0x97,
  kAdministrativeAction = 0x98,
  kPayloadFormatInvalid = 0x99,
  kRetainNotSupported = 0x9A,
  kQoSNotSupported = 0x9B,
  kUseAnotherServer = 0x9C,
  kServerMoved = 0x9D,
  kSharedSubscriptionsNotSupported = 0x9E,
  kConnectionRateExceeded = 0x9F,
  kMaximumConnectTime = 0xA0,
  kSubscriptionIdentifiersNotSupported = 0xA1,
  kWildcardSubscriptionsNotSupported = 0xA2,
};

/// 3.1.1 table 3.1: what a CONNACK of 3.1 and 3.1.1 can say.
enum class ConnectReturnCode : std::uint8_t {
  kAccepted = 0,
  kUnacceptableProtocolVersion,
  kIdentifierRejected,
  kServerUnavailable,
  kBadUserNameOrPassword,
  kNotAuthorized,
};

inline bool is_error(ReasonCode code) noexcept { return static_cast<std::uint8_t>(code) >= 0x80; }

/// Table 2-6's name, or "unknown". Thread: any.
const char* name_of(ReasonCode code) noexcept;

/// Whether table 2-6 lets a packet of this type carry this code.
bool is_allowed_in(ReasonCode code, PacketType type) noexcept;

/// The nearest Return Code of 3.1.1 for a CONNACK.
ConnectReturnCode connect_return_code(ReasonCode code) noexcept;

/// The peer is wrong: the Reason Code to answer with, and the statement (or section) it rests on. No allocation: both
/// texts are literals.
struct Refusal {
  ReasonCode reason = ReasonCode::kMalformedPacket;
  const char* statement = "";  // "MQTT-3.1.0-2", or a section such as "5.0 4.13" where no statement is numbered
  const char* what = "";       // for the log: "SUBSCRIBE without a Topic Filter"
  bool is_said = true;         // false: the connection is closed without a word (5.0 section 4.13.1 allows it)
};

}  // namespace mortise::mqtt
