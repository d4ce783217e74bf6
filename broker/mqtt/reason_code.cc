#include "broker/mqtt/reason_code.h"

#include <array>
#include <cstddef>

namespace mortise::mqtt {
namespace {

/// One row of 5.0 table 2-6: bit 1 << PacketType for each packet that may carry the code.
struct ReasonCodeRow {
  ReasonCode code;
  const char* name;
  std::uint32_t packets;
};

constexpr std::uint32_t in(PacketType type) { return 1u << static_cast<unsigned>(type); }

constexpr std::uint32_t kConnack = in(PacketType::kConnack);
constexpr std::uint32_t kReceived = in(PacketType::kPuback) | in(PacketType::kPubrec);
constexpr std::uint32_t kReleased = in(PacketType::kPubrel) | in(PacketType::kPubcomp);
constexpr std::uint32_t kSuback = in(PacketType::kSuback);
constexpr std::uint32_t kUnsuback = in(PacketType::kUnsuback);
constexpr std::uint32_t kDisconnect = in(PacketType::kDisconnect);
constexpr std::uint32_t kAuth = in(PacketType::kAuth);

constexpr std::array<ReasonCodeRow, 43> kTable = {{
    {ReasonCode::kSuccess, "Success", kConnack | kReceived | kReleased | kSuback | kUnsuback | kDisconnect | kAuth},
    {ReasonCode::kGrantedQoS1, "Granted QoS 1", kSuback},
    {ReasonCode::kGrantedQoS2, "Granted QoS 2", kSuback},
    {ReasonCode::kDisconnectWithWillMessage, "Disconnect with Will Message", kDisconnect},
    {ReasonCode::kNoMatchingSubscribers, "No matching subscribers", kReceived},
    {ReasonCode::kNoSubscriptionExisted, "No subscription existed", kUnsuback},
    {ReasonCode::kContinueAuthentication, "Continue authentication", kAuth},
    {ReasonCode::kReAuthenticate, "Re-authenticate", kAuth},
    {ReasonCode::kUnspecifiedError, "Unspecified error", kConnack | kReceived | kSuback | kUnsuback | kDisconnect},
    {ReasonCode::kMalformedPacket, "Malformed Packet", kConnack | kDisconnect},
    {ReasonCode::kProtocolError, "Protocol Error", kConnack | kDisconnect},
    {ReasonCode::kImplementationSpecificError, "Implementation specific error",
     kConnack | kReceived | kSuback | kUnsuback | kDisconnect},
    {ReasonCode::kUnsupportedProtocolVersion, "Unsupported Protocol Version", kConnack},
    {ReasonCode::kClientIdentifierNotValid, "Client Identifier not valid", kConnack},
    {ReasonCode::kBadUserNameOrPassword, "Bad User Name or Password", kConnack},
    {ReasonCode::kNotAuthorized, "Not authorized", kConnack | kReceived | kSuback | kUnsuback | kDisconnect},
    {ReasonCode::kServerUnavailable, "Server unavailable", kConnack},
    {ReasonCode::kServerBusy, "Server busy", kConnack | kDisconnect},
    {ReasonCode::kBanned, "Banned", kConnack},
    {ReasonCode::kServerShuttingDown, "Server shutting down", kDisconnect},
    {ReasonCode::kBadAuthenticationMethod, "Bad authentication method", kConnack | kDisconnect},
    {ReasonCode::kKeepAliveTimeout, "Keep Alive timeout", kDisconnect},
    {ReasonCode::kSessionTakenOver, "Session taken over", kDisconnect},
    {ReasonCode::kTopicFilterInvalid, "Topic Filter invalid", kSuback | kUnsuback | kDisconnect},
    {ReasonCode::kTopicNameInvalid, "Topic Name invalid", kConnack | kReceived | kDisconnect},
    {ReasonCode::kPacketIdentifierInUse, "Packet Identifier in use", kReceived | kSuback | kUnsuback},
    {ReasonCode::kPacketIdentifierNotFound, "Packet Identifier not found", kReleased},
    {ReasonCode::kReceiveMaximumExceeded, "Receive Maximum exceeded", kDisconnect},
    {ReasonCode::kTopicAliasInvalid, "Topic Alias invalid", kDisconnect},
    {ReasonCode::kPacketTooLarge, "Packet too large", kConnack | kDisconnect},
    {ReasonCode::kMessageRateTooHigh, "Message rate too high", kDisconnect},
    {ReasonCode::kQuotaExceeded, "Quota exceeded", kConnack | kReceived | kSuback | kDisconnect},
    {ReasonCode::kAdministrativeAction, "Administrative action", kDisconnect},
    {ReasonCode::kPayloadFormatInvalid, "Payload format invalid", kConnack | kReceived | kDisconnect},
    {ReasonCode::kRetainNotSupported, "Retain not supported", kConnack | kDisconnect},
    {ReasonCode::kQoSNotSupported, "QoS not supported", kConnack | kDisconnect},
    {ReasonCode::kUseAnotherServer, "Use another server", kConnack | kDisconnect},
    {ReasonCode::kServerMoved, "Server moved", kConnack | kDisconnect},
    {ReasonCode::kSharedSubscriptionsNotSupported, "Shared Subscriptions not supported", kSuback | kDisconnect},
    {ReasonCode::kConnectionRateExceeded, "Connection rate exceeded", kConnack | kDisconnect},
    {ReasonCode::kMaximumConnectTime, "Maximum connect time", kDisconnect},
    {ReasonCode::kSubscriptionIdentifiersNotSupported, "Subscription Identifiers not supported", kSuback | kDisconnect},
    {ReasonCode::kWildcardSubscriptionsNotSupported, "Wildcard Subscriptions not supported", kSuback | kDisconnect},
}};

constexpr std::array<std::int16_t, 256> kRowOfCode = [] {
  std::array<std::int16_t, 256> rows{};
  rows.fill(-1);
  for (std::size_t i = 0; i < kTable.size(); ++i)
    rows[static_cast<std::size_t>(kTable[i].code)] = static_cast<std::int16_t>(i);
  return rows;
}();

const ReasonCodeRow* find(ReasonCode code) noexcept {
  const std::int16_t row = kRowOfCode[static_cast<std::size_t>(code)];
  return row < 0 ? nullptr : &kTable[static_cast<std::size_t>(row)];
}

}  // namespace

const char* name_of(ReasonCode code) noexcept {
  const ReasonCodeRow* row = find(code);
  return row == nullptr ? "unknown" : row->name;
}

bool is_allowed_in(ReasonCode code, PacketType type) noexcept {
  const ReasonCodeRow* row = find(code);
  return row != nullptr && (row->packets & in(type)) != 0;
}

ConnectReturnCode connect_return_code(ReasonCode code) noexcept {
  switch (code) {
    case ReasonCode::kSuccess:
      return ConnectReturnCode::kAccepted;
    case ReasonCode::kUnsupportedProtocolVersion:
      return ConnectReturnCode::kUnacceptableProtocolVersion;
    case ReasonCode::kClientIdentifierNotValid:
      return ConnectReturnCode::kIdentifierRejected;
    case ReasonCode::kBadUserNameOrPassword:
      return ConnectReturnCode::kBadUserNameOrPassword;
    case ReasonCode::kNotAuthorized:
    case ReasonCode::kBanned:
    case ReasonCode::kBadAuthenticationMethod:
    case ReasonCode::kTopicNameInvalid:
    case ReasonCode::kPayloadFormatInvalid:
    case ReasonCode::kRetainNotSupported:
    case ReasonCode::kQoSNotSupported:
      return ConnectReturnCode::kNotAuthorized;
    default:
      return ConnectReturnCode::kServerUnavailable;
  }
}

}  // namespace mortise::mqtt
