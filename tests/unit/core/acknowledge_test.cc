#include "core_test.h"

namespace mortise::core::testing {
namespace {

class AcknowledgeTest : public CoreTest {
 protected:
  struct Pair {
    TestClient& subscriber;
    TestClient& publisher;
  };
  /// A subscriber whose session goes on, with nothing received yet, and somebody who publishes.
  static Pair connected(TestBroker& broker, mqtt::ProtocolVersion version) {
    TestClient& subscriber = broker.client(version);
    subscriber.connect("s", false, version == k311 ? 0 : 1000);
    subscriber.subscribe("t", 2);
    subscriber.take_types();
    TestClient& publisher = broker.client();
    publisher.connect("p");
    publisher.take_types();
    return {subscriber, publisher};
  }
  static void publish(TestClient& publisher, std::string_view payload, int qos, mqtt::PacketId id) {
    publisher.publish("t", payload, qos, id);
    if (qos == 2) publisher.acknowledge(PacketType::kPubrel, id);
    publisher.take_types();
  }
  /// The client comes back with this Receive Maximum; what it gets, behind CONNACK.
  static std::vector<std::string> resume(TestClient& client, std::uint16_t receive_maximum = 0) {
    ConnectOptions connect;
    connect.client_id = "s";
    connect.clean_start = false;
    connect.session_expiry = client.version() == k311 ? 0 : 1000;
    connect.receive_maximum = receive_maximum;
    client.connect(connect);
    client.next();
    return said(client);
  }
  static std::vector<std::string> said(TestClient& client) {
    std::vector<std::string> what;
    while (client.has_next()) {
      if (client.next_type() == PacketType::kPublish) {
        const auto packet = client.next_as<mqtt::PublishView>();
        what.push_back(std::string(as_text(packet.payload)) + (packet.dup ? "+" : ""));
      } else {
        const PacketType type = client.next().type;
        what.push_back(type == PacketType::kPubrel ? "PUBREL" : "another");
      }
    }
    return what;
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, AcknowledgeTest, ::testing::Values(1, 3));

// MQTT-4.3.2-3, MQTT-4.3.3-3, 3.1.1 MQTT-4.3.2-1, MQTT-4.3.3-1
TEST_P(AcknowledgeTest, AnAcknowledgementOfTheWrongKindEndsTheConnectionAndAcknowledgesNothing) {
  struct Wrong {
    int qos;
    PacketType type;
    ReasonCode reason;
  };
  const Wrong table[] = {
      {2, PacketType::kPuback, ReasonCode::kSuccess},       {2, PacketType::kPuback, ReasonCode::kQuotaExceeded},
      {2, PacketType::kPubcomp, ReasonCode::kSuccess},      {1, PacketType::kPubrec, ReasonCode::kSuccess},
      {1, PacketType::kPubrec, ReasonCode::kQuotaExceeded}, {1, PacketType::kPubcomp, ReasonCode::kSuccess}};
  for (const mqtt::ProtocolVersion version : {k311, mqtt::ProtocolVersion::k5}) {
    for (const Wrong& wrong : table) {
      SCOPED_TRACE(std::string(mqtt::name_of(wrong.reason)) + " for QoS " + std::to_string(wrong.qos));
      TestBroker broker(options());
      auto [subscriber, publisher] = connected(broker, version);
      publish(publisher, "m", wrong.qos, 7);
      const mqtt::PacketId id = subscriber.next_as<mqtt::PublishView>().packet_id;
      if (version == k311 && wrong.reason != ReasonCode::kSuccess) continue;
      subscriber.acknowledge(wrong.type, id, wrong.reason);
      EXPECT_FALSE(subscriber.is_open());
      if (version != k311) {
        EXPECT_EQ(subscriber.next_as<mqtt::DisconnectView>().reason, ReasonCode::kProtocolError);
      }
      EXPECT_FALSE(subscriber.has_next());
      EXPECT_EQ(broker.total(&ShardCounters::protocol_errors), 1u);
      EXPECT_THAT(resume(broker.client(version)), ElementsAre("m+"));
    }
  }
}

TEST_P(AcknowledgeTest, AnUnknownPacketIdentifierIsAnsweredAndNoError) {  // 5.0 sections 3.5.2.1, 3.6.2.1, 3.7.2.1
  for (const mqtt::ProtocolVersion version : {k311, mqtt::ProtocolVersion::k5}) {
    TestBroker broker(options());
    auto [subscriber, publisher] = connected(broker, version);
    for (const PacketType type : {PacketType::kPuback, PacketType::kPubcomp}) subscriber.acknowledge(type, 99);
    EXPECT_FALSE(subscriber.has_next());
    subscriber.acknowledge(PacketType::kPubrec, 99);
    const auto pubrel = subscriber.next_as<mqtt::AcknowledgementView>();
    EXPECT_EQ(std::tuple(pubrel.type, pubrel.packet_id, pubrel.reason),
              std::tuple(PacketType::kPubrel, 99, ReasonCode::kSuccess));
    subscriber.acknowledge(PacketType::kPubrel, 98);
    const auto pubcomp = subscriber.next_as<mqtt::AcknowledgementView>();
    EXPECT_EQ(std::tuple(pubcomp.type, pubcomp.packet_id, pubcomp.reason),
              std::tuple(PacketType::kPubcomp, 98, ReasonCode::kSuccess));
    EXPECT_TRUE(subscriber.is_open());
  }
}

TEST_P(AcknowledgeTest,
       WithASmallerReceiveMaximumPubrelsAreSaidAtOnceAndPublishesWait) {  // MQTT-3.3.4-10, MQTT-3.3.4-9
  TestBroker broker(options());
  auto [subscriber, publisher] = connected(broker, mqtt::ProtocolVersion::k5);
  publish(publisher, "1", 1, 1);
  publish(publisher, "2", 2, 2);
  publish(publisher, "3", 2, 3);
  publish(publisher, "4", 2, 4);
  EXPECT_EQ(subscriber.waiting(), 4u);
  for (mqtt::PacketId id = 3; id <= 4; ++id) subscriber.acknowledge(PacketType::kPubrec, id);
  subscriber.drop();
  TestClient& again = broker.client();
  EXPECT_THAT(resume(again, 1), ElementsAre("1+", "PUBREL", "PUBREL"));
  again.acknowledge(PacketType::kPubcomp, 3);
  EXPECT_FALSE(again.has_next());
  again.acknowledge(PacketType::kPuback, 1);
  EXPECT_THAT(said(again), ElementsAre("2+"));
}

TEST_P(AcknowledgeTest, WhatIsSentAgainCountsAgainstTheServersReceiveMaximum) {  // MQTT-3.3.4-7, 5.0 section 4.9
  TestOptions small = options();
  small.mqtt.receive_maximum = 3;
  TestBroker broker(small);
  TestClient& first = broker.client();
  first.connect("s", false, 1000);
  for (mqtt::PacketId id = 1; id <= 3; ++id) first.publish("t", "x", 2, id);
  first.drop();
  TestClient& again = broker.client();
  resume(again);
  for (mqtt::PacketId id = 1; id <= 2; ++id) again.publish("t", "x", 2, id);
  again.publish("t", "x", 2, 1);  // once more: counted once
  again.publish("t", "x", 2, 4);
  EXPECT_EQ(again.take_types().size(), 4u);
  EXPECT_TRUE(again.is_open());
  again.publish("t", "x", 2, 3);
  EXPECT_EQ(again.next_as<mqtt::DisconnectView>().reason, ReasonCode::kReceiveMaximumExceeded);
}

TEST_P(AcknowledgeTest, ThePubrelOfAnEarlierConnectionsMessageGivesNoQuota) {  // 5.0 section 4.9
  TestOptions small = options();
  small.mqtt.receive_maximum = 3;
  TestBroker broker(small);
  TestClient& first = broker.client();
  first.connect("s", false, 1000);
  for (mqtt::PacketId id = 1; id <= 2; ++id) first.publish("t", "x", 2, id);
  first.drop();
  TestClient& again = broker.client();
  resume(again);
  for (mqtt::PacketId id = 11; id <= 13; ++id) again.publish("t", "x", 2, id);
  for (mqtt::PacketId id = 1; id <= 2; ++id) again.acknowledge(PacketType::kPubrel, id);
  EXPECT_EQ(again.take_types().size(), 5u);
  again.publish("t", "x", 2, 14);
  EXPECT_EQ(again.next_as<mqtt::DisconnectView>().reason, ReasonCode::kReceiveMaximumExceeded);
}

TEST_P(AcknowledgeTest, TheOwnPubrelGivesQuotaBack) {
  TestOptions small = options();
  small.mqtt.receive_maximum = 1;
  TestBroker broker(small);
  TestClient& client = broker.client();
  client.connect("s");
  for (mqtt::PacketId id = 1; id <= 10; ++id) {
    client.publish("t", "x", 2, id);
    client.acknowledge(PacketType::kPubrel, id);
  }
  EXPECT_TRUE(client.is_open());
}

}  // namespace
}  // namespace mortise::core::testing
