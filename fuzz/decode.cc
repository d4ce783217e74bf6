// Arbitrary bytes as a stream of packets, in each version: whatever decode() takes, encode() writes so that decode()
// takes it again and finds the same; and nothing is taken that the rest of the broker may not see.

#include "broker/mqtt/decode.h"

#include <cstdint>
#include <string>
#include <vector>

#include "broker/base/check.h"
#include "broker/mqtt/encode.h"
#include "broker/mqtt/message.h"
#include "broker/mqtt/topic.h"
#include "tests/conformance/packet_dump.h"

namespace mortise::mqtt {
namespace {

constexpr std::size_t kMaximumPacketSize = 1 << 16;

ProtocolVersion version_of(const ControlPacketView& packet, ProtocolVersion connection) {
  const auto* connect = std::get_if<ConnectView>(&packet);
  return connect != nullptr ? connect->version : connection;
}

void check_refusal(const Refusal& refusal) {
  CHECK(is_error(refusal.reason));
  CHECK(refusal.statement[0] != '\0' && refusal.what[0] != '\0');
}

/// The one packet that `encoded` is.
ControlPacketView decode_whole(const ByteBuffer& encoded, ProtocolVersion version) {
  const Result<std::optional<FrameView>, Refusal> frame = next_frame(as_bytes(encoded), encoded.size());
  CHECK(frame && *frame && (*frame)->size == encoded.size());
  const Result<ControlPacketView, Refusal> packet = decode(**frame, version);
  CHECK(packet);
  return *packet;
}

void check_round_trip(const ControlPacketView& packet, std::size_t size, ProtocolVersion version) {
  ByteBuffer encoded;
  encode(encoded, packet, version);
  CHECK(encoded.size() <= size);
  const ControlPacketView decoded = decode_whole(encoded, version);
  CHECK(dump(decoded) == dump(packet));
  ByteBuffer again;
  encode(again, decoded, version);
  CHECK(again == encoded);
}

/// A message keeps what travels on, under its own topic and under another one.
void check_message(const PublishView& publish) {
  MessageView fields;
  fields.topic = publish.topic;
  fields.payload = publish.payload;
  fields.properties = publish.properties;
  MessagePtr message = Message::make(fields);
  CHECK(message->topic() == publish.topic && as_text(message->payload()) == as_text(publish.payload));
  const Result<PropertiesView, Refusal> kept =
      PropertiesView::decode(message->properties().encoded(), place(PacketType::kPublish));
  CHECK(kept && kept->present() == message->properties().present());
  const MessagePtr rewritten = message->with_topic("rewritten");
  message.reset();
  CHECK(as_text(rewritten->payload()) == as_text(publish.payload));
}

void check_publish(const PublishView& publish, ProtocolVersion version) {
  CHECK(publish.topic.empty() || check_topic_name(publish.topic, {0, 0}));
  CHECK(is_valid_utf8(publish.topic));
  CHECK((publish.packet_id != 0) == (publish.qos != QoS::kAtMostOnce));
  const std::uint32_t ids[] = {1, 268'435'455};
  const DeliveryPropertiesView delivery{ids, 7, true, 3};
  ByteBuffer encoded = "before";
  const std::size_t packet_id_at = encode_publish_head(encoded, publish, delivery, version);
  CHECK(encoded.size() + publish.payload.size() == 6 + publish_size(publish, delivery, version));
  CHECK((packet_id_at != 0) == (publish.packet_id != 0));
  check_message(publish);
}

/// Topic Filters as sent: taking them apart, and what the index asks of them.
void check_filters(const SubscribeView& subscribe) {
  for (const SubscriptionRequestView& request : subscribe.requests) {
    const Result<TopicFilterView, Refusal> filter = parse_topic_filter(request.filter);
    if (!filter) {
      check_refusal(filter.error());
      continue;
    }
    CHECK(covers(filter->filter, filter->filter) && overlaps(filter->filter, filter->filter));
    CHECK(filter->has_wildcard() || matches(filter->filter, filter->filter));
    CHECK(overlaps(filter->filter, "a/b") == matches(filter->filter, "a/b"));
  }
}

void check_frame(const FrameView& frame, ProtocolVersion connection) {
  answer_version(frame);
  const Result<ControlPacketView, Refusal> packet = decode(frame, connection);
  if (!packet) return check_refusal(packet.error());
  const ProtocolVersion version = version_of(*packet, connection);
  check_round_trip(*packet, frame.size, version);
  if (const auto* publish = std::get_if<PublishView>(&*packet)) check_publish(*publish, version);
  if (const auto* subscribe = std::get_if<SubscribeView>(&*packet)) check_filters(*subscribe);
}

void play(ByteView bytes, ProtocolVersion version) {
  while (true) {
    const Result<std::optional<FrameView>, Refusal> frame = next_frame(bytes, kMaximumPacketSize);
    if (!frame) return check_refusal(frame.error());
    if (!*frame) return;
    CHECK((*frame)->size >= 2 && (*frame)->size <= bytes.size());
    check_frame(**frame, version);
    bytes = bytes.subspan((*frame)->size);
  }
}

}  // namespace
}  // namespace mortise::mqtt

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using mortise::mqtt::ProtocolVersion;
  for (const ProtocolVersion version : {ProtocolVersion::k31, ProtocolVersion::k311, ProtocolVersion::k5}) {
    mortise::mqtt::play({data, size}, version);
  }
  return 0;
}
