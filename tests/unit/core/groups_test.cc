#include "core_test.h"

namespace mortise::core::testing {
namespace {

// Shared subscriptions, 5.0 section 4.8.2.

class GroupsTest : public CoreTest {
 protected:
  static TestClient& member(TestBroker& broker, std::string id, int qos = 1, std::uint32_t session_expiry = 0,
                            std::uint16_t receive_maximum = 0) {
    TestClient& client = connected(broker, std::move(id), session_expiry, receive_maximum);
    client.subscribe("$share/g/t", qos);
    broker.make_durable();
    client.take_types();
    return client;
  }
  static void publish(TestBroker& broker, TestClient& publisher, std::string_view topic, std::string_view payload,
                      int qos = 1) {
    publisher.publish(topic, payload, qos, 9);
    broker.make_durable();
    if (qos == 2) publisher.acknowledge(PacketType::kPubrel, 9);
    broker.make_durable();
    publisher.take_types();
  }
  static std::string publisher_bytes(const TestClient& publisher, std::string_view topic, int number) {
    mqtt::PublishView packet;
    packet.topic = topic;
    packet.qos = mqtt::QoS::kAtLeastOnce;
    packet.packet_id = static_cast<mqtt::PacketId>(100 + number);
    return publisher.bytes_of(packet);
  }
  static std::vector<std::string> got(TestBroker& broker, TestClient& client, bool acknowledges = true) {
    std::vector<std::string> all;
    for (int round = 0; round < 100; ++round) {
      broker.make_durable();
      broker.serve_pages();
      for (std::string& text : client.take_publishes(acknowledges)) all.push_back(std::move(text));
    }
    return all;
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, GroupsTest, ::testing::Values(1, 3));

TEST_P(GroupsTest, WhoeverHasNoRoomIsPassedOver) {
  TestBroker broker(options());
  auto& slow = member(broker, "slow", 1, 0, 1);
  auto& quick = member(broker, "quick");
  auto& publisher = connected(broker, "p");
  std::size_t by_slow = 0, by_quick = 0;
  for (int i = 0; i < 10; ++i) {
    publish(broker, publisher, "t", std::to_string(i));
    by_quick += quick.take_publishes().size();
    by_slow += slow.take_publishes(false).size();
  }
  EXPECT_EQ(by_slow, 1u);
  EXPECT_EQ(by_quick, 9u);
}

TEST_P(GroupsTest, WhatNobodyHasRoomForWaitsForWhoeverHasItFirst) {
  TestBroker broker(options());
  auto& first = member(broker, "first", 1, 0, 1);
  auto& second = member(broker, "second", 1, 0, 1);
  auto& publisher = connected(broker, "p");
  for (int i = 0; i < 6; ++i) publish(broker, publisher, "t", std::to_string(i));
  EXPECT_EQ(first.waiting(), 1u);
  EXPECT_EQ(second.waiting(), 1u);
  EXPECT_THAT(got(broker, second), ElementsAre(::testing::_, "t=2", "t=3", "t=4", "t=5"));
  EXPECT_EQ(first.waiting(), 1u);
  EXPECT_EQ(broker.total(&ShardCounters::group_queue_dropped), 0u);
}

TEST_P(GroupsTest, AMessageThatIsThereBeforeTheFirstMemberIsOneWholeChange) {
  TestBroker broker(options(true));
  const auto loop = [&](std::size_t number) { return static_cast<LoopIndex>(number % broker.loops()); };
  const std::string topic = broker.topic_with_group_on(loop(0), "g");
  auto& publisher = connected(broker, broker.id_on(loop(0), "p"), 1000);
  auto& other = connected(broker, broker.id_on(loop(1), "s"), 1000);
  auto& first = connected(broker, broker.id_on(loop(2), "m"), 1000);
  other.subscribe(topic, 1);
  broker.make_durable();
  mqtt::SubscribeView join;
  join.packet_id = 1;
  const std::string filter = "$share/g/" + topic;
  join.requests.push_back({filter, {mqtt::QoS::kAtLeastOnce, false, false, mqtt::RetainHandling::kSend}});
  first.say_ahead(first.bytes_of(join));
  publisher.publish(topic, "1", 1, 9);
  EXPECT_TRUE(broker.ledger().outstanding.empty()) << "a change that is never whole holds up the store for ever";
  EXPECT_THAT(got(broker, other), ElementsAre(topic + "=1"));
}

TEST_P(GroupsTest, AtQoS0NobodyNeedsRoom) {
  TestBroker broker(options());
  auto& first = member(broker, "first", 1, 0, 1);
  auto& publisher = connected(broker, "p");
  publish(broker, publisher, "t", "1");
  publish(broker, publisher, "t", "2");
  publisher.publish("t", "3", 0);
  EXPECT_THAT(first.take_publishes(false), ElementsAre("t=1", "t=3"));
}

TEST_P(GroupsTest, AMemberThatTakesEverythingIsGivenEverythingInOrder) {
  TestBroker broker(options());
  auto& only = member(broker, "only");
  auto& publisher = connected(broker, "p");
  std::vector<std::string> all, expected;
  for (int i = 0; i < 2000; ++i) {
    publish(broker, publisher, "t", std::to_string(i));
    expected.push_back("t=" + std::to_string(i));
    for (std::string& text : only.take_publishes()) all.push_back(std::move(text));
  }
  EXPECT_EQ(all, expected);
}

TEST_P(GroupsTest, WhatASessionDidNotFinishAtQoS1GoesToAnotherMemberWhenItEnds) {
  for (const bool has_store : {false, true}) {
    TestBroker broker(options(has_store));
    auto& leaving = member(broker, "a", 1, 100);
    auto& publisher = connected(broker, "p");
    publish(broker, publisher, "t", "m");
    EXPECT_THAT(leaving.take_publishes(false), ElementsAre("t=m"));
    auto& staying = member(broker, "b", 1, 1000);
    leaving.drop();
    broker.advance(Millis(99'999));
    EXPECT_THAT(got(broker, staying), IsEmpty()) << "its own client may come back for it";
    broker.advance(Millis(1));
    broker.make_durable();
    const auto packet = staying.next_as<mqtt::PublishView>();
    EXPECT_EQ(as_text(packet.payload), "m");
    EXPECT_FALSE(packet.dup);
    EXPECT_EQ(broker.total(&ShardCounters::group_handed_back), 1u);
    EXPECT_TRUE(broker.ledger().outstanding.empty()) << "every piece is there";
  }
}

TEST_P(GroupsTest, AtQoS2OnlyWhatWasNotSentGoesToAnotherMember) {  // MQTT-4.8.2-4, MQTT-4.8.2-5
  TestBroker broker(options());
  auto& leaving = connected(broker, "a", 0, 2);
  leaving.subscribe("$share/g/t", 2);
  leaving.subscribe("plain", 1);
  leaving.take_types();
  auto& publisher = connected(broker, "p");
  publish(broker, publisher, "t", "sent", 2);
  publish(broker, publisher, "plain", "x");  // its window is full
  publish(broker, publisher, "t", "unsent", 2);
  EXPECT_THAT(leaving.take_publishes(false), ElementsAre("t=sent", "plain=x"));
  auto& staying = member(broker, "b", 2);
  leaving.disconnect();
  EXPECT_THAT(got(broker, staying), ElementsAre("t=unsent"));
}

TEST_P(GroupsTest, WithoutAnotherMemberNothingIsHandedToAnybody) {
  TestBroker broker(options(true));
  auto& leaving = member(broker, "a", 1, 100);
  auto& publisher = connected(broker, "p");
  publish(broker, publisher, "t", "m");
  leaving.drop();
  broker.advance(Millis(100'000));
  broker.make_durable();
  EXPECT_THAT(got(broker, member(broker, "b")), IsEmpty());
  EXPECT_TRUE(broker.ledger().outstanding.empty());
}

TEST_P(GroupsTest, WhatIsHandedBackWaitsForAnAbsentMember) {
  for (const bool has_store : {false, true}) {
    TestBroker broker(options(has_store));
    member(broker, "b", 1, 1000).drop();
    auto& leaving = member(broker, "a", 1, 100);
    auto& publisher = connected(broker, "p");
    publish(broker, publisher, "t", "m");
    leaving.take_publishes(false);
    leaving.disconnect(ReasonCode::kSuccess, 0);
    broker.make_durable();
    auto& again = broker.client();
    again.connect("b", false, 1000);
    EXPECT_THAT(got(broker, again), ElementsAre("t=m"));
    EXPECT_TRUE(broker.ledger().outstanding.empty());
  }
}

TEST_P(GroupsTest, ARefusedMessageGoesToNobodyElse) {  // MQTT-4.8.2-6
  for (const int qos : {1, 2}) {
    TestBroker broker(options());
    auto& refusing = member(broker, "a", qos, 100);
    auto& publisher = connected(broker, "p");
    publish(broker, publisher, "t", "m", qos);
    const auto id = refusing.next_as<mqtt::PublishView>().packet_id;
    auto& other = member(broker, "b", qos);
    refusing.acknowledge(qos == 1 ? PacketType::kPuback : PacketType::kPubrec, id, ReasonCode::kQuotaExceeded);
    refusing.drop();
    auto& again = connected(broker, "a", 0);
    EXPECT_THAT(got(broker, again), IsEmpty());
    again.disconnect();
    EXPECT_THAT(got(broker, other), IsEmpty());
  }
}

TEST_P(GroupsTest, AfterUnsubackAMemberGetsNothingMore) {  // MQTT-3.10.4-2
  for (const bool has_store : {false, true}) {
    TestBroker broker(options(has_store));
    const LoopIndex last = static_cast<LoopIndex>(broker.loops() - 1);
    const std::string topic = broker.topic_with_group_on(0, "g");
    auto& leaving = connected(broker, broker.id_on(last, "a"));
    auto& publisher = connected(broker, broker.id_on(0, "p"));
    auto& staying = connected(broker, broker.id_on(last, "b"), 1000);
    leaving.subscribe("$share/g/" + topic, 1);
    leaving.take_types();
    for (const bool has_other : {false, true}) {
      if (has_other) {
        leaving.subscribe("$share/g/" + topic, 1);
        staying.subscribe("$share/g/" + topic, 1);
        broker.make_durable();
        leaving.take_types();
        staying.take_types();
      }
      // Chosen on the group's loop before it hears of the end of the subscription, and said after UNSUBACK.
      mqtt::UnsubscribeView unsubscribe;
      unsubscribe.packet_id = 2;
      const std::string filter = "$share/g/" + topic;
      unsubscribe.filters.push_back(filter);
      for (int i = 0; i < 2; ++i) publisher.say_ahead(publisher_bytes(publisher, topic, i));
      leaving.say_ahead(leaving.bytes_of(unsubscribe));
      broker.settle();
      broker.make_durable();
      std::vector<PacketType> types = leaving.take_types();
      ASSERT_FALSE(types.empty());
      EXPECT_EQ(types.back(), PacketType::kUnsuback);
      if (broker.loops() > 1) {
        EXPECT_EQ(types.size(), 1u);
        EXPECT_EQ(got(broker, staying).size(), has_other ? 2u : 0u);
      }
      EXPECT_TRUE(broker.ledger().outstanding.empty());
    }
  }
}

TEST_P(GroupsTest, WhatAMemberWasNotSentBeforeItUnsubscribedGoesToAnother) {  // MQTT-3.10.4-2
  for (const bool has_store : {false, true}) {
    TestBroker broker(options(has_store));
    auto& leaving = connected(broker, "a", 100, 2);
    leaving.subscribe("$share/g/t", 1);
    leaving.subscribe("plain", 1);
    broker.make_durable();
    leaving.take_types();
    auto& publisher = connected(broker, "p");
    for (const char* text : {"1", "2"}) publish(broker, publisher, "plain", text);
    publish(broker, publisher, "t", "unsent");
    EXPECT_THAT(leaving.take_publishes(false), ElementsAre("plain=1", "plain=2"));
    auto& staying = member(broker, "b", 1, 1000);
    leaving.unsubscribe("$share/g/t");
    broker.make_durable();
    leaving.take_types();
    for (mqtt::PacketId id = 1; id <= 2; ++id) leaving.acknowledge(PacketType::kPuback, id);
    EXPECT_THAT(got(broker, leaving), IsEmpty());
    EXPECT_THAT(got(broker, staying), ElementsAre("t=unsent"));
    EXPECT_TRUE(broker.ledger().outstanding.empty());
  }
}

TEST_P(GroupsTest, AfterARestartWhatASessionDidNotFinishStillGoesToAnotherMemberWhenItEnds) {
  TestBroker broker(options(true));
  auto& leaving = member(broker, "a", 1, 100);
  auto& publisher = connected(broker, "p");
  publish(broker, publisher, "t", "m");
  EXPECT_THAT(leaving.take_publishes(false), ElementsAre("t=m"));
  leaving.drop();
  member(broker, "b", 1, 1000).drop();
  broker.make_durable();
  TestBroker after(std::move(broker));
  auto& staying = connected(after, "b", 1000);
  after.advance(Millis(100'000));
  after.serve_pages();
  after.advance(Millis(1000));
  EXPECT_THAT(got(after, staying), ElementsAre("t=m"));
  EXPECT_TRUE(after.ledger().outstanding.empty());
}

}  // namespace
}  // namespace mortise::core::testing
