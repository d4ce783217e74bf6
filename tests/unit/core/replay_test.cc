#include <map>
#include <set>
#include <vector>

#include "core_test.h"
#include "tests/unit/allocated_bytes.h"

// What is retained comes to a new subscription page by page: when the socket and the queue have room, and between two
// pages everything may change.

namespace mortise::core::testing {
namespace {

using mqtt::RetainHandling;

class ReplayTest : public CoreTest {
 protected:
  /// Pages of three nodes, and an outbox that is full after a few messages.
  TestOptions paged() {
    TestOptions made = options();
    made.replay = {3, 5};
    made.session.outbox_max_bytes = 1000;
    return made;
  }
  /// t/0 ... , each with a payload of 60 bytes that begins with `word`.
  static void retain(TestClient& publisher, int count, const std::string& word, int qos = 0) {
    for (int i = 0; i < count; ++i)
      retain_one(publisher, "t/" + std::to_string(i), word, qos, static_cast<mqtt::PacketId>(i + 1));
  }
  static void retain_one(TestClient& publisher, const std::string& topic, std::string word, int qos = 0,
                         mqtt::PacketId id = 1) {
    if (!word.empty()) word.resize(60, '.');
    publisher.publish(topic, word, qos, qos == 0 ? mqtt::PacketId{0} : id, true);
    publisher.take_types();
  }
  static TestClient& connected(TestBroker& broker, std::string_view id, std::uint32_t expiry = 0) {
    TestClient& client = broker.client();
    client.connect(id, expiry == 0, expiry);
    client.take_types();
    return client;
  }
  static void subscribe(TestClient& client, std::string_view filter, int qos,
                        RetainHandling handling = RetainHandling::kSend, std::uint32_t identifier = 0,
                        bool no_local = false) {
    mqtt::SubscribeView packet;
    packet.packet_id = 9;
    mqtt::PropertyWriter properties;
    if (identifier != 0) properties.put(mqtt::PropertyId::kSubscriptionIdentifier, identifier);
    packet.properties = properties.view();
    packet.requests.push_back({filter, {static_cast<mqtt::QoS>(qos), no_local, false, handling}});
    client.send(packet);
  }
  /// A connected client whose socket is full with the first of what is retained.
  static TestClient& choked(TestBroker& broker, std::string_view filter, int qos, std::uint32_t expiry = 0) {
    TestClient& client = connected(broker, "c", expiry);
    client.takes_bytes = false;
    subscribe(client, filter, qos);
    return client;
  }
  /// Everything that comes, until nothing does: by topic the first three letters of the payloads.
  static std::map<std::string, std::vector<std::string>> read_all(TestClient& client) {
    std::map<std::string, std::vector<std::string>> got;
    client.read_on();
    while (client.has_next()) {
      for (const std::string& one : client.take_publishes()) {
        const std::size_t at = one.find('=');
        got[one.substr(0, at)].push_back(one.substr(at + 1, 3));
      }
    }
    return got;
  }
};

INSTANTIATE_TEST_SUITE_P(Loops, ReplayTest, ::testing::Values(1, 3));

TEST_P(ReplayTest, EverythingRetainedComesOnceHoweverSmallThePages) {  // MQTT-3.3.1-9
  for (const int qos : {0, 1, 2}) {
    TestBroker broker(paged());
    retain(connected(broker, "p"), 60, "old", 2);
    TestClient& client = connected(broker, "c");
    client.subscribe("t/#", qos);
    std::set<std::string> topics;
    std::size_t got = 0;
    while (client.has_next()) {
      if (client.next_type() != PacketType::kPublish) {
        client.next();
        continue;
      }
      const auto packet = client.next_as<mqtt::PublishView>();
      EXPECT_TRUE(packet.retain);
      EXPECT_EQ(packet.qos, static_cast<mqtt::QoS>(qos));
      topics.emplace(packet.topic);
      ++got;
      if (qos == 1) client.acknowledge(PacketType::kPuback, packet.packet_id);
      if (qos == 2) client.acknowledge(PacketType::kPubrec, packet.packet_id);
    }
    EXPECT_EQ(got, 60u) << "QoS " << qos;
    EXPECT_EQ(topics.size(), 60u) << "QoS " << qos;
    EXPECT_GE(broker.total(&ShardCounters::replay_pages), 20u);
    EXPECT_EQ(broker.total(&ShardHoldings::replaying), 0u);
  }
}

TEST_P(ReplayTest, ASocketThatTakesNothingStopsItAndNothingIsDropped) {
  TestBroker broker(paged());
  retain(connected(broker, "p"), 60, "old");
  TestClient& client = choked(broker, "t/#", 0);
  const std::uint64_t pages = broker.total(&ShardCounters::replay_pages);
  EXPECT_LT(pages, 10u);
  EXPECT_LT(broker.total(&ShardCounters::publishes_sent), 15u);
  broker.settle();
  EXPECT_EQ(broker.total(&ShardCounters::replay_pages), pages) << "it waits for the socket";
  client.read_once();
  EXPECT_GT(broker.total(&ShardCounters::replay_pages), pages);
  EXPECT_LT(broker.total(&ShardCounters::publishes_sent), 30u);
  EXPECT_EQ(read_all(client).size(), 60u);
  EXPECT_EQ(broker.total(&ShardCounters::dropped_outbox_full), 0u);
}

TEST_P(ReplayTest, WhatIsReplacedRemovedOrAddedMeanwhileComesLiveAndOnlyOnce) {
  TestBroker broker(paged());
  TestClient& publisher = connected(broker, "p");
  retain(publisher, 60, "old", 1);
  TestClient& client = choked(broker, "t/#", 1);
  for (int i = 0; i < 60; ++i) {
    if (i % 3 == 0) retain_one(publisher, "t/" + std::to_string(i), "new", 1);
    if (i % 3 == 1) retain_one(publisher, "t/" + std::to_string(i), "", 1);
    retain_one(publisher, "t/more" + std::to_string(i), "add", 1);
  }
  const auto got = read_all(client);
  EXPECT_EQ(got.size(), 120u);
  std::size_t replayed = 0;
  for (int i = 0; i < 60; ++i) {
    std::vector<std::string> words = got.at("t/" + std::to_string(i));
    EXPECT_THAT(got.at("t/more" + std::to_string(i)), ElementsAre("add"));
    if (i % 3 == 2) {
      EXPECT_THAT(words, ElementsAre("old")) << i;
      continue;
    }
    if (words.size() == 2) {
      EXPECT_EQ(words.front(), "old") << "never behind what replaced it";
      words.erase(words.begin());
      ++replayed;
    }
    EXPECT_THAT(words, ElementsAre(i % 3 == 0 ? "new" : "")) << i;
  }
  EXPECT_GT(replayed, 0u) << "the test's own: something had come before";
  EXPECT_LT(replayed, 20u);
}

TEST_P(ReplayTest, UnsubscribingEndsItAndSubscribingAgainBeginsAnew) {  // MQTT-3.10.4-2
  TestBroker broker(paged());
  retain(connected(broker, "p"), 60, "old");
  TestClient& client = choked(broker, "t/#", 0);
  client.unsubscribe("t/#");
  EXPECT_LT(read_all(client).size(), 20u);
  EXPECT_EQ(broker.total(&ShardHoldings::replaying), 0u);
  client.takes_bytes = false;
  subscribe(client, "t/#", 0);
  client.unsubscribe("t/#");
  subscribe(client, "t/+", 0);
  subscribe(client, "t/#", 0);
  std::size_t twice = 0;
  for (const auto& [topic, words] : read_all(client)) twice += words.size() >= 2 ? 1 : 0;
  EXPECT_EQ(twice, 60u) << "each to both, and a few of what had been said before";
}

TEST_P(ReplayTest, SubscribingAgainSendsEverythingAgain) {  // MQTT-3.8.4-3, Retain Handling 0
  TestBroker broker(paged());
  retain(connected(broker, "p"), 60, "old");
  TestClient& client = choked(broker, "t/#", 0);
  subscribe(client, "t/#", 0);
  subscribe(client, "t/#", 0);
  const auto got = read_all(client);
  EXPECT_EQ(got.size(), 60u);
  std::size_t all = 0;
  for (const auto& [topic, words] : got) all += words.size();
  EXPECT_LT(all, 80u) << "what had been said, and all of it once more";
  EXPECT_GT(all, 60u);
}

TEST_P(ReplayTest, SubscribingAgainWithoutRetainedMessagesLetsWhatIsDueComeByTheNewOptions) {
  for (const RetainHandling handling : {RetainHandling::kSendIfNew, RetainHandling::kDoNotSend}) {
    TestBroker broker(paged());
    retain(connected(broker, "p"), 60, "old", 1);
    TestClient& client = choked(broker, "t/#", 0);
    subscribe(client, "t/#", 1, handling, 77);
    client.read_on();
    std::map<bool, std::size_t> got;
    std::set<std::string> topics;
    while (client.has_next()) {
      if (client.next_type() != PacketType::kPublish) {
        client.next();
        continue;
      }
      const auto packet = client.next_as<mqtt::PublishView>();
      const bool is_new = packet.properties.number(mqtt::PropertyId::kSubscriptionIdentifier) == 77;
      EXPECT_EQ(packet.qos, is_new ? mqtt::QoS::kAtLeastOnce : mqtt::QoS::kAtMostOnce);
      EXPECT_TRUE(topics.emplace(packet.topic).second);
      ++got[is_new];
      if (is_new) client.acknowledge(PacketType::kPuback, packet.packet_id);
    }
    EXPECT_EQ(topics.size(), 60u);
    EXPECT_GT(got[false], 0u);
    EXPECT_GT(got[true], 40u);
  }
}

TEST_P(ReplayTest, WhatIsInFlightOnItsWayToASubscriptionThatIsReplacedDoesNotComeTwice) {
  TestBroker broker(paged());
  TestClient& publisher = connected(broker, "p");
  retain(publisher, 60, "old");
  TestClient& client = choked(broker, "t/#", 0);
  const std::uint64_t boundary = broker.index().match("t/0")->entries()[0].retained_boundary;
  EXPECT_NE(boundary, 0u);
  subscribe(client, "t/#", 0, RetainHandling::kDoNotSend);
  EXPECT_EQ(broker.index().match("t/0")->entries()[0].retained_boundary, boundary);
  broker.invalidate("c");
  EXPECT_EQ(broker.index().match("t/0")->entries()[0].retained_boundary, boundary);
}

TEST_P(ReplayTest, NoLocalHoldsOnEveryPage) {  // MQTT-3.8.3-3
  TestBroker broker(paged());
  TestClient& client = connected(broker, "c");
  retain(client, 60, "own");
  retain_one(connected(broker, "p"), "t/other", "old");
  client.takes_bytes = false;
  subscribe(client, "t/#", 0, RetainHandling::kSend, 0, true);
  const auto got = read_all(client);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got.begin()->first, "t/other");
}

TEST_P(ReplayTest, SeveralFiltersEachGetWhatTheyMatchInTheOrderInWhichTheyAsked) {  // MQTT-3.3.4-3
  TestBroker broker(paged());
  retain(connected(broker, "p"), 30, "old");
  TestClient& client = connected(broker, "c");
  client.takes_bytes = false;
  subscribe(client, "t/#", 0, RetainHandling::kSend, 3);
  subscribe(client, "t/7", 0, RetainHandling::kSend, 2);
  subscribe(client, "#", 0, RetainHandling::kSend, 1);
  client.read_on();
  std::vector<std::uint32_t> identifiers;
  while (client.has_next()) {
    if (client.next_type() != PacketType::kPublish) {
      client.next();
      continue;
    }
    const auto packet = client.next_as<mqtt::PublishView>();
    identifiers.push_back(packet.properties.number(mqtt::PropertyId::kSubscriptionIdentifier).value());
  }
  std::vector<std::uint32_t> expected(30, 3);
  expected.push_back(2);
  expected.insert(expected.end(), 30, 1);
  EXPECT_EQ(identifiers, expected);
}

// ---- The connection and the session ends ----------------------------------------------------------------------------

TEST_P(ReplayTest, TheEndOfTheConnectionForgetsWhatWasNotYetQueued) {
  TestBroker broker(paged());
  retain(connected(broker, "p"), 60, "old", 1);
  TestClient& client = choked(broker, "t/#", 1, 1000);
  client.drop();
  TestClient& again = broker.client();
  again.connect("c", false, 1000);
  const std::size_t queued = read_all(again).size();
  EXPECT_GT(queued, 0u) << "what was queued at QoS 1 comes again";
  EXPECT_LT(queued, 20u);
  EXPECT_EQ(broker.total(&ShardHoldings::replaying), 0u);
  again.takes_bytes = false;
  subscribe(again, "t/#", 1);
  EXPECT_EQ(read_all(again).size(), 60u);
}

TEST_P(ReplayTest, ATakeOverForgetsItForTheNewConnectionToo) {  // MQTT-3.1.4-3
  TestBroker broker(paged());
  retain(connected(broker, "p"), 60, "old");
  TestClient& client = choked(broker, "t/#", 0, 1000);
  TestClient& other = broker.client();
  other.connect("c", false, 1000);
  EXPECT_FALSE(client.is_open());
  EXPECT_THAT(read_all(other), IsEmpty());
  other.takes_bytes = false;
  subscribe(other, "t/#", 0);
  EXPECT_EQ(read_all(other).size(), 60u);
}

TEST_P(ReplayTest, ASessionThatEndsTakesEverythingWithIt) {
  TestBroker broker(paged());
  retain(connected(broker, "p"), 60, "old");
  const std::size_t before = broker.index().session_bytes();
  TestClient& client = choked(broker, "t/#", 0);
  const std::size_t due = broker.index().session_bytes();
  client.read_on();
  const std::size_t subscribed = broker.index().session_bytes();
  EXPECT_GT(due, subscribed) << "what is due is charged while it is";
  EXPECT_GT(subscribed, before);
  client.takes_bytes = false;
  subscribe(client, "#", 0);
  EXPECT_GT(broker.index().session_bytes(), subscribed);
  client.disconnect();
  EXPECT_EQ(broker.index().session_bytes(), before);
  EXPECT_EQ(broker.total(&ShardHoldings::replaying), 0u);
  EXPECT_EQ(broker.total(&ShardHoldings::sessions), 1u) << "the publisher's";
}

// ---- Rights and topics change ---------------------------------------------------------------------------------------

TEST_P(ReplayTest, RulesThatChangeMeanwhileHoldForTheRest) {  // BUG-CLASS H
  bool is_changed = false;
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    hooks::AccessDecision decision = access(true);
    if (is_changed && request.action == hooks::Action::kSubscribe) decision.rules = {{{false, "t/secret/#"}}};
    return decision;
  };
  TestBroker broker(paged());
  TestClient& publisher = connected(broker, "p");
  for (int i = 0; i < 60; ++i) {
    retain_one(publisher, "t/secret/" + std::to_string(i), "old");
    retain_one(publisher, "t/open/" + std::to_string(i), "old");
  }
  TestClient& client = choked(broker, "t/#", 0);
  is_changed = true;
  broker.invalidate("c");
  std::size_t secret = 0, open = 0;
  for (const auto& [topic, words] : read_all(client)) {
    EXPECT_EQ(words.size(), 1u) << topic;
    ++(topic.starts_with("t/secret") ? secret : open);
  }
  EXPECT_EQ(open, 60u);
  EXPECT_LT(secret, 20u) << "what had been said before";
}

TEST_P(ReplayTest, ASubscriptionThatIsRoutedElsewhereGetsNothingMoreOfWhereItWas) {  // BUG-CLASS H
  std::string tenant = "t1/";
  plugins.topic->on_bind = [&](const hooks::BindRequest& request) -> hooks::Answer<hooks::BindDecision> {
    return request.principal->client_id == "c" ? bind_to(tenant) : hooks::BindDecision{};
  };
  TestBroker broker(paged());
  TestClient& publisher = connected(broker, "p");
  for (int i = 0; i < 60; ++i) {
    retain_one(publisher, "t1/a" + std::to_string(i), "one");
    retain_one(publisher, "t2/b" + std::to_string(i), "two");
  }
  TestClient& client = choked(broker, "+", 0);
  tenant = "t2/";
  broker.invalidate("c");
  const auto got = read_all(client);
  EXPECT_LT(got.size(), 20u) << "what had been said before";
  for (const auto& [topic, words] : got) EXPECT_THAT(words, ElementsAre("one")) << topic;
  EXPECT_EQ(broker.total(&ShardCounters::dropped_no_inverse), 0u) << "not even looked at any more";
  retain_one(publisher, "t2/live", "liv");
  EXPECT_THAT(read_all(client), ::testing::SizeIs(1));
}

TEST_P(ReplayTest, ARightThatIsRevokedEndsIt) {  // BUG-CLASS H
  bool is_allowed = true;
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    return access(is_allowed || request.action == hooks::Action::kPublish);
  };
  TestBroker broker(paged());
  retain(connected(broker, "p"), 60, "old");
  TestClient& client = choked(broker, "t/#", 0);
  is_allowed = false;
  broker.invalidate("c");
  EXPECT_LT(read_all(client).size(), 20u);
  EXPECT_EQ(broker.total(&ShardHoldings::replaying), 0u);
}

// ---- Bounds ---------------------------------------------------------------------------------------------------------

/// One loop, called as a loop of net calls it.
class ReplayTurns : public ::testing::Test {
 protected:
  static constexpr std::size_t kPage = 16, kIteration = 48;

  static TestOptions options() {
    TestOptions made;
    made.replay = {kPage, kIteration};
    return made;
  }
  void retain(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string topic = "t/" + std::to_string(i);
      mqtt::MessageView fields;
      fields.topic = topic;
      const std::string payload(100, 'x');
      fields.payload = as_bytes(payload);
      fields.retain = true;
      broker.retained().set(mqtt::Message::make(fields));
    }
    broker.settle();
  }
  ConnectionId subscribed(std::string_view id, std::string_view filter) {
    ConnectOptions connect;
    connect.client_id = id;
    const ConnectionId connection = shard.accepted({}, broker.now());
    shard.receive(connection, as_bytes(writer.bytes_of(connect)), broker.now());
    mqtt::SubscribeView packet;
    packet.packet_id = 1;
    packet.requests.push_back({filter, {}});
    shard.receive(connection, as_bytes(writer.bytes_of(packet)), broker.now());
    take(connection);
    return connection;
  }
  std::size_t take(ConnectionId connection) {
    Outbox& outbox = *shard.outbox(connection);
    const std::size_t size = outbox.size();
    outbox.consume(size);
    shard.actions().talkative.clear();
    shard.actions().resumed.clear();
    shard.writable(connection, broker.now());
    return size;
  }
  bool has_turns() { return shard.next_deadline() == SteadyTime::min(); }
  std::uint64_t sent() const { return shard.counters().publishes_sent; }

  TestBroker broker{options()};
  Shard& shard = broker.shard(0);
  const TestClient& writer = broker.client();
};

TEST_F(ReplayTurns, AnIterationLooksAtNoMoreThanItsShareAndTheNextOneFollowsAtOnce) {
  retain(1000);
  EXPECT_FALSE(has_turns());
  const ConnectionId client = subscribed("c", "t/+");
  EXPECT_EQ(sent(), 0u) << "not within SUBSCRIBE";
  int iterations = 0;
  for (; has_turns(); ++iterations) {
    const std::uint64_t before = sent();
    shard.run_timers(broker.now());
    EXPECT_LE(sent() - before, kIteration);
    take(client);
  }
  EXPECT_EQ(sent(), 1000u);
  EXPECT_GT(iterations, 1000 / static_cast<int>(kIteration));
}

TEST_F(ReplayTurns, WhereNothingMatchesTheSameHolds) {
  retain(1000);
  subscribed("c", "t/+/nothing");
  int iterations = 0;
  for (; has_turns(); ++iterations) shard.run_timers(broker.now());
  EXPECT_EQ(sent(), 0u);
  EXPECT_GT(iterations, 1000 / static_cast<int>(kIteration));
  EXPECT_EQ(broker.total(&ShardHoldings::replaying), 0u);
}

TEST_F(ReplayTurns, WhoAsksForLittleDoesNotWaitForWhoAsksForEverything) {
  retain(1000);
  const ConnectionId greedy = subscribed("greedy", "#");
  const ConnectionId modest = subscribed("modest", "t/7");
  shard.run_timers(broker.now());
  EXPECT_GT(take(modest), 0u);
  EXPECT_GT(take(greedy), 0u);
  EXPECT_TRUE(has_turns());
  EXPECT_LE(sent(), kIteration + 1);
}

TEST_F(ReplayTurns, ManyWithLittleToLookAtShareAnIteration) {
  retain(1000);
  for (int i = 0; i < 10; ++i) subscribed("c" + std::to_string(i), "t/" + std::to_string(i));
  shard.run_timers(broker.now());
  EXPECT_EQ(sent(), 10u);
  EXPECT_FALSE(has_turns());
}

TEST_F(ReplayTurns, WithNothingRetainedNothingIsDue) {
  subscribed("c", "#");
  broker.settle();
  EXPECT_EQ(shard.counters().replay_pages, 0u);
}

TEST_F(ReplayTurns, WhatASessionHoldsDoesNotGrowWithWhatIsRetained) {
  std::vector<std::ptrdiff_t> held;
  for (const int count : {5000, 20'000}) {
    retain(count);
    const std::uint64_t before = sent();
    const mortise::testing::Growth growth;
    subscribed("c", "#");
    while (has_turns()) shard.run_timers(broker.now());
    held.push_back(growth.bytes());
    EXPECT_LT(sent() - before, 3000u) << "what the outbox takes before it waits for the socket";
    broker.kick("c");
  }
  EXPECT_LT(held[1], held[0] + (8 << 10));
}

}  // namespace
}  // namespace mortise::core::testing
