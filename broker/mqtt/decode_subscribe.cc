#include "broker/mqtt/decode_parts.h"
#include "broker/mqtt/wire.h"

namespace mortise::mqtt {
namespace {

SubscriptionOptions read_options(ReaderView& in, std::string_view filter) noexcept {
  const std::uint8_t bits = in.byte();
  const std::uint8_t reserved = in.version() == ProtocolVersion::k5 ? 0xC0 : 0xFC;
  if ((bits & reserved) != 0) in.fail(rule::kSubscribeReserved);
  if ((bits & 0x03) == 3) in.fail(rule::kSubscribeQos);
  if ((bits & 0x30) == 0x30) in.fail(rule::kRetainHandling);
  if (in.failed()) return {};
  SubscriptionOptions options;
  options.maximum_qos = static_cast<QoS>(bits & 3);
  options.no_local = (bits & 4) != 0;
  options.retain_as_published = (bits & 8) != 0;
  options.retain_handling = static_cast<RetainHandling>((bits >> 4) & 3);
  if (options.no_local && filter.starts_with("$share/")) in.fail(rule::kNoLocalShared);
  return options;
}

/// SUBACK, UNSUBACK: whether `code` may stand in one.
bool is_code_allowed(std::uint8_t code, PacketType type, ProtocolVersion version) noexcept {
  if (version == ProtocolVersion::k5) return is_allowed_in(static_cast<ReasonCode>(code), type);
  return code <= 2 || code == static_cast<std::uint8_t>(ReasonCode::kUnspecifiedError);
}

}  // namespace

Result<SubscribeView, Refusal> decode_subscribe(const FrameView& frame, ProtocolVersion version) {
  SubscribeView packet;
  ReaderView in(frame.body, version);
  packet.packet_id = in.packet_id(rule::kRequestId);
  packet.properties = in.properties(place(PacketType::kSubscribe));
  if (in.at_end()) in.fail(rule::kSubscribeEmpty);
  while (!in.at_end()) {
    const std::string_view filter = in.name();
    const SubscriptionOptions options = read_options(in, filter);
    packet.requests.push_back({filter, options});
  }
  if (in.failed()) return in.as_failure();
  return packet;
}

Result<UnsubscribeView, Refusal> decode_unsubscribe(const FrameView& frame, ProtocolVersion version) {
  UnsubscribeView packet;
  ReaderView in(frame.body, version);
  packet.packet_id = in.packet_id(rule::kRequestId);
  packet.properties = in.properties(place(PacketType::kUnsubscribe));
  if (in.at_end()) in.fail(rule::kUnsubscribeEmpty);
  while (!in.at_end()) packet.filters.push_back(in.name());
  if (in.failed()) return in.as_failure();
  return packet;
}

Result<SubscriptionAcknowledgementView, Refusal> decode_subscription_acknowledgement(const FrameView& frame,
                                                                                     ProtocolVersion version) noexcept {
  SubscriptionAcknowledgementView packet;
  packet.type = frame.type;
  const bool is_suback = frame.type == PacketType::kSuback;
  ReaderView in(frame.body, version);
  packet.packet_id = in.packet_id(rule::kSubackId);
  packet.properties = in.properties(place(frame.type));
  if (is_suback || version == ProtocolVersion::k5) packet.codes = in.rest();
  in.expect_end();
  if (is_suback && packet.codes.empty()) in.fail(rule::kSubackEmpty);
  if (!is_suback && version == ProtocolVersion::k5 && packet.codes.empty()) in.fail(rule::kUnsubackEmpty);
  for (const std::uint8_t code : packet.codes) {
    if (!is_code_allowed(code, frame.type, version)) in.fail(is_suback ? rule::kSubackCode : rule::kUnsubackCode);
  }
  if (in.failed()) return in.as_failure();
  return packet;
}

Result<DisconnectView, Refusal> decode_disconnect(const FrameView& frame, ProtocolVersion version) noexcept {
  DisconnectView packet;
  ReaderView in(frame.body, version);
  // 5.0 sections 3.14.2.1 and 3.14.2.2.1: Reason Code and Properties may be left out.
  if (version == ProtocolVersion::k5 && !in.at_end()) {
    packet.reason = static_cast<ReasonCode>(in.byte());
    if (!is_allowed_in(packet.reason, PacketType::kDisconnect)) in.fail(rule::kDisconnectCode);
    if (!in.at_end()) packet.properties = in.properties(place(PacketType::kDisconnect));
  }
  in.expect_end();
  if (in.failed()) return in.as_failure();
  return packet;
}

Result<AuthView, Refusal> decode_auth(const FrameView& frame, ProtocolVersion version) noexcept {
  AuthView packet;
  if (version != ProtocolVersion::k5) return failure(refusal(rule::kNoSuchPacket, version));
  // 5.0 section 3.15.2.1: an empty one is Success without properties.
  if (frame.body.empty()) return packet;
  ReaderView in(frame.body, version);
  packet.reason = static_cast<ReasonCode>(in.byte());
  if (!is_allowed_in(packet.reason, PacketType::kAuth)) in.fail(rule::kAuthCode);
  packet.properties = in.properties(place(PacketType::kAuth));
  if (!packet.properties.has(PropertyId::kAuthenticationMethod)) in.fail(rule::kAuthWithoutMethod);
  in.expect_end();
  if (in.failed()) return in.as_failure();
  return packet;
}

}  // namespace mortise::mqtt
