#pragma once

#include <cstddef>
#include <optional>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/mqtt/packets.h"

namespace mortise::mqtt {

/// Fixed header and body of one whole packet: views into the buffer it was found in.
struct FrameView {
  PacketType type = PacketType::kConnect;
  std::uint8_t flags = 0;
  ByteView body;
  std::size_t size = 0;             // of the whole packet, fixed header included
  bool has_shortest_length = true;  // Remaining Length takes no more bytes than it must (MQTT-1.5.5-1)

  ByteView packet() const noexcept { return {body.data() + body.size() - size, size}; }
};

/// Finds the first packet in `buffer`. Empty: more bytes are needed. Errors: Malformed Packet (type 0; a Remaining
/// Length of five bytes, MQTT-1.5.5-1; reserved flags, MQTT-2.1.3-1 or the packet's own number), Packet Too Large when
/// the fixed header announces more than `maximum_packet_size` (found before the body arrives). What depends on the
/// version (AUTH, DUP on PUBREL, SUBSCRIBE and UNSUBSCRIBE of 3.1, the shortest form of Remaining Length in 5.0) is
/// judged by decode(). Never reads past `buffer`. Cost: constant.
Result<std::optional<FrameView>, Refusal> next_frame(ByteView buffer, std::size_t maximum_packet_size) noexcept;

/// Decodes a body. `version` is that of the connection; for CONNECT it is read from the packet itself. Every string is
/// valid UTF-8 without U+0000; Topic Names hold no wildcard; lengths, flags, property lists and Reason Codes are
/// checked; nothing is left over. What needs a session to judge (aliases, packet ids in use) is not judged here.
/// Errors: each with its statement.
Result<ControlPacketView, Refusal> decode(const FrameView& frame, ProtocolVersion version);

/// Who checks that a Topic Name is UTF-8 without wildcards: it is what decoding a small PUBLISH costs most, and who has
/// seen the topic before need not look again.
enum class TopicCheck : std::uint8_t { kHere, kByCaller };
/// The same for the one packet that must be fast: no variant. kByCaller: the caller asks check_topic_name.
Result<PublishView, Refusal> decode_publish(const FrameView& frame, ProtocolVersion version,
                                            TopicCheck topic_check = TopicCheck::kHere) noexcept;
/// Likewise for the acknowledgements.
Result<AcknowledgementView, Refusal> decode_acknowledgement(const FrameView& frame, ProtocolVersion version) noexcept;
/// Errors: Unsupported Protocol Version for a name or version this broker does not speak (MQTT-3.1.2-1, MQTT-3.1.2-2):
/// answer it with a CONNACK in the form of answer_version(frame); Client Identifier not valid (MQTT-3.1.3-8); others as
/// decode().
Result<ConnectView, Refusal> decode_connect(const FrameView& frame) noexcept;

/// The properties of a 5.0 CONNECT that is refused for something else: what its CONNACK may be. Empty when they cannot
/// be read.
PropertiesView connect_properties(const FrameView& connect) noexcept;

/// The form in which a Client understands the CONNACK that refuses its CONNECT, whatever is wrong with it: by Protocol
/// Name and Protocol Version as far as they can be read; 3.1.1 when they say nothing.
ProtocolVersion answer_version(const FrameView& connect) noexcept;

}  // namespace mortise::mqtt
