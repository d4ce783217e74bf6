#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness.h"
#include "tests/conformance/proof.h"

namespace mortise::core::testing {
namespace {

using mqtt::PacketType;
using mqtt::ReasonCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Every test runs on one loop and on three: where a client lives must not matter.
class PublishTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  TestOptions options(bool has_store = false) {
    TestOptions options;
    options.loops = GetParam();
    options.has_store = has_store;
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, PublishTest, ::testing::Values(1, 3));

TEST_P(PublishTest, AMessageReachesASubscriberAndNobodyElse) {
  PROVES("3.1.1 MQTT-3.3.2-3", "3.1.1 MQTT-3.8.4-1", "5.0 MQTT-3.1.4-5", "5.0 MQTT-3.3.2-3", "5.0 MQTT-3.8.4-1");
  TestBroker broker(options());
  auto& subscriber = broker.client();
  auto& stranger = broker.client(mqtt::ProtocolVersion::k311);
  auto& publisher = broker.client(mqtt::ProtocolVersion::k311);
  subscriber.connect("s");
  EXPECT_EQ(subscriber.next_as<mqtt::ConnackView>().code, 0);
  stranger.connect("x");
  publisher.connect("p");
  subscriber.subscribe("a/+", 0);
  EXPECT_EQ(subscriber.next_as<mqtt::SubscriptionAcknowledgementView>().codes[0], 0);
  stranger.subscribe("b", 0);
  publisher.publish("a/1", "hello");
  EXPECT_THAT(subscriber.take_publishes(), ElementsAre("a/1=hello"));
  EXPECT_THAT(stranger.take_publishes(), IsEmpty());
}

/// Which properties of the publisher reach whom, whatever else could be passed on byte for byte.
TEST_P(PublishTest, OfItsPropertiesTheAliasStaysAndTheExpiryCountsDown) {  // MQTT-3.3.2-6, MQTT-3.3.2-17
  PROVES("5.0 MQTT-3.3.2-20");
  TestBroker broker(options());
  auto& subscriber = broker.client();
  auto& old = broker.client(mqtt::ProtocolVersion::k311);
  auto& publisher = broker.client();
  subscriber.connect("s");
  old.connect("o");
  publisher.connect("p");
  subscriber.subscribe("t", 0);
  old.subscribe("t", 0);
  for (TestClient* client : {&subscriber, &old}) client->take_types();

  mqtt::PropertyWriter properties;
  properties.put(mqtt::PropertyId::kTopicAlias, 1);
  properties.put(mqtt::PropertyId::kMessageExpiryInterval, 60);
  properties.put(mqtt::PropertyId::kContentType, "text");
  mqtt::PublishView packet;
  packet.topic = "t";
  packet.payload = as_bytes("x");
  packet.properties = properties.view();
  for (int i = 0; i < 3; ++i) {
    publisher.send(packet);
    packet.topic = {};  // from now on the alias says it
    const auto got = subscriber.next_as<mqtt::PublishView>();
    EXPECT_EQ(got.topic, "t");
    EXPECT_FALSE(got.properties.has(mqtt::PropertyId::kTopicAlias));
    EXPECT_EQ(got.properties.number(mqtt::PropertyId::kMessageExpiryInterval), 60u);
    EXPECT_EQ(got.properties.text(mqtt::PropertyId::kContentType), "text");
    const auto plain = old.next_as<mqtt::PublishView>();
    EXPECT_EQ(plain.topic, "t");
    EXPECT_EQ(as_text(plain.payload), "x");
  }
}

TEST_P(PublishTest, WhateverThePublisherSentAReceiverGetsItInItsOwnForm) {
  PROVES("3.1.1 MQTT-3.3.1-2", "3.1.1 MQTT-3.3.1-9", "3.1.1 MQTT-4.3.1-1", "5.0 MQTT-3.3.1-2", "5.0 MQTT-3.3.1-12",
         "5.0 MQTT-4.3.1-1");
  using mqtt::ProtocolVersion;
  for (const ProtocolVersion from : {ProtocolVersion::k31, ProtocolVersion::k311, ProtocolVersion::k5}) {
    for (const ProtocolVersion to : {ProtocolVersion::k31, ProtocolVersion::k311, ProtocolVersion::k5}) {
      TestBroker broker(options());
      auto& subscriber = broker.client(to);
      auto& publisher = broker.client(from);
      subscriber.connect("s");
      publisher.connect("p");
      subscriber.subscribe("t/#", 1);
      subscriber.take_types();
      mqtt::PublishView packet;
      packet.topic = "t/1";
      packet.payload = as_bytes("payload");
      for (const int qos : {0, 1}) {
        for (const bool retain : {false, true}) {
          packet.qos = static_cast<mqtt::QoS>(qos);
          packet.packet_id = static_cast<mqtt::PacketId>(qos * 77);
          packet.retain = retain;
          publisher.send(packet);
          const auto got = subscriber.next_as<mqtt::PublishView>();
          EXPECT_EQ(got.topic, "t/1");
          EXPECT_EQ(as_text(got.payload), "payload");
          EXPECT_EQ(static_cast<int>(got.qos), qos);
          EXPECT_FALSE(got.retain);  // MQTT-3.3.1-12
          EXPECT_FALSE(got.dup);     // MQTT-3.3.1-3
          EXPECT_TRUE(got.properties.empty());
        }
      }
    }
  }
}

/// 3.1.1 does not forbid a Remaining Length with more bytes than it needs; 5.0 does (MQTT-1.5.5-1).
TEST_P(PublishTest, ALongRemainingLengthIsNotPassedOn) {
  PROVES("5.0 MQTT-1.5.5-1");
  TestBroker broker(options());
  auto& subscriber = broker.client();
  auto& publisher = broker.client(mqtt::ProtocolVersion::k311);
  auto& old = broker.client(mqtt::ProtocolVersion::k311);
  subscriber.connect("s");
  old.connect("o");
  publisher.connect("p");
  subscriber.subscribe("t", 0);
  old.subscribe("t", 0);
  for (TestClient* client : {&subscriber, &old}) client->take_types();
  publisher.send(std::string_view("\x30\x84\x00\x00\x01tx", 7));
  EXPECT_EQ(as_text(subscriber.next_as<mqtt::PublishView>().payload), "x");
  EXPECT_EQ(old.next().bytes, std::string_view("\x30\x04\x00\x01tx", 6));
}

/// The match cache vouches for topics it knows: for those alone.
TEST_P(PublishTest, AMalformedTopicIsRefusedAlsoNextToOneThatIsKnown) {  // MQTT-1.5.4-1, MQTT-3.3.2-2
  PROVES("5.0 MQTT-1.5.4-1", "5.0 MQTT-3.3.2-2");
  for (const std::string_view topic : {"t/\xff", "t/\xc0\x80", "t/+", "t/#", "#"}) {
    TestBroker broker(options());
    auto& subscriber = broker.client();
    auto& publisher = broker.client();
    subscriber.connect("s");
    publisher.connect("p");
    subscriber.subscribe("t/#", 0);
    publisher.next();
    publisher.publish("t/a", "good");
    publisher.publish(topic, "bad");
    EXPECT_THAT(subscriber.take_publishes(), ElementsAre("t/a=good"));
    EXPECT_GE(static_cast<int>(publisher.next_as<mqtt::DisconnectView>().reason), 0x80);
  }
}

TEST_P(PublishTest, QoS1IsAcknowledgedOnBothSides) {  // MQTT-4.3.2-4
  PROVES("5.0 MQTT-2.2.1-5", "5.0 MQTT-3.3.4-1", "5.0 MQTT-4.3.2-4");
  TestBroker broker(options());
  auto& subscriber = broker.client();
  auto& publisher = broker.client();
  subscriber.connect("s");
  publisher.connect("p");
  subscriber.subscribe("t", 1);
  publisher.next();
  publisher.publish("t", "1", 1, 7);
  const auto puback = publisher.next_as<mqtt::AcknowledgementView>();
  EXPECT_EQ(puback.type, PacketType::kPuback);
  EXPECT_EQ(puback.packet_id, 7);
  EXPECT_EQ(puback.reason, ReasonCode::kSuccess);
  EXPECT_THAT(subscriber.take_publishes(), ElementsAre("t=1"));
}

TEST_P(PublishTest, QoS2PassesOnADuplicateOnce) {  // MQTT-4.3.3-10
  PROVES("5.0 MQTT-3.3.4-1", "5.0 MQTT-4.3.3-8", "5.0 MQTT-4.3.3-10", "5.0 MQTT-4.3.3-11");
  TestBroker broker(options());
  auto& subscriber = broker.client();
  auto& publisher = broker.client();
  subscriber.connect("s");
  publisher.connect("p");
  subscriber.subscribe("t", 2);
  publisher.next();
  publisher.publish("t", "1", 2, 9);
  publisher.publish("t", "1", 2, 9);
  EXPECT_EQ(publisher.next_as<mqtt::AcknowledgementView>().type, PacketType::kPubrec);
  EXPECT_EQ(publisher.next_as<mqtt::AcknowledgementView>().type, PacketType::kPubrec);
  publisher.acknowledge(PacketType::kPubrel, 9);
  EXPECT_EQ(publisher.next_as<mqtt::AcknowledgementView>().type, PacketType::kPubcomp);
  EXPECT_THAT(subscriber.take_publishes(), ElementsAre("t=1"));
}

TEST_P(PublishTest, AQueueWaitsForAnAbsentClientAndKeepsItsOrder) {
  PROVES("5.0 MQTT-3.1.2-5", "5.0 MQTT-3.1.2-23", "5.0 MQTT-3.1.3-2", "5.0 MQTT-3.2.2-3", "5.0 MQTT-4.5.0-1");
  TestBroker broker(options());
  auto& subscriber = broker.client();
  auto& publisher = broker.client();
  subscriber.connect("s", true, 1000);
  publisher.connect("p");
  subscriber.subscribe("t", 1);
  subscriber.drop();
  for (int i = 1; i <= 50; ++i) publisher.publish("t", std::to_string(i), 1, static_cast<mqtt::PacketId>(i));
  auto& again = broker.client();
  again.connect("s", false, 1000);
  EXPECT_TRUE(again.next_as<mqtt::ConnackView>().session_present);
  const auto messages = again.take_publishes();
  ASSERT_EQ(messages.size(), 50u);
  for (int i = 1; i <= 50; ++i) EXPECT_EQ(messages[static_cast<std::size_t>(i - 1)], "t=" + std::to_string(i));
}

TEST_P(PublishTest, ARetainedMessageReachesALaterSubscriberWithItsFlag) {  // MQTT-3.3.1-9
  TestBroker broker(options());
  auto& publisher = broker.client();
  publisher.connect("p");
  publisher.publish("t", "kept", 0, 0, true);
  auto& subscriber = broker.client();
  subscriber.connect("s");
  subscriber.next();
  subscriber.subscribe("#", 0);
  subscriber.next();
  const auto packet = subscriber.next_as<mqtt::PublishView>();
  EXPECT_TRUE(packet.retain);
  EXPECT_EQ(as_text(packet.payload), "kept");
}

TEST_P(PublishTest, ARetainedMessageThatHasNoRoomReachesSubscribersAndEndsTheOneBeforeIt) {  // MQTT-3.3.1-5
  TestOptions small = options(true);
  small.retained.maximum_bytes = 10'000;
  TestBroker broker(small);
  auto& subscriber = broker.client();
  auto& publisher = broker.client();
  subscriber.connect("s");
  subscriber.subscribe("t", 0);
  publisher.connect("p");
  subscriber.take_types();
  publisher.publish("t", "old", 1, 1, true);
  publisher.publish("t", std::string(20'000, 'x'), 1, 2, true);
  broker.make_durable();
  EXPECT_EQ(subscriber.take_publishes().size(), 2u);
  EXPECT_THAT(publisher.take_types(), ElementsAre(PacketType::kConnack, PacketType::kPuback, PacketType::kPuback));
  auto& late = broker.client();
  late.connect("late");
  late.subscribe("t", 0);
  EXPECT_THAT(late.take_publishes(), IsEmpty());
  EXPECT_TRUE(broker.ledger().retained.empty()) << "in the store neither";
  EXPECT_EQ(broker.total(&ShardCounters::retained_refused), 1u);
}

TEST_P(PublishTest, ADurableAcknowledgementWaitsForTheJournal) {
  PROVES("5.0 MQTT-3.2.0-1", "5.0 MQTT-4.3.2-4");
  TestBroker broker(options(true));
  auto& subscriber = broker.client();
  auto& publisher = broker.client();
  subscriber.connect("s", true, 1000);
  EXPECT_FALSE(subscriber.has_next()) << "CONNACK of a persistent session waits";
  broker.make_durable();
  publisher.connect("p");
  subscriber.subscribe("t", 1);
  broker.make_durable();
  subscriber.next();
  subscriber.next();
  publisher.next();
  publisher.publish("t", "1", 1, 3);
  EXPECT_FALSE(publisher.has_next());
  EXPECT_THAT(subscriber.take_publishes(false), ElementsAre("t=1")) << "at QoS 1 the subscriber need not wait";
  broker.make_durable();
  EXPECT_EQ(publisher.next_as<mqtt::AcknowledgementView>().type, PacketType::kPuback);
}

TEST_P(PublishTest, ADurableQoS2MessageIsNotPassedOnBeforeItIsDurable) {
  PROVES("5.0 MQTT-3.2.0-1", "5.0 MQTT-4.3.3-8");
  TestBroker broker(options(true));
  auto& subscriber = broker.client();
  auto& listener = broker.client();
  auto& publisher = broker.client();
  subscriber.connect("s");
  listener.connect("l");
  subscriber.subscribe("t", 2);
  listener.subscribe("t", 0);
  publisher.connect("p", true, 1000);
  broker.make_durable();
  publisher.next();
  publisher.publish("t", "1", 2, 3);
  EXPECT_FALSE(publisher.has_next());
  EXPECT_THAT(subscriber.take_publishes(), IsEmpty());
  EXPECT_THAT(listener.take_publishes(), IsEmpty());
  broker.make_durable();
  EXPECT_EQ(publisher.next_as<mqtt::AcknowledgementView>().type, PacketType::kPubrec);
  EXPECT_THAT(subscriber.take_publishes(), ElementsAre("t=1"));
  EXPECT_THAT(listener.take_publishes(), ElementsAre("t=1"));
}

TEST_P(PublishTest, ASharedSubscriptionGivesEachMessageToOneMember) {  // MQTT-4.8.2-4
  TestBroker broker(options());
  auto& one = broker.client();
  auto& other = broker.client();
  auto& publisher = broker.client();
  one.connect("1");
  other.connect("2");
  publisher.connect("p");
  one.subscribe("$share/g/t", 1);
  other.subscribe("$share/g/t", 1);
  for (int i = 1; i <= 10; ++i) publisher.publish("t", std::to_string(i), 1, static_cast<mqtt::PacketId>(i));
  const auto first = one.take_publishes();
  const auto second = other.take_publishes();
  EXPECT_EQ(first.size(), 5u);
  EXPECT_EQ(second.size(), 5u);
}

TEST_P(PublishTest, AWillIsPublishedWhenTheConnectionIsLost) {  // MQTT-3.1.2-8
  PROVES("5.0 MQTT-3.1.2-7", "5.0 MQTT-3.1.2-8");
  TestBroker broker(options());
  auto& subscriber = broker.client();
  subscriber.connect("s");
  subscriber.subscribe("w", 0);
  auto& dying = broker.client();
  mqtt::ConnectView packet;
  packet.client_id = "d";
  packet.clean_start = true;
  packet.will = mqtt::WillView{mqtt::QoS::kAtMostOnce, false, {}, "w", as_bytes("gone")};
  std::string bytes;
  mqtt::encode(bytes, packet);
  dying.send(std::string_view(bytes));
  dying.drop();
  EXPECT_THAT(subscriber.take_publishes(), ElementsAre("w=gone"));
}

TEST_P(PublishTest, ANewConnectionTakesOverAndTheOldOneIsTold) {  // MQTT-3.1.4-3
  PROVES("5.0 MQTT-3.1.3-2", "5.0 MQTT-3.1.4-3", "5.0 MQTT-3.14.2-1", "5.0 MQTT-3.14.4-2");
  TestBroker broker(options());
  auto& old = broker.client();
  old.connect("c");
  old.next();
  auto& newer = broker.client();
  newer.connect("c");
  EXPECT_EQ(old.next_as<mqtt::DisconnectView>().reason, ReasonCode::kSessionTakenOver);
  EXPECT_FALSE(old.is_open());
  EXPECT_EQ(newer.next_as<mqtt::ConnackView>().code, 0);
}

TEST_P(PublishTest, ASilentClientIsDisconnectedAfterOneAndAHalfKeepAlives) {  // MQTT-3.1.2-22
  PROVES("5.0 MQTT-3.2.2-22", "5.0 MQTT-3.14.4-2");
  TestBroker broker(options());
  auto& client = broker.client();
  mqtt::ConnectView packet;
  packet.client_id = "k";
  packet.clean_start = true;
  packet.keep_alive = 2;
  std::string bytes;
  mqtt::encode(bytes, packet);
  client.send(std::string_view(bytes));
  client.next();
  broker.advance(Millis(2999));
  EXPECT_TRUE(client.is_open());
  broker.advance(Millis(1));
  EXPECT_FALSE(client.is_open());
  EXPECT_EQ(client.next_as<mqtt::DisconnectView>().reason, ReasonCode::kKeepAliveTimeout);
}

TEST_P(PublishTest, AClearIsDurableBeforeItIsAcknowledgedThoughNothingIsRetainedAnyMore) {  // MQTT-3.3.1-6
  TestBroker broker(options(true));
  const auto last = static_cast<LoopIndex>(GetParam() - 1);
  auto& first = broker.client();
  auto& second = broker.client();
  first.connect(broker.id_on(0, "first"));
  second.connect(broker.id_on(last, "second"));
  second.take_types();
  first.publish("t", "1", 1, 1, true);
  broker.make_durable();
  first.take_types();
  first.publish("t", "", 1, 2, true);
  second.publish("t", "", 1, 3, true);
  EXPECT_FALSE(second.has_next()) << "after a crash now it would be there again";
  broker.make_durable(last, broker.journal(last).position());
  EXPECT_THAT(second.take_types(), ElementsAre(PacketType::kPuback));
}

}  // namespace
}  // namespace mortise::core::testing
