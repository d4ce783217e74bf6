#include "broker/mqtt/decode.h"

#include "broker/mqtt/decode_parts.h"
#include "broker/mqtt/wire.h"

namespace mortise::mqtt {
namespace {

/// What the low four bits of the fixed header must be (5.0 table 2-2), and what it violates when they are not.
struct FixedHeaderRow {
  std::uint8_t flags;
  const char* statement;
  ReasonCode reason = rule::kMalformed;
};

constexpr FixedHeaderRow kFixedHeaders[] = {
    {0, ""},
    {0, "MQTT-2.1.3-1"},
    {0, "MQTT-2.1.3-1", rule::kProtocol},
    {0, ""},
    {0, "MQTT-2.1.3-1"},
    {0, "MQTT-2.1.3-1"},
    {2, "MQTT-3.6.1-1", rule::kProtocol},
    {0, "MQTT-2.1.3-1"},
    {2, "MQTT-3.8.1-1"},
    {0, "MQTT-2.1.3-1"},
    {2, "MQTT-3.10.1-1"},
    {0, "MQTT-2.1.3-1"},
    {0, "MQTT-2.1.3-1"},
    {0, "MQTT-2.1.3-1"},
    {0, "MQTT-3.14.1-1", rule::kProtocol},
    {0, "MQTT-3.15.1-1", rule::kProtocol},
};

constexpr std::uint8_t kDupFlag = 8;

/// 3.1 lets PUBREL, SUBSCRIBE and UNSUBSCRIBE carry DUP (3.1 section 2.1); decode() refuses it for the other versions.
bool may_have_dup(PacketType type) noexcept { return kFixedHeaders[static_cast<std::size_t>(type)].flags == 2; }

Result<void, Refusal> check_first_byte(PacketType type, std::uint8_t flags) noexcept {
  // 3.1 does not use the flags of CONNECT, which alone says whether it is 3.1.
  if (type == PacketType::kPublish || type == PacketType::kConnect) return {};
  const FixedHeaderRow& row = kFixedHeaders[static_cast<std::size_t>(type)];
  if (static_cast<std::uint8_t>(type) == 0) return failure(refusal(rule::kNoSuchPacket, ProtocolVersion::k5));
  if (flags == row.flags || (may_have_dup(type) && flags == (row.flags | kDupFlag))) return {};
  return failure(Refusal{row.reason, row.statement, rule::kReservedFlags.what});
}

constexpr Refusal kTooLarge{ReasonCode::kPacketTooLarge, "MQTT-3.2.2-15",
                            "the packet is larger than the Maximum Packet Size"};

Result<ControlPacketView, Refusal> decode_ping(const FrameView& frame, ProtocolVersion version) {
  ReaderView in(frame.body, version);
  in.expect_end(rule::kPingBody);
  if (in.failed()) return in.as_failure();
  if (frame.type == PacketType::kPingreq) return ControlPacketView(PingreqView{});
  return ControlPacketView(PingrespView{});
}

template <class Packet>
Result<ControlPacketView, Refusal> any(Result<Packet, Refusal> packet) {
  if (!packet) return std::move(packet).as_failure();
  return ControlPacketView(std::move(packet).value());
}

}  // namespace

Result<std::optional<FrameView>, Refusal> next_frame(ByteView buffer, std::size_t maximum_packet_size) noexcept {
  using Found = std::optional<FrameView>;
  if (buffer.empty()) return Found();
  FrameView frame;
  frame.type = static_cast<PacketType>(buffer[0] >> 4);
  frame.flags = buffer[0] & 0x0F;
  Result<void, Refusal> checked = check_first_byte(frame.type, frame.flags);
  if (!checked) return std::move(checked).as_failure();

  const VariableByteInteger length = find_variable_byte_integer(buffer.subspan(1));
  if (length.state == VariableByteInteger::State::kNeedsMore) return Found();
  if (length.state == VariableByteInteger::State::kTooLong)
    return failure(refusal(rule::kLongLength, ProtocolVersion::k5));
  frame.size = 1u + length.size + length.value;
  if (frame.size > maximum_packet_size) return failure(kTooLarge);
  if (frame.size > buffer.size()) return Found();
  frame.body = buffer.subspan(1u + length.size, length.value);
  frame.has_shortest_length = length.is_shortest();
  return Found(frame);
}

Result<void, Refusal> check_fixed_header(const FrameView& frame, ProtocolVersion version) noexcept {
  if (version == ProtocolVersion::k5 && !frame.has_shortest_length) [[unlikely]] {
    return failure(refusal(rule::kLongInteger, version));  // [MQTT-1.5.5-1], which 3.1.1 does not have
  }
  const FixedHeaderRow& row = kFixedHeaders[static_cast<std::size_t>(frame.type)];
  if (version != ProtocolVersion::k31 && frame.flags != row.flags) [[unlikely]] {
    return failure(Refusal{row.reason, row.statement, rule::kReservedFlags.what, frame.type != PacketType::kConnect});
  }
  return {};
}

Result<ControlPacketView, Refusal> decode(const FrameView& frame, ProtocolVersion version) {
  switch (frame.type) {
    case PacketType::kConnect:
      return any(decode_connect(frame));
    case PacketType::kPublish:
      return any(decode_publish(frame, version));
    case PacketType::kPuback:
    case PacketType::kPubrec:
    case PacketType::kPubrel:
    case PacketType::kPubcomp:
      return any(decode_acknowledgement(frame, version));
    default:
      break;
  }
  Result<void, Refusal> checked = check_fixed_header(frame, version);
  if (!checked) return std::move(checked).as_failure();
  switch (frame.type) {
    case PacketType::kConnack:
      return any(decode_connack(frame, version));
    case PacketType::kSubscribe:
      return any(decode_subscribe(frame, version));
    case PacketType::kUnsubscribe:
      return any(decode_unsubscribe(frame, version));
    case PacketType::kSuback:
    case PacketType::kUnsuback:
      return any(decode_subscription_acknowledgement(frame, version));
    case PacketType::kPingreq:
    case PacketType::kPingresp:
      return decode_ping(frame, version);
    case PacketType::kDisconnect:
      return any(decode_disconnect(frame, version));
    case PacketType::kAuth:
      return any(decode_auth(frame, version));
    default:
      return failure(refusal(rule::kNoSuchPacket, version));
  }
}

}  // namespace mortise::mqtt
