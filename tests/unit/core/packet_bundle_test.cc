#include "broker/core/packet_bundle.h"

#include <gtest/gtest.h>

#include <vector>

#include "broker/mqtt/decode.h"
#include "broker/mqtt/encode.h"

namespace mortise::core {
namespace {

struct Sent {
  std::string packet;
  std::string routed;  // empty: as the packet says
  bool is_v5 = true;
};

/// Decodes it as the broker does and puts it into the bundle.
void add(PacketBundle& bundle, const Sent& sent, std::uint32_t origin) {
  const auto version = sent.is_v5 ? mqtt::ProtocolVersion::k5 : mqtt::ProtocolVersion::k311;
  const auto frame = mqtt::next_frame(as_bytes(sent.packet), 1 << 20);
  ASSERT_TRUE(frame && *frame);
  const auto packet = mqtt::decode_publish(**frame, version);
  ASSERT_TRUE(packet) << packet.error().what;
  mqtt::MessageView fields;
  fields.topic = sent.routed.empty() ? packet->topic : std::string_view(sent.routed);
  fields.payload = packet->payload;
  fields.properties = packet->properties;
  fields.received_at = WallTime(Millis(1'700'000'000'000 + origin));
  fields.origin = origin;
  ReceivedView received;
  received.packet = sent.packet;
  received.topic = packet->topic;
  received.is_v5 = sent.is_v5;
  ASSERT_TRUE(PacketBundle::suits(received));
  bundle.add(fields, received);
}

const std::vector<Sent> kPackets = {
    {std::string("\x30\x06\x00\x01t\x00hi", 8), "", true},
    {std::string("\x30\x05\x00\x01thi", 7), "tenant/a/t", false},
    {std::string("\x30\x0c\x00\x02xy\x06\x03\x00\x03png!", 14), "", true},     // with a Content Type
    {std::string("\x30\x0b\x00\x02xy\x06\x03\x00\x03png", 13), "p/xy", true},  // and nothing in it
    {std::string("\x30\x03\x00\x01t", 5), "", false},                          // neither
};

TEST(PacketBundle, GivesBackInOrderWhatWasPutIn) {
  PacketBundle bundle;
  std::uint32_t number = 0;
  while (bundle.has_room()) {
    add(bundle, kPackets[number % kPackets.size()], number + 1);
    ++number;
  }
  EXPECT_EQ(bundle.packets(), PacketBundle::kMaximumPackets);
  std::uint32_t seen = 0;
  bundle.for_each([&](const mqtt::MessageView& fields, const ReceivedView& received) {
    const Sent& sent = kPackets[seen % kPackets.size()];
    SCOPED_TRACE(seen++);
    const auto version = sent.is_v5 ? mqtt::ProtocolVersion::k5 : mqtt::ProtocolVersion::k311;
    const auto frame = mqtt::next_frame(as_bytes(sent.packet), 1 << 20);
    const auto packet = mqtt::decode_publish(**frame, version);
    EXPECT_EQ(received.packet, sent.packet);
    EXPECT_EQ(received.topic, packet->topic);
    EXPECT_EQ(received.is_v5, sent.is_v5);
    EXPECT_EQ(received.naming, ReceivedView::Naming::kUnknown) << "an affix of another loop is not for this one";
    EXPECT_EQ(fields.topic, sent.routed.empty() ? packet->topic : std::string_view(sent.routed));
    EXPECT_EQ(as_text(fields.payload), as_text(packet->payload));
    EXPECT_EQ(as_text(fields.properties.encoded()), as_text(packet->properties.encoded()));
    EXPECT_EQ(fields.properties.present(), packet->properties.present());
    EXPECT_EQ(fields.received_at, WallTime(Millis(1'700'000'000'000 + seen)));
    EXPECT_EQ(fields.origin, seen);
    EXPECT_EQ(fields.qos, mqtt::QoS::kAtMostOnce);
    EXPECT_FALSE(fields.retain);
  });
  EXPECT_EQ(seen, PacketBundle::kMaximumPackets);
}

TEST(PacketBundle, TakesOnlyWhatIsCheaperToCopy) {
  const std::string packet(PacketBundle::kLargestPacket + 1, 'x');
  ReceivedView received;
  EXPECT_FALSE(PacketBundle::suits(received));
  received.packet = packet;
  EXPECT_FALSE(PacketBundle::suits(received));
  received.packet.remove_suffix(1);
  EXPECT_TRUE(PacketBundle::suits(received));
}

}  // namespace
}  // namespace mortise::core
