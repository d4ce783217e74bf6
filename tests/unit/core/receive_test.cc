#include "core_test.h"
#include "tests/conformance/proof.h"

namespace mortise::core::testing {
namespace {

class ReceiveTest : public CoreTest {};
INSTANTIATE_TEST_SUITE_P(Loops, ReceiveTest, ::testing::Values(1, 3));

std::string connect_bytes(TestClient& client, std::string_view id) {
  ConnectOptions options;
  options.client_id = id;
  return client.bytes_of(options);
}
std::string publish_bytes(TestClient& client, std::string_view topic, std::string_view payload, int qos = 0,
                          mqtt::PacketId id = 0) {
  mqtt::PublishView packet;
  packet.topic = topic;
  packet.payload = as_bytes(payload);
  packet.qos = static_cast<mqtt::QoS>(qos);
  packet.packet_id = id;
  return client.bytes_of(packet);
}
std::string subscribe_bytes(TestClient& client, std::string_view filter, int qos = 0, mqtt::PacketId id = 1) {
  mqtt::SubscribeView packet;
  packet.packet_id = id;
  packet.requests.push_back({filter, {static_cast<mqtt::QoS>(qos), false, false, mqtt::RetainHandling::kSend}});
  return client.bytes_of(packet);
}

TEST_P(ReceiveTest, WhatIsSentTogetherWithConnectIsNotLostOnTheWayToTheHomeLoop) {
  PROVES("5.0 MQTT-3.2.0-1");
  for (LoopIndex home = 0; home < GetParam(); ++home) {
    TestBroker broker(options());
    auto& client = broker.client();
    client.send(connect_bytes(client, broker.id_on(home)) + subscribe_bytes(client, "t") +
                publish_bytes(client, "t", "1") + client.bytes_of(mqtt::PingreqView{}));
    EXPECT_THAT(client.take_types(),
                ElementsAre(PacketType::kConnack, PacketType::kSuback, PacketType::kPublish, PacketType::kPingresp));
  }
}

TEST_P(ReceiveTest, PacketsMayBeCutAtEveryByte) {  // BUG-CLASS D
  PROVES("5.0 MQTT-3.12.4-1");
  TestBroker broker(options());
  auto& client = broker.client();
  const std::string all = connect_bytes(client, "c") + subscribe_bytes(client, "t", 1) +
                          publish_bytes(client, "t", "1", 1, 5) + client.bytes_of(mqtt::PingreqView{});
  for (const char byte : all) client.send(std::string_view(&byte, 1));
  EXPECT_THAT(client.take_types(), UnorderedElementsAre(PacketType::kConnack, PacketType::kSuback, PacketType::kPublish,
                                                        PacketType::kPuback, PacketType::kPingresp));
}

TEST_P(ReceiveTest, TheFirstPacketMustBeConnectAndThereIsOnlyOne) {  // MQTT-3.1.0-1, MQTT-3.1.0-2
  PROVES("5.0 MQTT-3.1.0-1", "5.0 MQTT-3.1.0-2", "5.0 MQTT-3.2.0-2", "5.0 MQTT-3.14.0-1", "5.0 MQTT-4.13.1-1");
  TestBroker broker(options());
  auto& early = broker.client();
  early.send(mqtt::PingreqView{});
  EXPECT_FALSE(early.is_open());
  EXPECT_FALSE(early.has_next());
  auto& twice = broker.client();
  twice.connect("c");
  twice.next();
  twice.connect("c");
  EXPECT_FALSE(twice.is_open());
  EXPECT_EQ(twice.next_as<mqtt::DisconnectView>().reason, ReasonCode::kProtocolError);
}

TEST_P(ReceiveTest, APacketThatOnlyAServerSendsEndsTheConnection) {
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  client.next();
  client.send(mqtt::PingrespView{});
  EXPECT_EQ(client.next_as<mqtt::DisconnectView>().reason, ReasonCode::kProtocolError);
}

TEST_P(ReceiveTest, APacketAboveTheMaximumIsRefused) {  // MQTT-3.2.2-15
  PROVES("5.0 MQTT-3.2.2-15");
  TestOptions small = options();
  small.mqtt.max_packet_size = 100;
  TestBroker broker(small);
  auto& client = broker.client();
  client.connect("c");
  client.next();
  client.publish("t", std::string(200, 'x'));
  EXPECT_EQ(client.next_as<mqtt::DisconnectView>().reason, ReasonCode::kPacketTooLarge);
}

TEST_P(ReceiveTest, NothingBehindDisconnectIsRead) {
  TestBroker broker(options());
  auto& watcher = broker.client();
  watcher.connect("w");
  watcher.subscribe("#", 0);
  auto& client = broker.client();
  client.send(connect_bytes(client, "c") + client.bytes_of(mqtt::DisconnectView{}) + publish_bytes(client, "t", "1"));
  EXPECT_FALSE(client.is_open());
  EXPECT_THAT(watcher.take_publishes(), IsEmpty());
}

// ---- Behind a pending hook ------------------------------------------------------------------------------------------

TEST_P(ReceiveTest, PacketsWaitInOrderBehindAPendingPublish) {
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    if (request.topic == "slow") return pending();
    return access(true);
  };
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  client.subscribe("#", 0);
  client.take_types();
  // What is answered at once stands behind what waits: each is handled once, in order.
  client.send(publish_bytes(client, "slow", "1") + publish_bytes(client, "a", "2") +
              subscribe_bytes(client, "x", 0, 2) + publish_bytes(client, "b", "3") +
              subscribe_bytes(client, "y", 0, 3) + publish_bytes(client, "c", "4"));
  EXPECT_THAT(client.take_types(), IsEmpty());
  broker.answer(plugins.auth->pending.at(0), access(true));
  EXPECT_THAT(client.take_publishes(), ElementsAre("slow=1", "a=2", "b=3", "c=4"));
}

TEST_P(ReceiveTest, AcknowledgementsAndPingsPassAPendingHook) {
  PROVES("5.0 MQTT-3.12.4-1");
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    if (request.topic == "slow") return pending();
    return access(true);
  };
  TestBroker broker(options());
  auto& client = broker.client();
  ConnectOptions one_at_a_time;
  one_at_a_time.client_id = "c";
  one_at_a_time.receive_maximum = 1;
  client.connect(one_at_a_time);
  client.subscribe("t", 1);
  auto& other = broker.client();
  other.connect("o");
  other.publish("t", "1", 1, 1);
  other.publish("t", "2", 1, 2);
  client.publish("slow", "x", 1, 9);
  EXPECT_THAT(client.take_publishes(), ElementsAre("t=1", "t=2")) << "the PUBACK of the first let the second go";
  client.send(mqtt::PingreqView{});
  EXPECT_THAT(client.take_types(), ElementsAre(PacketType::kPingresp));
}

TEST_P(ReceiveTest, TheReadAheadIsBoundedAndGoesOnLater) {
  bool is_slow = true;
  plugins.auth->on_authorize = [&](const hooks::AccessRequest&) -> hooks::Answer<hooks::AccessDecision> {
    if (is_slow) return pending();
    return access(true);
  };
  TestOptions small = options();
  small.session.read_ahead_max_bytes = 100;
  TestBroker broker(small);
  auto& client = broker.client();
  client.connect("c");
  client.take_types();
  std::string all;
  for (int i = 1; i <= 50; ++i) all += publish_bytes(client, "t", "x", 1, static_cast<mqtt::PacketId>(i));
  client.send(all);
  is_slow = false;
  broker.answer(plugins.auth->pending.at(0), access(true));
  EXPECT_EQ(client.take_types().size(), 50u);
}

TEST_P(ReceiveTest, AShortLivedPublisherLosesNothingBehindAPendingHook) {
  PROVES("5.0 MQTT-3.14.4-3");
  bool is_slow = true;
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    if (is_slow && request.action == hooks::Action::kPublish) return pending();
    return access(true);
  };
  TestBroker broker(options());
  auto& watcher = broker.client();
  watcher.connect("w");
  watcher.subscribe("#", 0);
  auto& client = broker.client();
  ConnectOptions with_will;
  with_will.client_id = "c";
  with_will.will_topic = "will";
  client.connect(with_will);
  client.send(publish_bytes(client, "t", "1") + publish_bytes(client, "t", "2") +
              client.bytes_of(mqtt::DisconnectView{}));
  client.drop();
  is_slow = false;
  broker.answer(plugins.auth->pending.at(0), access(true));
  EXPECT_THAT(watcher.take_publishes(), ElementsAre("t=1", "t=2")) << "and no Will: it said DISCONNECT";
  auto& again = broker.client();
  again.connect("c");
  EXPECT_EQ(again.next_as<mqtt::ConnackView>().code, 0);
}

TEST_P(ReceiveTest, AClientThatVanishedBehindAPendingHookLeavesItsWill) {  // MQTT-3.1.2-8
  PROVES("5.0 MQTT-3.1.2-8");
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    if (request.topic == "slow") return pending();
    return access(true);
  };
  TestBroker broker(options());
  auto& watcher = broker.client();
  watcher.connect("w");
  watcher.subscribe("#", 0);
  auto& client = broker.client();
  ConnectOptions with_will;
  with_will.client_id = "c";
  with_will.will_topic = "will";
  client.connect(with_will);
  client.publish("slow", "1");
  client.drop();
  EXPECT_THAT(watcher.take_publishes(), IsEmpty());
  broker.advance(Millis(5000));  // the hook never answers
  EXPECT_THAT(watcher.take_publishes(), ElementsAre("will=gone"));
}

// ---- Held back ------------------------------------------------------------------------------------------------------

TEST_P(ReceiveTest, APublisherWaitsForCreditAndLosesNothing) {
  TestBroker broker(options());
  auto& client = broker.client();
  ConnectOptions lively;
  lively.client_id = "c";
  lively.keep_alive = 2;
  client.connect(lively);
  client.subscribe("t", 0);
  client.take_types();
  for (LoopIndex loop = 0; loop < broker.loops(); ++loop) broker.shard(loop).set_mail_credit(false);
  client.publish("t", "1");
  client.publish("t", "2");
  client.send(mqtt::PingreqView{});
  EXPECT_FALSE(client.has_next());
  // The broker does not read, so what the client says in time is not seen in time.
  broker.advance(Millis(60'000));
  EXPECT_TRUE(client.is_open()) << "keep alive counts what is read";
  for (LoopIndex loop = 0; loop < broker.loops(); ++loop) broker.shard(loop).set_mail_credit(true);
  broker.settle();
  EXPECT_EQ(client.take_types().size(), 3u);
  broker.advance(Millis(3001));
  EXPECT_FALSE(client.is_open()) << "from now on it counts again";
}

TEST_P(ReceiveTest, AtTheBoundOfParkedAcknowledgementsReadingStops) {
  TestOptions small = options(true);
  small.session.parked_acks_max = 3;
  TestBroker broker(small);
  auto& subscriber = broker.client();
  subscriber.connect("s", true, 1000);
  broker.make_durable();
  subscriber.subscribe("t", 1);
  auto& client = broker.client();
  client.connect("c");
  broker.make_durable();
  client.take_types();
  for (int i = 1; i <= 10; ++i) client.publish("t", "x", 1, static_cast<mqtt::PacketId>(i));
  EXPECT_EQ(broker.total(&ShardCounters::publishes_received), 3u);
  for (int i = 0; i < 6; ++i) broker.make_durable();
  EXPECT_EQ(client.take_types().size(), 10u);
}

// ---- The store's credit ----

void give_credit(TestBroker& broker, std::size_t loops, bool has_credit) {
  for (std::size_t loop = 0; loop < loops; ++loop) broker.journal(static_cast<LoopIndex>(loop)).credit = has_credit;
}

TEST_P(ReceiveTest, WithoutCreditOfTheStoreQoS0AndSessionsThatAreNotStoredGoOn) {
  using Policy = Shared::StoreFailure;
  for (const Policy policy : {Policy::kStopAcks, Policy::kMemoryOnly, Policy::kRefusePersistent}) {
    TestOptions fails = options(true);
    fails.on_store_failure = policy;
    TestBroker broker(fails);
    TestClient& publisher = connected(broker, "p");
    TestClient& keeper = connected(broker, "k");
    broker.store_fails(true);
    give_credit(broker, GetParam(), false);
    TestClient& subscriber = connected(broker, "s");
    subscriber.subscribe("t", 0);
    EXPECT_THAT(subscriber.take_types(), ElementsAre(PacketType::kSuback));
    publisher.publish("t", "x", 0, 0);
    EXPECT_THAT(subscriber.take_publishes(), ElementsAre("t=x"));
    // Who needs the store waits, or is told by the close; nobody else.
    keeper.publish("t", "y", 1, 1);
    publisher.publish("t", "kept", 0, 0, true);
    const bool is_closed = policy == Policy::kRefusePersistent;
    for (const TestClient* client : {&keeper, &publisher}) EXPECT_EQ(client->is_open(), !is_closed);
    EXPECT_EQ(broker.total(&ShardCounters::store_refusals), is_closed ? 2u : 0u);
    EXPECT_EQ(broker.total(&ShardCounters::held_back_credit), 2u);
    EXPECT_TRUE(subscriber.is_open());
    broker.store_fails(false);
    give_credit(broker, GetParam(), true);
    broker.make_durable();
    EXPECT_EQ(subscriber.take_publishes().size(), is_closed ? 0u : 2u);
  }
}

TEST_P(ReceiveTest, CreditOfTheMailboxesComesBackWithoutThatOfTheStore) {
  TestBroker broker(options(true));
  TestClient& publisher = connected(broker, "p");
  TestClient& subscriber = connected(broker, "s");
  subscriber.subscribe("t", 0);
  subscriber.take_types();
  give_credit(broker, GetParam(), false);
  for (LoopIndex loop = 0; loop < GetParam(); ++loop) broker.shard(loop).set_mail_credit(false);
  publisher.publish("t", "x", 0, 0);
  EXPECT_THAT(subscriber.take_publishes(), ElementsAre());
  for (LoopIndex loop = 0; loop < GetParam(); ++loop) broker.shard(loop).set_mail_credit(true);
  broker.make_durable();
  EXPECT_THAT(subscriber.take_publishes(), ElementsAre("t=x"));
}

}  // namespace
}  // namespace mortise::core::testing
