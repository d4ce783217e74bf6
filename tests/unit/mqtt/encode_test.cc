#include "broker/mqtt/encode.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "broker/mqtt/decode.h"
#include "tests/conformance/packet_dump.h"
#include "tests/conformance/proof.h"

namespace mortise::mqtt {
namespace {

using namespace std::string_literals;

constexpr ProtocolVersion kVersions[] = {ProtocolVersion::k31, ProtocolVersion::k311, ProtocolVersion::k5};

/// What a receiver makes of `encoded`, or the refusal.
std::string received(const ByteBuffer& encoded, ProtocolVersion version) {
  const Result<std::optional<FrameView>, Refusal> frame = next_frame(as_bytes(encoded), encoded.size());
  if (!frame || !*frame || (*frame)->size != encoded.size()) return "not one packet";
  const Result<ControlPacketView, Refusal> packet = decode(**frame, version);
  return packet ? dump(*packet) : packet.error().what;
}

/// A list of `size` User Properties, for Property Lengths of one byte and more.
PropertyWriter user_properties(int count) {
  PropertyWriter writer;
  for (int i = 0; i < count; ++i) writer.put_pair("name " + std::to_string(i), "value");
  return writer;
}

TEST(Encode, WhatIsEncodedIsReceivedWithListsOfAnySize) {
  for (const int count : {0, 1, 8, 9, 200, 1200}) {
    const PropertyWriter list = user_properties(count);
    const PropertiesView properties = list.view();
    const std::array<std::uint8_t, 3> codes = {0, 1, 0x87};
    const std::vector<ControlPacketView> packets = {
        ConnectView{ProtocolVersion::k5, true, 60, "c", properties,
                    WillView{QoS::kAtLeastOnce, true, properties, "w", {}}, "user", as_bytes("password")},
        ConnackView{false, 0x87, properties},
        PublishView{true, QoS::kExactlyOnce, true, 7, "a/b", properties, as_bytes("payload")},
        AcknowledgementView{PacketType::kPuback, 1, ReasonCode::kNoMatchingSubscribers, properties},
        AcknowledgementView{PacketType::kPubrel, 1, ReasonCode::kPacketIdentifierNotFound, properties},
        AcknowledgementView{PacketType::kPubcomp, 65'535, ReasonCode::kSuccess, properties},
        SubscribeView{3, properties, {{"a/#", {QoS::kExactlyOnce, true, true, RetainHandling::kDoNotSend}}, {"b", {}}}},
        SubscriptionAcknowledgementView{PacketType::kSuback, 3, properties, codes},
        UnsubscribeView{4, properties, {"a/#", "b"}},
        PingreqView{},
        PingrespView{},
        DisconnectView{ReasonCode::kServerShuttingDown, properties},
        DisconnectView{ReasonCode::kSuccess, properties},
    };
    for (const ControlPacketView& packet : packets) {
      ByteBuffer encoded;
      encode(encoded, packet, ProtocolVersion::k5);
      EXPECT_EQ(received(encoded, ProtocolVersion::k5), dump(packet));
    }
  }
}

TEST(Encode, LeavesOutWhatAVersionDoesNotHave) {
  const PropertyWriter list = user_properties(3);
  ByteBuffer out;
  encode(out, AcknowledgementView{PacketType::kPuback, 1, ReasonCode::kNotAuthorized, list.view()},
         ProtocolVersion::k311);
  EXPECT_EQ(out, "\x40\x02\x00\x01"s);
  out.clear();
  encode(out, DisconnectView{ReasonCode::kNotAuthorized, list.view()}, ProtocolVersion::k311);
  EXPECT_EQ(out, "\xE0\x00"s);
  out.clear();
  encode(out, SubscribeView{1, list.view(), {{"a", {QoS::kAtLeastOnce, true, true, RetainHandling::kDoNotSend}}}},
         ProtocolVersion::k311);
  EXPECT_EQ(out, "\x82\x06\x00\x01\x00\x01\x61\x01"s);
  out.clear();
  encode(out, ConnackView{true, 0, list.view()}, ProtocolVersion::k31);
  EXPECT_EQ(out, "\x20\x02\x00\x00"s) << "3.1 has no Session Present";
}

TEST(Encode, SaysFailureToA311SubscriberInTheOneWayItHas) {  // [MQTT-3.9.3-2]
  PROVES("3.1.1 MQTT-3.9.3-2");
  const std::array<std::uint8_t, 4> codes = {1, 0x87, 0x8F, 0x80};
  ByteBuffer out;
  encode(out, SubscriptionAcknowledgementView{PacketType::kSuback, 1, {}, codes}, ProtocolVersion::k311);
  EXPECT_EQ(out, "\x90\x06\x00\x01\x01\x80\x80\x80"s);
  out.clear();
  encode(out, SubscriptionAcknowledgementView{PacketType::kUnsuback, 1, {}, codes}, ProtocolVersion::k311);
  EXPECT_EQ(out, "\xB0\x02\x00\x01"s);
}

TEST(Encode, TakesTheShortFormsOf5) {
  PROVES("5.0 MQTT-2.1.3-1");
  ByteBuffer out;
  encode(out, AcknowledgementView{PacketType::kPubrel, 0x1234, ReasonCode::kSuccess, {}}, ProtocolVersion::k5);
  EXPECT_EQ(out, "\x62\x02\x12\x34"s);
  out.clear();
  encode(out, AcknowledgementView{PacketType::kPuback, 1, ReasonCode::kQuotaExceeded, {}}, ProtocolVersion::k5);
  EXPECT_EQ(out, "\x40\x03\x00\x01\x97"s);
  out.clear();
  encode(out, DisconnectView{}, ProtocolVersion::k5);
  EXPECT_EQ(out, "\xE0\x00"s);
  out.clear();
  encode(out, DisconnectView{ReasonCode::kDisconnectWithWillMessage, {}}, ProtocolVersion::k5);
  EXPECT_EQ(out, "\xE0\x01\x04"s);
}

TEST(Encode, AppendsBehindWhatIsThere) {
  PROVES("5.0 MQTT-2.2.2-1", "5.0 MQTT-3.2.2-1");
  ByteBuffer out = "before";
  encode(out, PingrespView{}, ProtocolVersion::k5);
  encode(out, ConnackView{}, ProtocolVersion::k5);
  EXPECT_EQ(out, "before\xD0\x00\x20\x03\x00\x00\x00"s);
}

TEST(Encode, NamesTheProtocolOfEachVersion) {
  for (const ProtocolVersion version : kVersions) {
    ConnectView connect;
    connect.version = version;
    connect.client_id = "c";
    ByteBuffer out;
    encode(out, connect);
    EXPECT_EQ(received(out, version), dump(connect));
    EXPECT_EQ(out.find("MQIsdp") != std::string::npos, version == ProtocolVersion::k31);
  }
}

struct PublishCase {
  QoS qos;
  std::size_t payload;
  std::size_t topic;
  int user_properties;
};

TEST(EncodePublish, SaysItsSizeBeforehandAndWhereThePacketIdentifierIs) {
  PROVES("5.0 MQTT-1.5.5-1", "5.0 MQTT-2.2.1-2");
  for (const PublishCase& c : {PublishCase{QoS::kAtMostOnce, 0, 1, 0}, PublishCase{QoS::kAtLeastOnce, 5, 3, 0},
                               PublishCase{QoS::kExactlyOnce, 120, 1, 1}, PublishCase{QoS::kAtLeastOnce, 16'370, 10, 9},
                               PublishCase{QoS::kAtLeastOnce, 2'097'152, 65'535, 1200}}) {
    for (const ProtocolVersion version : kVersions) {
      const std::string topic(c.topic, 't');
      const std::string payload(c.payload, 'p');
      const PropertyWriter list = user_properties(c.user_properties);
      const std::array<std::uint32_t, 3> ids = {1, 128, 268'435'455};
      const DeliveryPropertiesView delivery{ids, 30, true, 9};
      PublishView publish{false, c.qos, true, 0x1234, topic, list.view(), as_bytes(payload)};
      if (c.qos == QoS::kAtMostOnce) publish.packet_id = 0;
      ByteBuffer out = "before";
      const std::size_t packet_id_at = encode_publish_head(out, publish, delivery, version);
      EXPECT_EQ(out.size() - 6 + payload.size(), publish_size(publish, delivery, version));
      ASSERT_EQ(packet_id_at != 0, c.qos != QoS::kAtMostOnce);
      if (packet_id_at != 0) {
        EXPECT_EQ(out.substr(packet_id_at, 2), "\x12\x34");
      }
      const std::string whole = out.substr(6) + payload;
      const Result<std::optional<FrameView>, Refusal> frame = next_frame(as_bytes(whole), whole.size());
      ASSERT_TRUE(frame && *frame);
      const Result<PublishView, Refusal> got = decode_publish(**frame, version);
      ASSERT_TRUE(got);
      EXPECT_EQ(got->topic, topic);
      EXPECT_EQ(got->payload.size(), payload.size());
      const bool is_5 = version == ProtocolVersion::k5;
      EXPECT_EQ(got->properties.number(PropertyId::kTopicAlias), is_5 ? std::optional(9u) : std::nullopt);
      EXPECT_EQ(got->properties.number(PropertyId::kMessageExpiryInterval), is_5 ? std::optional(30u) : std::nullopt);
    }
  }
}

TEST(EncodePublish, SendsEverySubscriptionIdentifierAndTheMessagesOwnPropertiesBehindThem) {  // [MQTT-3.3.4-4]
  const PropertyWriter list = user_properties(1);
  const std::array<std::uint32_t, 3> ids = {5, 5, 300};
  const PublishView publish{false, QoS::kAtMostOnce, false, 0, "a", list.view(), {}};
  ByteBuffer out;
  encode_publish_head(out, publish, {ids, 0, false, 0}, ProtocolVersion::k5);
  EXPECT_EQ(out.substr(0, 13), "\x30\x1B\x00\x01\x61\x17\x0B\x05\x0B\x05\x0B\xAC\x02"s);
  EXPECT_EQ(out.substr(13), as_text(list.view().encoded()));
}

TEST(EncodePublish, AMessageExpiryOfZeroSecondsIsSaid) {
  const PublishView publish{false, QoS::kAtMostOnce, false, 0, "a", {}, {}};
  ByteBuffer out;
  encode_publish_head(out, publish, {{}, 0, true, 0}, ProtocolVersion::k5);
  EXPECT_EQ(out, "\x30\x09\x00\x01\x61\x05\x02\x00\x00\x00\x00"s);
}

}  // namespace
}  // namespace mortise::mqtt
