#include "core_test.h"

namespace mortise::core::testing {
namespace {

// MQTT-3.3.2-5: what has not begun to be delivered when its Message Expiry Interval has passed is deleted. An interval
// of 0 has passed at once: whoever can be given it as it arrives gets it, at every QoS, and nobody else.

class MessageExpiryTest : public CoreTest {
 protected:
  static TestClient& subscribed(TestBroker& broker, std::string id, std::string_view filter, int qos,
                                std::uint32_t session_expiry = 0, std::uint16_t receive_maximum = 0) {
    TestClient& client = connected(broker, std::move(id), session_expiry, receive_maximum);
    client.subscribe(filter, qos);
    broker.make_durable();
    client.take_types();
    return client;
  }
  static void publish(TestClient& client, std::string_view payload, int qos, std::uint32_t expiry,
                      bool retain = false) {
    mqtt::PublishView packet;
    packet.topic = "t";
    packet.payload = as_bytes(payload);
    packet.qos = static_cast<mqtt::QoS>(qos);
    packet.packet_id = qos == 0 ? 0 : 9;
    packet.retain = retain;
    mqtt::PropertyWriter properties;
    properties.put(mqtt::PropertyId::kMessageExpiryInterval, expiry);
    packet.properties = properties.view();
    client.send(packet);
    if (qos == 2) client.acknowledge(PacketType::kPubrel, 9);
    client.take_types();
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, MessageExpiryTest, ::testing::Values(1, 3));

TEST_P(MessageExpiryTest, AnIntervalOfZeroReachesWhoeverIsThereAtEveryQoS) {
  TestBroker broker(options());
  auto& publisher = connected(broker, "p");
  for (int subscribed_at = 0; subscribed_at <= 2; ++subscribed_at) {
    auto& subscriber = subscribed(broker, "s" + std::to_string(subscribed_at), "t", subscribed_at);
    for (int qos = 0; qos <= 2; ++qos) {
      publish(publisher, "x", qos, 0);
      ASSERT_TRUE(subscriber.has_next()) << subscribed_at << qos;
      const auto packet = subscriber.next_as<mqtt::PublishView>();
      EXPECT_EQ(packet.properties.number(mqtt::PropertyId::kMessageExpiryInterval), 0u);
    }
  }
}

TEST_P(MessageExpiryTest, AnIntervalOfZeroIsNotKeptForWhomeverHasToWait) {
  TestBroker broker(options());
  auto& away = subscribed(broker, "away", "t", 1, 1000);
  away.drop();
  auto& full = subscribed(broker, "full", "t", 1, 0, 1);
  auto& publisher = connected(broker, "p");
  publish(publisher, "1", 1, 60);
  publish(publisher, "2", 1, 0, true);
  EXPECT_THAT(full.take_publishes(), ElementsAre("t=1"));
  EXPECT_FALSE(full.has_next()) << "its window was full";
  EXPECT_EQ(broker.total(&ShardCounters::dropped_expired), 2u);
  auto& again = broker.client();
  again.connect("away", false, 1000);
  EXPECT_THAT(again.take_publishes(), ElementsAre("t=1"));
  auto& late = subscribed(broker, "late", "t", 1);
  EXPECT_THAT(late.take_publishes(), IsEmpty()) << "retained, and expired";
}

TEST_P(MessageExpiryTest, WhatWaitsForNobodyDoesNotTakeThePlaceOfWhatWaits) {
  TestOptions small = options();
  small.session.queue.max_messages = 1;
  TestBroker broker(small);
  subscribed(broker, "away", "t", 1, 1000).drop();
  auto& publisher = connected(broker, "p");
  publish(publisher, "1", 1, 60);
  publish(publisher, "2", 1, 0);
  auto& again = broker.client();
  again.connect("away", false, 1000);
  EXPECT_THAT(again.take_publishes(), ElementsAre("t=1"));
}

TEST_P(MessageExpiryTest, WhatWaitedForASharedSubscriptionExpiresForMembersAtEveryQoS) {
  for (int qos = 0; qos <= 2; ++qos) {
    TestBroker broker(options());
    subscribed(broker, "m", "$share/g/t", qos, 1000).drop();
    auto& publisher = connected(broker, "p");
    publish(publisher, "1", 1, 1);
    publish(publisher, "2", 1, 60);
    publish(publisher, "3", 1, 0);
    broker.advance(Millis(5000));
    auto& again = broker.client();
    again.connect("m", false, 1000);
    EXPECT_THAT(again.take_publishes(), ElementsAre("t=2")) << qos;
    EXPECT_EQ(broker.total(&ShardCounters::dropped_expired), 2u) << qos;
  }
}

TEST_P(MessageExpiryTest, WhatIsHeldForTheStoreExpiresMeanwhileAtEveryQoS) {
  for (int qos = 0; qos <= 2; ++qos) {
    TestBroker broker(options(true));
    auto& subscriber = subscribed(broker, "s", "t", qos);
    auto& publisher = connected(broker, "p", 1000);
    publish(publisher, "1", 2, 1);
    broker.make_durable();
    EXPECT_EQ(subscriber.take_publishes().size(), 1u) << qos;
    publish(publisher, "2", 2, 1);
    broker.advance(Millis(1000));
    broker.make_durable();
    EXPECT_THAT(subscriber.take_publishes(), IsEmpty()) << qos;
    EXPECT_EQ(broker.total(&ShardCounters::dropped_expired), 1u) << qos;
  }
}

TEST_P(MessageExpiryTest, AWillKeepsItsIntervalEvenOfZero) {  // MQTT-3.3.2-6
  for (const std::uint32_t expiry : {0u, 1u}) {
    TestBroker broker(options());
    auto& watcher = subscribed(broker, "w", "will", 1);
    auto& client = broker.client();
    ConnectOptions connect;
    connect.client_id = "c";
    connect.will_topic = "will";
    connect.will_retain = true;
    connect.will_expiry = expiry;
    client.connect(connect);
    client.drop();
    const auto packet = watcher.next_as<mqtt::PublishView>();
    EXPECT_EQ(packet.properties.number(mqtt::PropertyId::kMessageExpiryInterval), expiry);
    broker.advance(Millis(2000));
    EXPECT_THAT(subscribed(broker, "late", "will", 1).take_publishes(), IsEmpty());
  }
}

}  // namespace
}  // namespace mortise::core::testing
