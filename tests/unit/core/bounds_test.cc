#include <array>

#include "core_test.h"
#include "tests/conformance/proof.h"
#include "tests/unit/allocated_bytes.h"

// Everything that a client can make grow is walked to its limit and ten times beyond: the policy of broker/README.md
// applies, its counter moves by what was refused, and memory stays where it was at the limit.

namespace mortise::core::testing {
namespace {

using ::mortise::testing::Growth;

/// What the allocator may round up to, and what a test itself holds; far below what ten times a limit would take.
constexpr std::ptrdiff_t kFlat = 8 << 10;

/// Counts, and keeps nothing: what it kept would be taken for the broker's.
class CountingEvents final : public hooks::EventHooks {
 public:
  bool wants(hooks::EventKind) const noexcept override { return true; }
  void emit(hooks::Event event) override { dropped += event.kind == hooks::EventKind::kDropped ? 1 : 0; }
  std::uint64_t dropped = 0;
};

class Bounds : public ::testing::Test {
 protected:
  TestOptions options(bool has_store = false) {
    TestOptions made;
    made.has_store = has_store;
    auto dispatch = std::make_shared<hooks::Dispatch>(*plugins.dispatch());
    dispatch->event = {{"events", events}};
    made.dispatch = std::move(dispatch);
    return made;
  }
  static std::string publish_bytes(const TestClient& client, std::string_view topic, std::string_view payload,
                                   int qos = 0, mqtt::PacketId id = 0, std::uint16_t alias = 0) {
    mqtt::PublishView packet;
    packet.topic = topic;
    packet.payload = as_bytes(payload);
    packet.qos = static_cast<mqtt::QoS>(qos);
    packet.packet_id = id;
    mqtt::PropertyWriter properties;
    if (alias != 0) properties.put(mqtt::PropertyId::kTopicAlias, std::uint32_t{alias});
    packet.properties = properties.view();
    return client.bytes_of(packet);
  }
  TestClient& connected(TestBroker& broker, std::string_view id,
                        mqtt::ProtocolVersion version = mqtt::ProtocolVersion::k5, std::uint32_t expiry = 0) {
    TestClient& client = broker.client(version);
    client.connect(id, expiry == 0, expiry);
    if (client.has_next()) client.next();
    return client;
  }
  hooks::Pending pending() { return {SteadyTime{} + std::chrono::hours(1) + Millis(5000)}; }

  Plugins plugins;
  std::shared_ptr<CountingEvents> events = std::make_shared<CountingEvents>();
};

// ---- Connections ----------------------------------------------------------------------------------------------------

class OutboxBounds : public Bounds, public ::testing::WithParamInterface<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(CopiedAndReferenced, OutboxBounds, ::testing::Values(1000, 5000));

TEST_P(OutboxBounds, TheOutboxOfASubscriberThatStopsReadingTakesNoMoreAtQoS0) {
  TestOptions small = options();
  small.session.outbox_max_bytes = 64 << 10;
  TestBroker broker(small);
  TestClient& subscriber = connected(broker, "s");
  subscriber.subscribe("t", 0);
  subscriber.take_types();
  subscriber.takes_bytes = false;
  TestClient& publisher = connected(broker, "p");
  const std::string packet = publish_bytes(publisher, "t", std::string(GetParam(), 'x'));
  // Encoded alike for the subscriber, which is given the one that passes the limit.
  const std::uint64_t fitting = (small.session.outbox_max_bytes / packet.size()) + 1;
  for (std::uint64_t i = 0; i < fitting; ++i) publisher.send(packet);
  EXPECT_EQ(broker.counters().dropped_outbox_full, 0u);

  const Growth beyond;
  for (std::uint64_t i = 0; i < 10 * fitting; ++i) publisher.send(packet);
  EXPECT_LT(beyond.bytes(), kFlat);
  EXPECT_EQ(broker.counters().dropped_outbox_full, 10 * fitting);
  EXPECT_EQ(events->dropped, 10 * fitting);
  subscriber.read_on();
  EXPECT_EQ(subscriber.take_publishes().size(), fitting);
}

TEST_F(Bounds, AClientThatSendsAndNeverReadsIsNotReadAnyMore) {
  TestOptions small = options();
  small.session.outbox_max_bytes = 64 << 10;
  TestBroker broker(small);
  TestClient& client = connected(broker, "c");
  client.takes_bytes = false;
  std::string pings;
  for (int i = 0; i < 400'000; ++i) pings += client.bytes_of(mqtt::PingreqView{});
  const Growth beyond;
  client.send(pings);
  // What it sent is in this test's own string, where a socket's buffer would hold it.
  EXPECT_LT(beyond.bytes(), static_cast<std::ptrdiff_t>(2 * pings.size() + (160 << 10)));
  EXPECT_EQ(broker.counters().held_back_outbox, 1u);
  EXPECT_LT(broker.counters().packets_received, 33'000u);
  std::size_t answers = 0;
  for (int round = 0; round < 20; ++round) {
    client.read_on();
    answers += client.take_types().size();
  }
  EXPECT_EQ(answers, 400'000u) << "it is late, and nothing is lost";
}

TEST_F(Bounds, WhoIsNotReadForItsOwnSakeIsStillHeldToItsKeepAlive) {
  TestOptions small = options();
  small.session.outbox_max_bytes = 64 << 10;
  TestBroker broker(small);
  TestClient& client = broker.client();
  ConnectOptions minute;
  minute.client_id = "c";
  minute.keep_alive = 60;
  client.connect(minute);
  client.takes_bytes = false;
  std::string pings;
  for (int i = 0; i < 50'000; ++i) pings += client.bytes_of(mqtt::PingreqView{});
  client.send(pings);
  ASSERT_EQ(broker.counters().held_back_outbox, 1u);
  broker.advance(Millis(91'000));
  EXPECT_FALSE(client.is_open());
}

class IterationBounds : public Bounds, public ::testing::WithParamInterface<mqtt::ProtocolVersion> {};
// 5.0 to 5.0 passes on what came; to 3.1.1 it is encoded anew.
INSTANTIATE_TEST_SUITE_P(Versions, IterationBounds, ::testing::Values(k311, mqtt::ProtocolVersion::k5));

TEST_P(IterationBounds, OneIterationPutsNoMoreIntoOutboxesThanItMayWhateverIsRead) {
  TestBroker broker(options());
  constexpr std::size_t kSubscribers = 200;
  std::array<TestClient*, kSubscribers> subscribers{};
  for (std::size_t i = 0; i < kSubscribers; ++i) {
    subscribers[i] = &connected(broker, "s" + std::to_string(i), GetParam());
    subscribers[i]->subscribe("t", 0);
    subscribers[i]->take_types();
  }
  TestClient& publisher = connected(broker, "p");
  const std::string packet = publish_bytes(publisher, "t", std::string(100, 'x'));
  constexpr std::size_t kMessages = 1000;
  std::string read;
  for (std::size_t i = 0; i < kMessages; ++i) read += packet;
  publisher.send(read);
  ASSERT_GT(read.size() * kSubscribers, 4 * kSaidPerIteration);
  EXPECT_LT(broker.largest_write(), kSaidPerIteration + kSubscribers * packet.size());
  // To 3.1.1 without the length of no properties.
  const std::size_t said = (packet.size() - (GetParam() == k311 ? 1 : 0)) * kSubscribers;
  const std::size_t in_one_iteration = (kSaidPerIteration + said - 1) / said;
  EXPECT_EQ(broker.counters().held_back_iteration, (kMessages - 1) / in_one_iteration);
  for (TestClient* subscriber : subscribers) EXPECT_EQ(subscriber->waiting(), kMessages);
}

TEST_F(Bounds, TheReadAheadBehindAPendingAnswerIsBounded) {
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    if (request.topic == "slow") return pending();
    return access(true);
  };
  TestOptions small = options();
  small.session.read_ahead_max_bytes = 4 << 10;
  TestBroker broker(small);
  TestClient& client = connected(broker, "c");
  client.subscribe("t", 0);
  client.take_types();
  client.publish("slow", "x");
  std::string behind;
  for (int i = 0; i < 400; ++i) behind += publish_bytes(client, "t", std::string(100, 'x'));
  const Growth beyond;
  client.send(behind);
  EXPECT_LT(beyond.bytes(), static_cast<std::ptrdiff_t>(2 * behind.size() + (8 << 10)));
  EXPECT_EQ(broker.counters().held_back_read_ahead, 1u);
  broker.answer(plugins.auth->pending.at(0), access(true));
  EXPECT_EQ(client.take_publishes().size(), 400u);
}

TEST_F(Bounds, AReadAheadThatFansOutIsWorkedOffInSeveralIterations) {
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    if (request.topic == "slow") return pending();
    return access(true);
  };
  TestBroker broker(options());
  for (int i = 0; i < 200; ++i) connected(broker, "s" + std::to_string(i)).subscribe("t", 0);
  TestClient& client = connected(broker, "c");
  client.subscribe("done", 0);
  client.take_types();
  client.publish("slow", "x");
  std::string behind;
  for (int i = 0; i < 1000; ++i) behind += publish_bytes(client, "t", std::string(100, 'x'));
  behind += publish_bytes(client, "done", "1");
  client.send(behind);
  broker.answer(plugins.auth->pending.at(0), access(true));
  EXPECT_LT(broker.largest_write(), kSaidPerIteration + 200 * 200);
  EXPECT_THAT(client.take_publishes(), ElementsAre("done=1")) << "in order: it is the last of them";
  EXPECT_EQ(broker.counters().publishes_sent, 200u * 1000 + 1);
}

TEST_F(Bounds, TopicAliasesHoldNoMoreThanTheTopicAliasMaximum) {  // MQTT-3.3.2-9
  PROVES("5.0 MQTT-3.2.2-17", "5.0 MQTT-3.3.2-9", "5.0 MQTT-3.3.2-12");
  TestOptions small = options();
  small.mqtt.topic_alias_maximum = 4;
  TestBroker broker(small);
  TestClient& client = connected(broker, "c");
  const auto set_all = [&](char letter) {
    for (std::uint16_t alias = 1; alias <= 4; ++alias)
      client.send(publish_bytes(client, std::string(10'000, letter), "x", 0, 0, alias));
  };
  set_all('a');
  const Growth beyond;
  for (char letter = 'b'; letter < 'l'; ++letter) set_all(letter);
  // The match cache remembers ten more topics, and a result for each.
  EXPECT_LT(beyond.bytes(), 10 * (10'000 + 1000) + kFlat);
  EXPECT_EQ(broker.counters().protocol_errors, 0u);
  client.send(publish_bytes(client, "t", "x", 0, 0, 5));
  EXPECT_EQ(client.next_as<mqtt::DisconnectView>().reason, ReasonCode::kTopicAliasInvalid);
  EXPECT_EQ(broker.counters().protocol_errors, 1u);
}

TEST_F(Bounds, MoreMessagesInFlightThanTheReceiveMaximumEndTheConnection) {  // MQTT-3.3.4-7
  PROVES("5.0 MQTT-3.3.4-7");
  TestOptions small = options();
  small.mqtt.receive_maximum = 10;
  TestBroker broker(small);
  TestClient& client = connected(broker, "c");
  for (mqtt::PacketId id = 1; id <= 10; ++id) client.publish("t", "x", 2, id);
  EXPECT_TRUE(client.is_open());
  client.take_types();
  client.publish("t", "x", 2, 11);
  EXPECT_EQ(client.next_as<mqtt::DisconnectView>().reason, ReasonCode::kReceiveMaximumExceeded);
  EXPECT_EQ(broker.counters().protocol_errors, 1u);
}

TEST_F(Bounds, OfConnectionsThatWaitForOneSessionOnlyTheNewestStaysAndOnlyForAWhile) {
  TestOptions holds = options(true);
  holds.on_store_failure = Shared::StoreFailure::kStopAcks;
  TestBroker broker(holds);
  broker.store_fails(true);
  TestClient& first = broker.client();
  first.connect("c", true, 1000);
  TestClient* newest = nullptr;
  for (int i = 0; i < 10; ++i) {
    newest = &broker.client();
    newest->connect("c", true, 1000);
  }
  EXPECT_EQ(broker.counters().connects_refused, 9u);
  EXPECT_EQ(broker.total(&ShardHoldings::connections), 2u);
  broker.advance(holds.mqtt.connect_timeout);
  EXPECT_EQ(newest->next_as<mqtt::ConnackView>().code, static_cast<std::uint8_t>(ReasonCode::kServerBusy));
  EXPECT_FALSE(newest->is_open());
  EXPECT_EQ(broker.counters().connects_refused, 10u);
  EXPECT_TRUE(first.is_open()) << "it holds what the store is to confirm";
}

TEST_F(Bounds, ConnectionsThatSayNothingEndAfterTheConnectTimeout) {
  TestBroker broker(options());
  for (int i = 0; i < 10; ++i) broker.client();
  broker.advance(session::MqttLimits().connect_timeout);
  EXPECT_EQ(broker.total(&ShardHoldings::connections), 0u);
  EXPECT_EQ(broker.counters().connects_timed_out, 10u);
}

TEST_F(Bounds, TimersOfSessionsThatEndedDoNotStayUntilTheyWouldHaveExpired) {
  TestBroker broker(options());
  Shard& shard = broker.shard(0);
  const TestClient& writer = broker.client();
  ConnectOptions week;
  week.client_id = "c";
  week.session_expiry = 7 * 24 * 3600;
  const std::string bytes = writer.bytes_of(week) + writer.bytes_of(mqtt::DisconnectView{});
  for (int i = 0; i < 50'000; ++i) {
    const ConnectionId id = shard.accepted({}, broker.now());
    shard.receive(id, as_bytes(bytes), broker.now());
    shard.take_outbox(id);
    shard.end_of_iteration();
    shard.actions().closes.clear();
    shard.actions().talkative.clear();
    shard.actions().resumed.clear();
  }
  EXPECT_EQ(broker.total(&ShardHoldings::sessions), 1u);
  EXPECT_LT(broker.total(&ShardHoldings::timers), 2000u);
  EXPECT_EQ(broker.counters().connects_accepted, 50'000u);
}

// ---- Sessions -------------------------------------------------------------------------------------------------------

struct QueueCase {
  session::WhenFull when_full;
  std::uint64_t max_messages, max_bytes;
  std::uint64_t kept;
};
class OfflineQueueBounds : public Bounds, public ::testing::WithParamInterface<QueueCase> {};
// One message of 1,000 bytes is charged with its topic, its header and 64 bytes for the queue.
INSTANTIATE_TEST_SUITE_P(MessagesAndBytes, OfflineQueueBounds,
                         ::testing::Values(QueueCase{session::WhenFull::kDropOldest, 10, 1 << 20, 10},
                                           QueueCase{session::WhenFull::kDropNew, 10, 1 << 20, 10},
                                           QueueCase{session::WhenFull::kDropOldest, 1000, 12'000, 10},
                                           QueueCase{session::WhenFull::kDropNew, 1000, 12'000, 10}));

TEST_P(OfflineQueueBounds, TheQueueOfAnAbsentClientKeepsWhatThePolicySays) {
  const QueueCase& limits = GetParam();
  TestOptions small = options();
  small.session.queue = {limits.max_messages, limits.max_bytes, limits.when_full};
  TestBroker broker(small);
  TestClient& subscriber = connected(broker, "s", mqtt::ProtocolVersion::k5, 1000);
  subscriber.subscribe("t", 1);
  subscriber.drop();
  TestClient& publisher = connected(broker, "p");
  std::uint64_t sent = 0;
  const auto publish = [&](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      std::string payload = std::to_string(sent++);
      payload.resize(1000, '.');
      publisher.publish("t", payload, 1, 1);
      publisher.take_types();
    }
  };
  publish(limits.kept);
  EXPECT_EQ(broker.counters().dropped_queue_full, 0u);
  const Growth beyond;
  publish(10 * limits.kept);
  EXPECT_LT(beyond.bytes(), kFlat);
  EXPECT_EQ(broker.counters().dropped_queue_full, 10 * limits.kept);
  EXPECT_EQ(events->dropped, 10 * limits.kept);

  TestClient& again = broker.client();
  again.connect("s", false, 1000);
  const auto got = again.take_publishes();
  ASSERT_EQ(got.size(), limits.kept);
  const std::string first = limits.when_full == session::WhenFull::kDropNew ? "t=0." : "t=100.";
  EXPECT_TRUE(got.front().starts_with(first)) << got.front().substr(0, 10);
}

TEST_F(Bounds, TheQueueOfASharedSubscriptionIsBoundedLikeAClients) {
  TestOptions small = options();
  small.session.queue.max_messages = 10;
  TestBroker broker(small);
  TestClient& member = connected(broker, "m", mqtt::ProtocolVersion::k5, 1000);
  member.subscribe("$share/g/t", 1);
  member.drop();
  TestClient& publisher = connected(broker, "p");
  const auto publish = [&](int count) {
    for (int i = 0; i < count; ++i) publisher.publish("t", std::string(1000, 'x'), 1, 1);
    publisher.take_types();
  };
  publish(10);
  EXPECT_EQ(broker.counters().group_queue_dropped, 0u);
  const Growth beyond;
  publish(100);
  EXPECT_LT(beyond.bytes(), kFlat);
  EXPECT_EQ(broker.counters().group_queue_dropped, 100u);
}

TEST_F(Bounds, WhatWaitsForASharedSubscriptionDoesNotOverflowTheMemberThatComesFirst) {
  for (const std::size_t loops : {1u, 3u}) {
    TestOptions small = options();
    small.loops = loops;
    TestBroker broker(small);
    const std::array<std::string, 2> ids = {broker.id_on(0, "m"), broker.id_on(static_cast<LoopIndex>(loops - 1), "n")};
    for (const std::string& id : ids) {
      TestClient& member = connected(broker, id, mqtt::ProtocolVersion::k5, 1000);
      member.subscribe("$share/g/t", 1);
      member.drop();
    }
    TestClient& publisher = connected(broker, "p");
    for (int i = 0; i < 1000; ++i) publisher.publish("t", std::to_string(i), 1, 1);
    TestClient& first = broker.client();
    first.connect(ids[0], false, 1000);
    EXPECT_LE(first.waiting(), 1 + GroupMember::kCredit * 3 / 2) << "the rest waits for whoever is ready for it";
    TestClient& second = broker.client();
    second.connect(ids[1], false, 1000);
    std::size_t got = 0;
    for (int round = 0; round < 100 && got < 1000; ++round)
      got += first.take_publishes().size() + second.take_publishes().size();
    EXPECT_EQ(got, 1000u);
    EXPECT_EQ(broker.total(&ShardCounters::dropped_queue_full), 0u);
  }
}

TEST_F(Bounds, AMemberAtQoS0IsGivenWhatWaitsAsItsSocketTakesIt) {
  TestBroker broker(options());
  TestClient& member = connected(broker, "m", mqtt::ProtocolVersion::k5, 1000);
  member.subscribe("$share/g/t", 0);
  member.drop();
  TestClient& publisher = connected(broker, "p");
  for (int i = 0; i < 5000; ++i) publisher.publish("t", std::string(1000, 'x'), 1, 1);
  TestClient& again = broker.client();
  again.takes_bytes = false;
  again.connect("m", false, 1000);
  std::size_t got = 0;
  for (int round = 0; round < 100 && got < 5000; ++round) {
    again.read_on();
    again.takes_bytes = false;
    got += again.take_publishes().size();
    EXPECT_LE(broker.largest_write(), 512u << 10);
  }
  EXPECT_EQ(got, 5000u);
  EXPECT_EQ(broker.counters().dropped_outbox_full, 0u);
}

TEST_F(Bounds, AStoredQueueOfASharedSubscriptionThatNobodyComesBackToIsRemoved) {
  TestBroker broker(options(true));
  for (session::SessionNumber number = 101; number <= 110; ++number) {
    Shard::Recovered stored;
    stored.session.number = number;
    stored.session.share_group = "$share/g/" + std::to_string(number);
    stored.queue = {1, 10, 10, 1000};
    broker.journal(0).session_put(stored.session);
    broker.shard(0).recover(std::move(stored), broker.now());
  }
  TestClient& member = connected(broker, "m", mqtt::ProtocolVersion::k5, 1000);
  broker.make_durable();
  member.subscribe("$share/g/103", 1);
  broker.advance(Millis(60'000));
  EXPECT_EQ(broker.counters().group_queues_orphaned, 9u);
  EXPECT_EQ(broker.journal(0).count("session_remove"), 9u);
  EXPECT_EQ(broker.journal(0).count("session_remove 103"), 0u);
}

class SubscriptionBounds : public Bounds, public ::testing::WithParamInterface<mqtt::ProtocolVersion> {
 protected:
  /// The SUBACK's code for one filter.
  std::uint8_t subscribe(TestClient& client, const std::string& filter) {
    client.subscribe(filter, 0);
    const auto suback = client.next_as<mqtt::SubscriptionAcknowledgementView>();
    return suback.codes.front();
  }
  std::uint8_t refused() const { return GetParam() == k311 ? 0x80 : 0x97; }
};
INSTANTIATE_TEST_SUITE_P(Versions, SubscriptionBounds, ::testing::Values(k311, mqtt::ProtocolVersion::k5));

TEST_P(SubscriptionBounds, OneClientHasNoMoreSubscriptionsThanItMay) {
  PROVES("5.0 MQTT-3.8.4-1", "5.0 MQTT-3.8.4-3", "5.0 MQTT-3.8.4-7");
  TestOptions small = options();
  small.session.max_subscriptions = 10;
  TestBroker broker(small);
  TestClient& client = connected(broker, "c", GetParam());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(subscribe(client, "f/" + std::to_string(i)), 0);
  const Growth beyond;
  for (int i = 10; i < 110; ++i) EXPECT_EQ(subscribe(client, "f/" + std::to_string(i)), refused());
  EXPECT_LT(beyond.bytes(), kFlat);
  EXPECT_EQ(broker.counters().subscribes_over_quota, 100u);
  EXPECT_EQ(broker.index().size(), 10u);
  EXPECT_EQ(subscribe(client, "f/5"), 0) << "again, instead of itself";
}

TEST_P(SubscriptionBounds, AllSubscriptionsTogetherTakeNoMoreMemoryThanTheyMay) {
  TestOptions small = options();
  small.subscriptions.maximum_bytes = 256 << 10;
  TestBroker broker(small);
  TestClient& client = connected(broker, "c", GetParam());
  const auto filter = [](int i) { return std::to_string(i) + std::string(4000, 'f'); };
  const Growth all;
  int granted = 0;
  while (granted < 1000 && subscribe(client, filter(granted)) == 0) ++granted;
  ASSERT_GT(granted, 10);
  ASSERT_LT(granted, 40);
  EXPECT_LT(all.bytes(), (256 << 10) + kFlat);
  EXPECT_EQ(broker.counters().subscribes_over_quota, 1u);
  const Growth beyond;
  for (int i = 0; i < 200; ++i) EXPECT_EQ(subscribe(client, "$share/g/" + filter(granted + i)), refused());
  EXPECT_LT(beyond.bytes(), kFlat);
  EXPECT_EQ(broker.counters().subscribes_over_quota, 201u);
  EXPECT_EQ(subscribe(client, filter(3)), 0) << "again, instead of itself";
  client.drop();
  TestClient& other = connected(broker, "o", GetParam());
  for (int i = 0; i < granted; ++i) EXPECT_EQ(subscribe(other, filter(i)), 0) << "what has ended makes room";
}

TEST_F(Bounds, OneSubscribeHoldsNoMoreQuestionsThanAClientMayHaveSubscriptions) {
  PROVES("5.0 MQTT-3.8.4-5", "5.0 MQTT-3.8.4-6");
  plugins.auth->on_authorize = [](const hooks::AccessRequest&) { return access(true); };
  TestOptions small = options();
  small.session.max_subscriptions = 10;
  TestBroker broker(small);
  TestClient& client = connected(broker, "c");
  client.subscribe("f", 0);
  client.take_types();
  plugins.auth->asked.clear();
  mqtt::SubscribeView many;
  many.packet_id = 2;
  for (int i = 0; i < 1000; ++i) many.requests.push_back({"f", {}});
  client.send(many);
  const auto suback = client.next_as<mqtt::SubscriptionAcknowledgementView>();
  EXPECT_EQ(suback.codes.size(), 1000u);
  EXPECT_EQ(std::count(suback.codes.begin(), suback.codes.end(), 0x97), 990);
  EXPECT_EQ(plugins.auth->asked.size(), 10u);
  EXPECT_EQ(broker.counters().subscribes_over_quota, 990u);
}

// ---- What waits for the store ---------------------------------------------------------------------------------------

TEST_F(Bounds, AnswersThatWaitForTheStoreAreBoundedWhateverTheyAnswer) {
  TestOptions holds = options(true);
  holds.on_store_failure = Shared::StoreFailure::kStopAcks;
  holds.session.parked_acks_max = 10;
  TestBroker broker(holds);
  TestClient& client = broker.client();
  client.connect("c", true, 1000);
  broker.make_durable();
  client.take_types();
  std::string wanted;
  for (mqtt::PacketId id = 1; id <= 100; ++id) {
    mqtt::SubscribeView packet;
    packet.packet_id = id;
    packet.requests.push_back({"f", {}});
    wanted += client.bytes_of(packet);
  }
  client.send(wanted);
  EXPECT_EQ(broker.total(&ShardHoldings::parked), 10u);
  EXPECT_EQ(broker.counters().held_back_parked, 1u);
  EXPECT_EQ(broker.journal(0).count("subscription_put"), 10u);
  for (int round = 0; round < 10; ++round) broker.make_durable();
  EXPECT_EQ(client.take_types().size(), 100u);
}

TEST_F(Bounds, WithoutCreditOfTheStoreNothingIsReadThatItWouldHaveToWrite) {
  TestBroker broker(options(true));
  TestClient& client = broker.client();
  client.connect("c", true, 1000);
  broker.make_durable();
  client.take_types();
  broker.journal(0).credit = false;
  mqtt::SubscribeView packet;
  packet.packet_id = 1;
  packet.requests.push_back({"f", {}});
  const std::uint64_t before = broker.journal(0).position();
  for (int i = 0; i < 10; ++i) client.send(packet);
  EXPECT_EQ(broker.journal(0).position(), before);
  EXPECT_EQ(broker.counters().held_back_credit, 1u);
  EXPECT_EQ(broker.total(&ShardHoldings::stalled_publishers), 1u);
  broker.journal(0).credit = true;
  for (int round = 0; round < 10; ++round) broker.make_durable();
  EXPECT_EQ(client.take_types().size(), 10u);
}

// ---- Retained messages ----------------------------------------------------------------------------------------------

struct RetainedCase {
  std::size_t messages, bytes;
};
class RetainedBounds : public Bounds, public ::testing::WithParamInterface<RetainedCase> {};
INSTANTIATE_TEST_SUITE_P(MessagesAndBytes, RetainedBounds,
                         ::testing::Values(RetainedCase{20, 1 << 30}, RetainedCase{1'000'000, 32 << 10}));

TEST_P(RetainedBounds, TheRetainedStoreRefusesNewTopicsAndKeepsWhatItHas) {
  TestOptions small = options();
  small.retained = {GetParam().messages, GetParam().bytes};
  TestBroker broker(small);
  TestClient& publisher = connected(broker, "p");
  const auto publish = [&](int topic, char letter) {
    publisher.publish("t/" + std::to_string(topic), std::string(1000, letter), 0, 0, true);
  };
  int stored = 0;
  for (; stored < 1000 && broker.counters().retained_refused == 0; ++stored) publish(stored, 'a');
  --stored;
  ASSERT_GE(stored, 20);
  ASSERT_LT(stored, 100);
  EXPECT_EQ(broker.retained().messages(), static_cast<std::size_t>(stored));
  const Growth beyond;
  for (int i = 0; i < 10 * stored; ++i) publish(stored + i, 'a');
  // The match cache remembers each topic.
  EXPECT_LT(beyond.bytes(), 10 * stored * 400 + (64 << 10));
  EXPECT_EQ(broker.counters().retained_refused, 1u + 10u * static_cast<unsigned>(stored));
  EXPECT_LE(broker.retained().bytes(), GetParam().bytes);
  publish(0, 'b');
  EXPECT_EQ(broker.counters().retained_refused, 1u + 10u * static_cast<unsigned>(stored)) << "in the place of its old";
  TestClient& subscriber = connected(broker, "s");
  subscriber.subscribe("t/+", 0);
  EXPECT_EQ(subscriber.take_publishes().size(), static_cast<std::size_t>(stored));
}

}  // namespace
}  // namespace mortise::core::testing
