#include "broker/core/room.h"

#include "core_test.h"

// session.queue.when_full: reject. Whoever has room gets the message; the publisher hears whether everybody had.

namespace mortise::core::testing {
namespace {

using mqtt::AcknowledgementView;

class RoomTest : public CoreTest {
 protected:
  static constexpr std::uint64_t kRoom = 2;

  TestOptions rejecting(bool has_store = false) {
    TestOptions made = options(has_store);
    made.session.queue.max_messages = kRoom;
    made.session.queue.when_full = session::WhenFull::kReject;
    return made;
  }
  static LoopIndex loop(const TestBroker& broker, std::size_t number) {
    return static_cast<LoopIndex>(number % broker.loops());
  }
  /// An absent client, whose queue waits on that loop.
  static std::string absent(TestBroker& broker, std::size_t number, std::string_view filter, int qos = 2) {
    const std::string id = broker.id_on(loop(broker, number), "to " + std::string(filter) + " ");
    TestClient& client = connected(broker, id, 1000);
    client.subscribe(filter, qos);
    broker.make_durable();
    client.drop();
    return id;
  }
  static TestClient& publisher_on(TestBroker& broker, std::size_t number, std::uint32_t expiry = 0) {
    return connected(broker, broker.id_on(loop(broker, number), "p"), expiry);
  }
  /// The packet that acknowledges, as "type identifier reason".
  static std::string answer(TestBroker& broker, TestClient& client) {
    for (int i = 0; i < 5; ++i) broker.make_durable();
    if (!client.has_next()) return "nothing";
    const auto packet = client.next_as<AcknowledgementView>();
    return std::string(packet.type == PacketType::kPuback   ? "PUBACK "
                       : packet.type == PacketType::kPubrec ? "PUBREC "
                                                            : "PUBCOMP ") +
           std::to_string(packet.packet_id) + " " + mqtt::name_of(packet.reason);
  }
  static std::string published(TestBroker& broker, TestClient& publisher, std::string_view topic, std::string_view text,
                               int qos = 1, mqtt::PacketId id = 7) {
    publisher.publish(topic, text, qos, id);
    return answer(broker, publisher);
  }
  static std::vector<std::string> waiting(TestBroker& broker, const std::string& id) {
    TestClient& client = connected_to(broker, id);
    std::vector<std::string> got;
    for (int round = 0; round < 5; ++round) {
      broker.serve_pages();
      broker.make_durable();
      for (std::string& one : client.take_publishes()) got.push_back(std::move(one));
    }
    return got;
  }
  static TestClient& connected_to(TestBroker& broker, const std::string& id) {
    TestClient& client = broker.client();
    client.connect(id, false, 1000);
    return client;
  }
  static void expect_nothing_left(TestBroker& broker) {
    EXPECT_EQ(broker.total(&ShardHoldings::awaited), 0u);
    EXPECT_EQ(broker.total(&ShardHoldings::parked), 0u);
    EXPECT_TRUE(broker.ledger().outstanding.empty());
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, RoomTest, ::testing::Values(1, 3));

TEST_P(RoomTest, APublisherHearsThatNotEverybodyHadRoomAndTheOthersGetTheMessage) {
  for (const bool has_store : {false, true}) {
    for (std::size_t home = 0; home < GetParam(); ++home) {
      TestBroker broker(rejecting(has_store));
      const std::string full = absent(broker, home, "a/+");
      const std::string another = absent(broker, home + 1, "+/2");
      TestClient& publisher = publisher_on(broker, 0);
      EXPECT_EQ(published(broker, publisher, "a/1", "1"), "PUBACK 7 Success");
      EXPECT_EQ(published(broker, publisher, "a/2", "2"), "PUBACK 7 Success");
      EXPECT_EQ(published(broker, publisher, "a/2", "3"), "PUBACK 7 Quota exceeded");
      EXPECT_EQ(published(broker, publisher, "a/1", "4"), "PUBACK 7 Quota exceeded");
      EXPECT_EQ(published(broker, publisher, "c", "5"), "PUBACK 7 No matching subscribers");
      EXPECT_EQ(broker.total(&ShardCounters::dropped_queue_full), 2u);
      EXPECT_EQ(broker.total(&ShardCounters::publishes_over_quota), 2u);
      expect_nothing_left(broker);
      EXPECT_THAT(waiting(broker, full), ElementsAre("a/1=1", "a/2=2"));
      EXPECT_THAT(waiting(broker, another), ElementsAre("a/2=2", "a/2=3"));
      EXPECT_EQ(published(broker, publisher, "a/1", "6"), "PUBACK 7 Success") << "there is room again";
    }
  }
}

TEST_P(RoomTest, AtQoS2TheExchangeEndsAndItsIdentifierIsFree) {  // MQTT-4.3.3-9
  for (const bool has_store : {false, true}) {
    for (std::size_t home = 0; home < GetParam(); ++home) {
      TestOptions options = rejecting(has_store);
      options.mqtt.receive_maximum = 1;
      TestBroker broker(options);
      const std::string full = absent(broker, home, "t");
      const std::string another = absent(broker, home + 1, "u");
      TestClient& publisher = publisher_on(broker, 0, 1000);
      for (mqtt::PacketId id = 1; id <= kRoom; ++id) {
        EXPECT_EQ(published(broker, publisher, "t", "x", 2, id), "PUBREC " + std::to_string(id) + " Success");
        publisher.acknowledge(PacketType::kPubrel, id);
        EXPECT_EQ(answer(broker, publisher), "PUBCOMP " + std::to_string(id) + " Success");
      }
      for (int round = 0; round < 3; ++round)
        EXPECT_EQ(published(broker, publisher, "t", "no", 2, 5), "PUBREC 5 Quota exceeded");
      EXPECT_EQ(published(broker, publisher, "u", "new", 2, 5), "PUBREC 5 Success");
      publisher.acknowledge(PacketType::kPubrel, 5);
      EXPECT_EQ(answer(broker, publisher), "PUBCOMP 5 Success");
      expect_nothing_left(broker);
      EXPECT_THAT(waiting(broker, another), ElementsAre("u=new"));
      EXPECT_THAT(waiting(broker, full), ElementsAre("t=x", "t=x"));
    }
  }
}

TEST_P(RoomTest, ARefusedIdentifierIsNotInTheStoreWhenItsPublisherHears) {
  TestBroker broker(rejecting(true));
  absent(broker, 1, "t");
  const std::string id = broker.id_on(0, "p");
  TestClient& publisher = connected(broker, id, 1000);
  for (mqtt::PacketId packet = 1; packet <= kRoom; ++packet) {
    published(broker, publisher, "t", "x", 1, packet);
  }
  EXPECT_EQ(published(broker, publisher, "t", "x", 2, 9), "PUBREC 9 Quota exceeded");
  TestBroker after(std::move(broker));
  const std::string another = absent(after, 1, "u");
  TestClient& again = connected(after, id, 1000);
  EXPECT_EQ(published(after, again, "u", "another", 2, 9), "PUBREC 9 Success");
  EXPECT_THAT(waiting(after, another), ElementsAre("u=another"));
}

TEST_P(RoomTest, ARefusedIdentifierIsFreeInTheStoreBeforeItsPublisherHears) {
  TestBroker broker(rejecting(true));
  absent(broker, 1, "t");
  TestClient& publisher = publisher_on(broker, 0, 1000);
  for (mqtt::PacketId id = 1; id <= kRoom; ++id) published(broker, publisher, "t", "x", 1, id);
  publisher.publish("t", "no", 2, 9);
  const std::uint64_t end = broker.journal(0).position();
  for (LoopIndex other = 1; other < broker.loops(); ++other)
    broker.make_durable(other, broker.journal(other).position());
  broker.make_durable(0, end - 1);
  EXPECT_FALSE(publisher.has_next()) << "after a crash its next message under the identifier would be a duplicate";
  broker.make_durable(0, end);
  EXPECT_EQ(answer(broker, publisher), "PUBREC 9 Quota exceeded");
}

TEST_P(RoomTest, NothingIsSaidBeforeWhatOthersGotIsDurable) {
  TestBroker broker(rejecting(true));
  absent(broker, 1, "t");
  absent(broker, 2, "t/#");
  TestClient& publisher = publisher_on(broker, 0);
  for (std::uint64_t i = 0; i < kRoom; ++i) published(broker, publisher, "t", "x");
  publisher.publish("t", "y", 1, 1);
  publisher.publish("u", "z", 1, 2);
  EXPECT_FALSE(publisher.has_next()) << "the loops with the queues have said what room they had";
  EXPECT_EQ(answer(broker, publisher), "PUBACK 1 Quota exceeded");
  EXPECT_EQ(answer(broker, publisher), "PUBACK 2 No matching subscribers") << "in the order of the messages";
}

TEST_P(RoomTest, AcknowledgementsKeepTheirOrderWhoeverAnswersFirst) {
  for (const bool has_store : {false, true}) {
    TestBroker broker(rejecting(has_store));
    for (std::size_t home = 0; home < 3; ++home) absent(broker, home, "t/" + std::to_string(home));
    TestClient& publisher = publisher_on(broker, 0);
    std::vector<std::string> expected;
    std::string all;
    for (mqtt::PacketId id = 1; id <= 24; ++id) {
      mqtt::PublishView packet;
      const std::string topic = id % 4 == 3 ? "nobody" : "t/" + std::to_string(id % 4);
      packet.topic = topic;
      packet.qos = mqtt::QoS::kAtLeastOnce;
      packet.packet_id = id;
      all += publisher.bytes_of(packet);
      const bool is_early = (id - 1u) / 4 < kRoom;
      expected.push_back("PUBACK " + std::to_string(id) +
                         (id % 4 == 3 ? " No matching subscribers"
                          : is_early  ? " Success"
                                      : " Quota exceeded"));
    }
    publisher.send(all);
    std::vector<std::string> heard;
    for (std::size_t i = 0; i < expected.size(); ++i) heard.push_back(answer(broker, publisher));
    EXPECT_EQ(heard, expected);
    expect_nothing_left(broker);
  }
}

TEST_P(RoomTest, BeforeVersion5TheMessageIsAcknowledgedAndCounted) {
  TestBroker broker(rejecting());
  absent(broker, 1, "t");
  TestClient& publisher = broker.client(k311);
  publisher.connect("p");
  publisher.take_types();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(published(broker, publisher, "t", "x"), "PUBACK 7 Success");
  EXPECT_EQ(broker.total(&ShardCounters::dropped_queue_full), 5 - kRoom);
  EXPECT_EQ(broker.total(&ShardCounters::publishes_over_quota), 0u);
}

TEST_P(RoomTest, WithoutRejectingNobodyIsTold) {
  for (const auto policy : {session::WhenFull::kDropNew, session::WhenFull::kDropOldest}) {
    TestOptions options = rejecting();
    options.session.queue.when_full = policy;
    TestBroker broker(options);
    absent(broker, 1, "t");
    TestClient& publisher = publisher_on(broker, 0);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(published(broker, publisher, "t", "x"), "PUBACK 7 Success");
    EXPECT_EQ(broker.total(&ShardCounters::dropped_queue_full), 5 - kRoom);
  }
}

TEST_P(RoomTest, TheQueueOfASharedSubscriptionRejectsLikeAClients) {
  for (const bool has_store : {false, true}) {
    for (std::size_t home = 0; home < GetParam(); ++home) {
      TestBroker broker(rejecting(has_store));
      const std::string topic = broker.topic_with_group_on(loop(broker, home), "g");
      const std::string member = absent(broker, home + 1, "$share/g/" + topic);
      TestClient& publisher = publisher_on(broker, 0);
      for (std::uint64_t i = 0; i < kRoom; ++i)
        EXPECT_EQ(published(broker, publisher, topic, std::to_string(i)), "PUBACK 7 Success");
      EXPECT_EQ(published(broker, publisher, topic, "no"), "PUBACK 7 Quota exceeded");
      EXPECT_EQ(broker.total(&ShardCounters::group_queue_dropped), 1u);
      expect_nothing_left(broker);
      EXPECT_THAT(waiting(broker, member), ElementsAre(topic + "=0", topic + "=1"));
      EXPECT_EQ(published(broker, publisher, topic, "yes"), "PUBACK 7 Success");
    }
  }
}

TEST_P(RoomTest, AMemberThatAGroupChoseAnswersForItself) {
  for (const bool has_store : {false, true}) {
    for (std::size_t home = 0; home < GetParam(); ++home) {
      for (std::size_t members = 0; members < GetParam(); ++members) {
        TestBroker broker(rejecting(has_store));
        const std::string topic = broker.topic_with_group_on(loop(broker, home), "g");
        const std::string id = broker.id_on(loop(broker, members), "m");
        TestClient& member = connected(broker, id, 1000);
        member.subscribe("$share/g/" + topic, 1);
        member.subscribe("own", 1);
        broker.make_durable();
        member.take_types();
        TestClient& publisher = publisher_on(broker, 0);
        EXPECT_EQ(published(broker, publisher, topic, "1"), "PUBACK 7 Success");
        EXPECT_EQ(published(broker, publisher, "own", "2"), "PUBACK 7 Success");
        EXPECT_EQ(published(broker, publisher, topic, "3"), "PUBACK 7 Quota exceeded") << "nothing was acknowledged";
        expect_nothing_left(broker);
        EXPECT_THAT(member.take_publishes(), ElementsAre(topic + "=1", "own=2"));
        EXPECT_EQ(published(broker, publisher, topic, "4"), "PUBACK 7 Success");
      }
    }
  }
}

TEST_P(RoomTest, AMessageThatComesBackToItsGroupIsAnsweredOnce) {
  for (const bool has_store : {false, true}) {
    TestBroker broker(rejecting(has_store));
    const std::string topic = broker.topic_with_group_on(loop(broker, 1), "g");
    const std::string filter = "$share/g/" + topic;
    TestClient& leaving = connected(broker, broker.id_on(loop(broker, 2), "leaving"), 1000);
    leaving.subscribe(filter, 1);
    broker.make_durable();
    leaving.take_types();
    TestClient& publisher = publisher_on(broker, 0);
    // Chosen on the group's loop before it hears of the end of the subscription.
    mqtt::PublishView packet;
    packet.topic = topic;
    packet.qos = mqtt::QoS::kAtLeastOnce;
    for (packet.packet_id = 1; packet.packet_id <= 3; ++packet.packet_id)
      publisher.say_ahead(publisher.bytes_of(packet));
    mqtt::UnsubscribeView unsubscribe;
    unsubscribe.packet_id = 2;
    unsubscribe.filters.push_back(filter);
    leaving.say_ahead(leaving.bytes_of(unsubscribe));
    broker.settle();
    for (mqtt::PacketId id = 1; id <= 3; ++id) {
      const std::string heard = answer(broker, publisher);
      if (broker.loops() == 1) continue;
      EXPECT_EQ(heard, "PUBACK " + std::to_string(id) + " Success") << "nobody is owed it";
    }
    expect_nothing_left(broker);
  }
}

TEST_P(RoomTest, APublisherThatLeavesBeforeTheAnswerLeavesNothingBehind) {
  for (const bool has_store : {false, true}) {
    TestBroker broker(rejecting(has_store));
    absent(broker, 1, "t");
    const std::string id = broker.id_on(0, "p");
    TestClient& publisher = connected(broker, id, 1000);
    for (std::uint64_t i = 0; i < kRoom; ++i) published(broker, publisher, "t", "x");
    mqtt::PublishView packet;
    packet.topic = "t";
    for (const auto qos : {mqtt::QoS::kAtLeastOnce, mqtt::QoS::kExactlyOnce}) {
      packet.qos = qos;
      packet.packet_id = 10;
      publisher.say_ahead(publisher.bytes_of(packet));
    }
    publisher.drop();
    broker.settle();
    broker.make_durable();
    expect_nothing_left(broker);
    TestClient& again = connected(broker, id, 1000);
    EXPECT_EQ(published(broker, again, "t", "x", 1, 11), "PUBACK 11 Quota exceeded");
  }
}

TEST_P(RoomTest, WhatHasNoPublisherToTellIsDroppedAndCounted) {
  TestBroker broker(rejecting());
  absent(broker, 1, "#");
  ConnectOptions with_will;
  with_will.client_id = broker.id_on(0, "w");
  with_will.will_topic = "will";
  with_will.will_qos = 1;
  for (int i = 0; i < 4; ++i) {
    TestClient& client = broker.client();
    client.connect(with_will);
    client.drop();
  }
  EXPECT_EQ(broker.total(&ShardCounters::wills_published), 4u);
  EXPECT_EQ(broker.total(&ShardCounters::dropped_queue_full), 4 - kRoom);
  EXPECT_EQ(broker.total(&ShardCounters::publishes_over_quota), 0u);
  expect_nothing_left(broker);
}

TEST_P(RoomTest, AcknowledgementsThatWaitForOtherLoopsAreBoundedAndReadingGoesOn) {
  TestOptions options = rejecting();
  options.session.parked_acks_max = 2;
  TestBroker broker(options);
  absent(broker, 1, "t");
  TestClient& publisher = publisher_on(broker, 0);
  std::string all;
  mqtt::PublishView packet;
  packet.topic = "t";
  packet.qos = mqtt::QoS::kAtLeastOnce;
  for (packet.packet_id = 1; packet.packet_id <= 20; ++packet.packet_id) all += publisher.bytes_of(packet);
  publisher.send(all);
  EXPECT_EQ(publisher.take_types().size(), 20u);
  EXPECT_TRUE(publisher.is_heard());
  EXPECT_EQ(broker.total(&ShardCounters::held_back_parked) > 0, broker.loops() > 1);
}

TEST_P(RoomTest, AStoreThatFailsEndsNoConnectionThatOnlyWaitsForOtherLoops) {
  TestBroker broker(rejecting(true));
  TestClient& subscriber = connected(broker, broker.id_on(loop(broker, 1), "s"));
  subscriber.subscribe("t", 1);
  subscriber.take_types();
  TestClient& publisher = publisher_on(broker, 0);
  broker.store_fails(true);
  EXPECT_EQ(published(broker, publisher, "t", "1"), "PUBACK 7 Success") << "nothing of it is stored";
  EXPECT_TRUE(publisher.is_open());
}

}  // namespace
}  // namespace mortise::core::testing
