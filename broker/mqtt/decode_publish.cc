#include "broker/mqtt/decode_parts.h"
#include "broker/mqtt/wire.h"

namespace mortise::mqtt {
namespace {

void check_publish_flags(ReaderView& in, std::uint8_t flags) noexcept {
  if ((flags & 0x06) == 0x06) in.fail(rule::kQos3);
  // 3.1 gives DUP no meaning at QoS 0 and does not forbid it.
  if ((flags & 0x0E) == 0x08 && in.version() != ProtocolVersion::k31) in.fail(rule::kDupAtQos0);
}

const Rule& code_rule(PacketType type) noexcept {
  switch (type) {
    case PacketType::kPuback:
      return rule::kPubackCode;
    case PacketType::kPubrec:
      return rule::kPubrecCode;
    case PacketType::kPubrel:
      return rule::kPubrelCode;
    default:
      return rule::kPubcompCode;
  }
}

/// Reason Code and Properties, either of which may be left out (5.0 sections 3.4.2.1 and 3.4.2.2.1).
void read_outcome(ReaderView& in, AcknowledgementView& packet) noexcept {
  packet.reason = static_cast<ReasonCode>(in.byte());
  if (!in.failed() && !is_allowed_in(packet.reason, packet.type)) in.fail(code_rule(packet.type));
  if (!in.at_end()) packet.properties = in.properties(place(packet.type));
}

}  // namespace

Result<PublishView, Refusal> decode_publish(const FrameView& frame, ProtocolVersion version,
                                            TopicCheck topic_check) noexcept {
  PublishView publish;
  ReaderView in(frame.body, version);
  if (version == ProtocolVersion::k5 && !frame.has_shortest_length) [[unlikely]]
    in.fail(rule::kLongInteger);
  check_publish_flags(in, frame.flags);
  publish.dup = (frame.flags & 8) != 0;
  publish.qos = static_cast<QoS>((frame.flags >> 1) & 3);
  publish.retain = (frame.flags & 1) != 0;
  if (topic_check == TopicCheck::kByCaller) {
    publish.topic = as_text(in.binary());
  } else {
    TextScan scan;
    publish.topic = in.name(scan);
    if (scan.has_wildcard) in.fail(rule::kTopicWildcard);
  }
  if (publish.qos != QoS::kAtMostOnce) publish.packet_id = in.packet_id(rule::kNoPacketId);
  publish.properties = in.properties(place(PacketType::kPublish));
  publish.payload = in.rest();
  if (publish.topic.empty() && !publish.properties.has(PropertyId::kTopicAlias)) in.fail(rule::kTopicEmpty);
  if (in.failed()) [[unlikely]]
    return in.as_failure();
  return publish;
}

Result<AcknowledgementView, Refusal> decode_acknowledgement(const FrameView& frame, ProtocolVersion version) noexcept {
  Result<void, Refusal> checked = check_fixed_header(frame, version);
  if (!checked) [[unlikely]]
    return std::move(checked).as_failure();
  AcknowledgementView packet;
  packet.type = frame.type;
  ReaderView in(frame.body, version);
  packet.packet_id = in.packet_id(rule::kAcknowledgedId);
  if (version == ProtocolVersion::k5 && !in.at_end()) read_outcome(in, packet);
  in.expect_end();
  if (in.failed()) [[unlikely]]
    return in.as_failure();
  return packet;
}

}  // namespace mortise::mqtt
