#include <algorithm>

#include "core_test.h"

// A broker that is killed, and the one that is started with its store.

namespace mortise::core::testing {
namespace {

class RestartTest : public CoreTest {
 protected:
  /// Connected, with its CONNACK taken.
  static TestClient& connected(TestBroker& broker, const ConnectOptions& connect) {
    TestClient& client = broker.client();
    client.connect(connect);
    broker.make_durable();
    EXPECT_EQ(client.next_as<mqtt::ConnackView>().code, 0);
    return client;
  }
  static ConnectOptions persistent(std::string client_id, std::uint16_t receive_maximum = 0) {
    ConnectOptions connect;
    connect.client_id = std::move(client_id);
    connect.clean_start = false;
    connect.session_expiry = 1000;
    connect.receive_maximum = receive_maximum;
    return connect;
  }
  static TestClient& publisher(TestBroker& broker) {
    ConnectOptions connect;
    connect.client_id = "p";
    return connected(broker, connect);
  }
  static void publish(TestBroker& broker, TestClient& client, std::string_view payload, int qos,
                      std::optional<std::uint32_t> expiry = {}) {
    mqtt::PublishView packet;
    packet.topic = "t";
    packet.payload = as_bytes(payload);
    packet.qos = static_cast<mqtt::QoS>(qos);
    packet.packet_id = 9;
    mqtt::PropertyWriter properties;
    if (expiry) properties.put(mqtt::PropertyId::kMessageExpiryInterval, *expiry);
    packet.properties = properties.view();
    client.send(packet);
    broker.make_durable();
    if (qos == 2) client.acknowledge(PacketType::kPubrel, 9);
    broker.make_durable();
    client.take_types();
  }
  /// The payloads received, "+" behind those with DUP.
  static std::vector<std::string> payloads(TestBroker& broker, TestClient& client) {
    broker.make_durable();
    broker.serve_pages();
    broker.make_durable();
    std::vector<std::string> got;
    while (client.has_next()) {
      if (client.next_type() != PacketType::kPublish) {
        client.next();
        continue;
      }
      const auto packet = client.next_as<mqtt::PublishView>();
      got.push_back(std::string(as_text(packet.payload)) + (packet.dup ? "+" : ""));
    }
    return got;
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, RestartTest, ::testing::Values(1, 3));

TEST_P(RestartTest, WhatWaitedForAnAbsentClientIsSentForTheFirstTime) {  // MQTT-3.3.1-1, MQTT-4.3.2-2, MQTT-4.3.3-2
  TestBroker broker(options(true));
  auto& subscriber = connected(broker, persistent("s"));
  subscriber.subscribe("t", 2);
  broker.make_durable();
  subscriber.drop();
  auto& sender = publisher(broker);
  publish(broker, sender, "1", 1);
  publish(broker, sender, "2", 2);
  TestBroker after(std::move(broker));
  EXPECT_THAT(payloads(after, connected(after, persistent("s"))), ElementsAre("1", "2"));
}

TEST_P(RestartTest, WhatExpiredBeforeItWasSentIsNotSentAfterARestart) {  // MQTT-3.3.2-5
  TestBroker broker(options(true));
  auto& subscriber = connected(broker, persistent("s"));
  subscriber.subscribe("t", 2);
  broker.make_durable();
  subscriber.drop();
  auto& sender = publisher(broker);
  publish(broker, sender, "1", 1, 1);
  publish(broker, sender, "2", 2, 1);
  publish(broker, sender, "3", 1, 60);
  TestBroker after(std::move(broker));
  after.advance(Millis(2000));
  EXPECT_THAT(payloads(after, connected(after, persistent("s"))), ElementsAre("3"));
  EXPECT_EQ(after.total(&ShardCounters::dropped_expired), 2u);
}

TEST_P(RestartTest, WhatWasSentIsSentAgainWithDupExpiredOrNot) {  // MQTT-3.3.1-1, MQTT-4.4.0-1
  TestBroker broker(options(true));
  auto& subscriber = connected(broker, persistent("s", 2));
  subscriber.subscribe("t", 1);
  broker.make_durable();
  auto& sender = publisher(broker);
  for (const char* text : {"1", "2", "3"}) publish(broker, sender, text, 1, 1);
  publish(broker, sender, "4", 1);
  EXPECT_THAT(payloads(broker, subscriber), ElementsAre("1", "2")) << "its Receive Maximum";
  TestBroker after(std::move(broker));
  after.advance(Millis(2000));
  EXPECT_THAT(payloads(after, connected(after, persistent("s"))), ElementsAre("1+", "2+", "4"));
}

TEST_P(RestartTest, AClientThatLeftIsNotTakenToHaveGotMoreThanItDid) {  // MQTT-3.3.1-1
  TestBroker broker(options(true));
  auto& subscriber = connected(broker, persistent("s"));
  subscriber.subscribe("t", 1);
  broker.make_durable();
  auto& sender = publisher(broker);
  publish(broker, sender, "1", 1);
  subscriber.drop();
  publish(broker, sender, "2", 1);
  TestBroker after(std::move(broker));
  EXPECT_THAT(payloads(after, connected(after, persistent("s"))), ElementsAre("1+", "2"));
}

TEST_P(RestartTest, WhatWaitedBehindAFullWindowIsNotSentBeforeTheStoreKnows) {  // MQTT-3.3.1-1
  TestBroker broker(options(true));
  auto& subscriber = connected(broker, persistent("s", 2));
  subscriber.subscribe("t", 1);
  broker.make_durable();
  auto& sender = publisher(broker);
  for (const char* text : {"1", "2", "3", "4"}) publish(broker, sender, text, 1);
  EXPECT_THAT(payloads(broker, subscriber), ElementsAre("1", "2"));
  subscriber.acknowledge(PacketType::kPuback, 1);
  EXPECT_FALSE(subscriber.has_next());
  EXPECT_THAT(payloads(broker, subscriber), ElementsAre("3"));
  TestBroker after(std::move(broker));
  EXPECT_THAT(payloads(after, connected(after, persistent("s"))), ElementsAre("2+", "3+", "4"));
}

TEST_P(RestartTest, OneRestartAfterAnotherKeepsNoAbsentSessionForEver) {  // MQTT-4.1.0-2
  TestBroker broker(options(true));
  connected(broker, persistent("s"));
  TestBroker once(std::move(broker));
  once.make_durable();
  once.advance(std::chrono::seconds(600));
  TestBroker twice(std::move(once));
  EXPECT_EQ(twice.total(&ShardHoldings::sessions), 1u);
  twice.advance(std::chrono::seconds(600));
  EXPECT_EQ(twice.total(&ShardHoldings::sessions), 0u);
}

TEST_P(RestartTest, OneRestartAfterAnotherDelaysAWillOnce) {  // MQTT-3.1.3-9
  TestBroker broker(options(true));
  ConnectOptions connect = persistent("s");
  connect.will_topic = "t";
  connect.will_delay = 500;
  connected(broker, connect);
  TestBroker once(std::move(broker));
  once.make_durable();
  once.advance(std::chrono::seconds(300));
  TestBroker twice(std::move(once));
  EXPECT_EQ(twice.total(&ShardCounters::wills_published), 0u);
  twice.advance(std::chrono::seconds(300));
  EXPECT_EQ(twice.total(&ShardCounters::wills_published), 1u);
}

TEST_P(RestartTest, TheWillDelayEndsWithTheSessionThoughThatWaitsForTheStore) {  // 5.0 section 3.1.3.2.2
  TestBroker broker(options(true));
  ConnectOptions connect = persistent("s");
  connect.will_topic = "gone";
  connect.will_delay = 5000;
  auto& member = connected(broker, connect);
  member.subscribe("$share/g/t", 1);
  broker.make_durable();
  publish(broker, publisher(broker), "1", 1);
  EXPECT_THAT(payloads(broker, member), ElementsAre("1"));
  TestBroker after(std::move(broker));
  after.advance(std::chrono::seconds(1000));
  EXPECT_EQ(after.total(&ShardHoldings::sessions), 1u) << "what it owes to its group is not read back yet";
  EXPECT_EQ(after.total(&ShardCounters::wills_published), 1u);
  after.make_durable();
  after.serve_pages();
  after.advance(std::chrono::seconds(1));
  EXPECT_EQ(after.total(&ShardHoldings::sessions), 0u);
  EXPECT_EQ(after.total(&ShardCounters::wills_published), 1u);
}

TEST_P(RestartTest, AWillAtQoS2IsPassedOnOnlyWhenItCannotComeAgain) {  // MQTT-4.3.3-2
  TestBroker broker(options(true));
  ConnectOptions connect = persistent("s");
  connect.will_topic = "t";
  connect.will_qos = 2;
  auto& client = connected(broker, connect);
  auto& durable = connected(broker, persistent("d"));
  durable.subscribe("t", 2);
  auto& other = publisher(broker);
  other.subscribe("t", 0);
  broker.make_durable();
  durable.take_types();
  other.take_types();

  TestJournal& journal = broker.journal(broker.home_of("s"));
  journal.log.clear();
  client.drop();
  EXPECT_FALSE(durable.has_next());
  EXPECT_FALSE(other.has_next());
  const auto& log = journal.log;
  const auto at = std::find(log.begin(), log.end(), "will_remove");
  const auto end = std::find(at, log.end(), "end_piece");
  ASSERT_NE(end, log.end()) << "of one piece with the message";
  EXPECT_TRUE(std::none_of(at, end, [](const std::string& line) { return line.starts_with("begin_piece"); }));
  EXPECT_THAT(payloads(broker, durable), ElementsAre("gone"));
  EXPECT_THAT(payloads(broker, other), ElementsAre("gone"));
  EXPECT_EQ(journal.count("will_remove"), 1u);
  EXPECT_TRUE(broker.ledger().outstanding.empty());
}

TEST_P(RestartTest, AWillThatIsDueAtOnceFindsGroupsWhoseMembersAreOnOtherLoops) {  // 5.0 section 4.8.2
  TestBroker broker(options(true));
  const auto last = static_cast<LoopIndex>(broker.loops() - 1);
  const std::string topic = broker.topic_with_group_on(0, "g"), member = broker.id_on(last, "m");
  connected(broker, persistent(member)).subscribe("$share/g/" + topic, 1);
  ConnectOptions connect = persistent(broker.id_on(0, "w"));
  connect.will_topic = topic;
  connect.will_qos = 1;
  connected(broker, connect);
  TestBroker after(std::move(broker));
  EXPECT_THAT(payloads(after, connected(after, persistent(member))), ElementsAre("gone"));
}

}  // namespace
}  // namespace mortise::core::testing
