#include "core_test.h"
#include "tests/conformance/proof.h"

namespace mortise::core::testing {
namespace {

class DeliverTest : public CoreTest {};
INSTANTIATE_TEST_SUITE_P(Loops, DeliverTest, ::testing::Values(1, 3));

TEST_P(DeliverTest, OverlappingSubscriptionsGetOneCopyAtTheHighestQoS) {  // MQTT-3.3.4-2
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  client.subscribe("#", 0);
  client.subscribe("a/+", 2);
  client.take_types();
  client.publish("a/b", "1", 1, 5);
  EXPECT_THAT(client.take_publishes(), ElementsAre("a/b=1"));
}

TEST_P(DeliverTest, TheClientsReceiveMaximumIsKept) {  // MQTT-3.3.4-9
  PROVES("5.0 MQTT-3.3.4-9", "5.0 MQTT-4.9.0-1", "5.0 MQTT-4.9.0-2");
  TestBroker broker(options());
  auto& client = broker.client();
  ConnectOptions two;
  two.client_id = "c";
  two.receive_maximum = 2;
  client.connect(two);
  client.subscribe("t", 1);
  client.take_types();
  auto& publisher = broker.client();
  publisher.connect("p");
  for (int i = 1; i <= 5; ++i) publisher.publish("t", std::to_string(i), 1, static_cast<mqtt::PacketId>(i));
  EXPECT_EQ(client.waiting(), 2u);
  EXPECT_EQ(client.take_publishes().size(), 5u);
}

TEST_P(DeliverTest, AMessageAboveTheClientsMaximumPacketSizeCountsAsSent) {  // MQTT-3.1.2-24, MQTT-3.1.2-25
  PROVES("5.0 MQTT-3.1.2-24", "5.0 MQTT-3.1.2-25");
  TestBroker broker(options());
  auto& client = broker.client();
  ConnectOptions small;
  small.client_id = "c";
  small.maximum_packet_size = 100;
  client.connect(small);
  client.subscribe("t", 2);
  client.take_types();
  auto& publisher = broker.client();
  publisher.connect("p");
  for (int qos = 0; qos < 3; ++qos)
    publisher.publish("t", std::string(500, 'x'), qos, static_cast<mqtt::PacketId>(qos));
  publisher.publish("t", "small", 2, 9);
  EXPECT_THAT(client.take_publishes(), ElementsAre("t=small"));
  EXPECT_EQ(broker.total(&ShardCounters::dropped_too_large), 3u);
}

TEST_P(DeliverTest, AClientWhoseConnackIsAboveItsMaximumPacketSizeIsRefusedBeforeItTakesOver) {  // MQTT-3.1.2-24
  PROVES("5.0 MQTT-3.1.2-24", "5.0 MQTT-3.2.2-7", "5.0 MQTT-3.14.0-1", "5.0 MQTT-4.13.2-1");
  TestBroker broker(options());
  auto& older = broker.client();
  older.connect("c");
  older.take_types();
  for (const std::uint32_t maximum : {4u, 10u}) {
    ConnectOptions connect;
    connect.client_id = "c";
    connect.maximum_packet_size = maximum;
    auto& client = broker.client();
    client.connect(connect);
    EXPECT_FALSE(client.is_open());
    if (maximum < 5) {
      EXPECT_FALSE(client.has_next());
    } else {
      EXPECT_EQ(client.next_as<mqtt::ConnackView>().code, static_cast<std::uint8_t>(ReasonCode::kPacketTooLarge));
    }
  }
  EXPECT_TRUE(older.is_open());
}

TEST_P(DeliverTest, ASubackAboveTheClientsMaximumPacketSizeIsNotSentAndNothingIsSubscribed) {  // MQTT-3.1.2-24
  PROVES("5.0 MQTT-3.1.2-24");
  TestBroker broker(options());
  for (const bool subscribes : {true, false}) {
    ConnectOptions connect;
    connect.client_id = "c";
    connect.maximum_packet_size = 40;
    auto& client = broker.client();
    client.connect(connect);
    mqtt::SubscribeView subscribe;
    mqtt::UnsubscribeView unsubscribe;
    subscribe.packet_id = unsubscribe.packet_id = 1;
    for (int i = 0; i < 35; ++i) {
      subscribe.requests.push_back({"t", {}});
      unsubscribe.filters.push_back("t");
    }
    const std::string largest = client.bytes_of(subscribe);
    subscribe.requests.push_back({"t", {}});
    unsubscribe.filters.push_back("t");
    client.send(largest);
    ASSERT_EQ(client.take_types(), (std::vector{PacketType::kConnack, PacketType::kSuback}));
    subscribes ? client.send(subscribe) : client.send(unsubscribe);
    EXPECT_EQ(client.next_as<mqtt::DisconnectView>().reason, ReasonCode::kPacketTooLarge);
  }
}

TEST_P(DeliverTest, ASubscriberThatStopsReadingLosesQoS0AboveTheBoundAndNothingElse) {  // BUG-CLASS G
  TestOptions small = options();
  small.session.outbox_max_bytes = 100'000;
  TestBroker broker(small);
  auto& client = broker.client();
  client.connect("c");
  client.subscribe("t", 1);
  client.take_types();
  client.takes_bytes = false;
  auto& publisher = broker.client();
  publisher.connect("p");
  for (int i = 0; i < 300; ++i) publisher.publish("t", std::string(1000, 'x'));
  for (int i = 1; i <= 20; ++i) publisher.publish("t", "kept", 1, static_cast<mqtt::PacketId>(i));
  EXPECT_GT(broker.total(&ShardCounters::dropped_outbox_full), 100u);
  client.read_on();
  const auto got = client.take_publishes();
  EXPECT_EQ(std::count(got.begin(), got.end(), "t=kept"), 20);
}

TEST_P(DeliverTest, EachTenantSeesItsOwnNamesAndNothingOfTheOthers) {  // R8, BUG-CLASS C
  plugins.topic->on_bind = [](const hooks::BindRequest& request) -> hooks::Answer<hooks::BindDecision> {
    return bind_to(request.principal->client_id.substr(0, 2) + "/");
  };
  TestBroker broker(options());
  auto& one = broker.client();
  auto& other = broker.client(k311);
  one.connect("t1-a");
  other.connect("t2-a");
  for (TestClient* client : {&one, &other}) client->subscribe("#", 1);
  one.publish("x", "1", 1, 1);
  other.publish("x", "2", 1, 1);
  EXPECT_THAT(one.take_publishes(), ElementsAre("x=1"));
  EXPECT_THAT(other.take_publishes(), ElementsAre("x=2"));
}

TEST_P(DeliverTest, AMalformedTopicIsRefusedAlsoWhereTheAffixWouldRefuseIt) {  // MQTT-1.5.4-1, MQTT-1.5.4-2
  plugins.topic->on_bind = [](const hooks::BindRequest&) -> hooks::Answer<hooks::BindDecision> {
    return bind_to("tenant/");
  };
  TestBroker broker(options());
  for (const std::string_view topic : {std::string_view("$S\0x", 4), std::string_view("$S\xFF")}) {
    TestClient& publisher = broker.client(k311);
    publisher.connect("p");
    publisher.take_types();
    std::string packet = {0x32, static_cast<char>(topic.size() + 4), 0, static_cast<char>(topic.size())};
    packet += topic;
    packet += std::string("\0\1", 2);
    publisher.send(packet);
    EXPECT_FALSE(publisher.has_next()) << "it is acknowledged";
    EXPECT_FALSE(publisher.is_open());
  }
}

TEST_P(DeliverTest, APacketPassedOnAsItCameKeepsEachReceiversName) {  // R8, BUG-CLASS C
  plugins.topic->on_bind = [](const hooks::BindRequest& request) -> hooks::Answer<hooks::BindDecision> {
    const std::string& id = request.principal->client_id;
    if (!id.starts_with("t")) return hooks::BindDecision{};
    return bind_to(id.substr(0, 2) + "/");
  };
  TestBroker broker(options());
  std::vector<TestClient*> clients;
  for (const char* id : {"t1-a", "t1-b", "t2-a", "nobody-a", "nobody-b"}) {
    clients.push_back(&broker.client());
    clients.back()->connect(id);
    clients.back()->subscribe("#", 0);
    clients.back()->take_types();
  }
  clients[0]->publish("x", "1");
  clients[3]->publish("t1/x", "2");
  clients[3]->publish("x", "3");
  EXPECT_THAT(clients[0]->take_publishes(), ElementsAre("x=1", "x=2"));
  EXPECT_THAT(clients[1]->take_publishes(), ElementsAre("x=1", "x=2"));
  EXPECT_THAT(clients[2]->take_publishes(), IsEmpty());
  EXPECT_THAT(clients[3]->take_publishes(), ElementsAre("t1/x=1", "t1/x=2", "x=3"));
  EXPECT_THAT(clients[4]->take_publishes(), ElementsAre("t1/x=1", "t1/x=2", "x=3"));
}

TEST_P(DeliverTest, ANameThatIsTheBeginningOfAnothersIsNotTakenForIt) {  // R8, BUG-CLASS C
  plugins.topic->on_bind = [](const hooks::BindRequest& request) -> hooks::Answer<hooks::BindDecision> {
    hooks::BindDecision bound;
    bound.is_bound = request.principal->client_id.starts_with("s");
    if (bound.is_bound) bound.suffix = "/end";
    return bound;
  };
  TestBroker broker(options());
  std::vector<TestClient*> clients;
  for (const char* id : {"s-a", "s-b", "nobody-a", "nobody-b"}) {
    clients.push_back(&broker.client());
    clients.back()->connect(id);
    clients.back()->subscribe("+", 0);
    if (*id == 'n') clients.back()->subscribe("+/end", 0);
    clients.back()->take_types();
  }
  clients[2]->publish("x/end", "1");
  clients[0]->publish("y", "2");
  for (TestClient* client : {clients[0], clients[1]}) EXPECT_THAT(client->take_publishes(), ElementsAre("x=1", "y=2"));
  for (TestClient* client : {clients[2], clients[3]})
    EXPECT_THAT(client->take_publishes(), ElementsAre("x/end=1", "y/end=2"));
}

TEST_P(DeliverTest, RetainedMessagesDoNotOverflowASmallQueue) {
  TestOptions small = options();
  small.session.queue.max_messages = 5;
  TestBroker broker(small);
  auto& publisher = broker.client();
  publisher.connect("p");
  for (int i = 0; i < 50; ++i) publisher.publish("t/" + std::to_string(i), "x", 1, 1, true);
  auto& client = broker.client();
  client.connect("c");
  client.subscribe("t/#", 1);
  EXPECT_EQ(client.take_publishes().size(), 50u);
}

// ---- The store ------------------------------------------------------------------------------------------------------

TEST_P(DeliverTest, EachAcknowledgementLeavesWithItsOwnCommit) {
  TestBroker broker(options(true));
  auto& one = broker.client();
  auto& other = broker.client();
  const std::string first = broker.id_on(0, "a"), second = broker.id_on(0, "b"), third = broker.id_on(0, "s");
  auto& subscriber = broker.client();
  subscriber.connect(third, true, 1000);
  broker.make_durable();
  subscriber.subscribe("t", 1);
  broker.make_durable();
  one.connect(first);
  other.connect(second);
  one.take_types();
  other.take_types();
  one.publish("t", "1", 1, 1);
  const std::uint64_t after_first = broker.journal(0).position();
  one.publish("t", "2", 1, 2);
  const std::uint64_t after_second = broker.journal(0).position();
  other.publish("t", "3", 1, 3);
  broker.make_durable(0, after_first);
  EXPECT_EQ(one.take_types().size(), 1u);
  broker.make_durable(0, after_second);
  EXPECT_EQ(one.take_types().size(), 1u) << "not held up by whoever parked in between";
  EXPECT_EQ(other.take_types().size(), 0u);
}

TEST_P(DeliverTest, WhoPublishesWhileTheStoreFailsIsToldByTheClose) {  // R10: refuse_persistent
  PROVES("3.1.1 MQTT-4.8.0-2");
  for (const mqtt::ProtocolVersion version : {k311, mqtt::ProtocolVersion::k5}) {
    TestBroker broker(options(true));
    auto& subscriber = broker.client();
    subscriber.connect("s", true, 1000);
    broker.make_durable();
    subscriber.subscribe("t", 1);
    broker.make_durable();
    auto& publisher = broker.client(version);
    publisher.connect("p");
    publisher.take_types();
    broker.store_fails(true);
    publisher.publish("t", "1", 1, 1);
    EXPECT_FALSE(publisher.is_open());
    ASSERT_EQ(publisher.waiting(), version == k311 ? 0u : 1u);
    if (version == k311) continue;
    EXPECT_EQ(publisher.next_as<mqtt::DisconnectView>().reason, ReasonCode::kServerBusy);  // 5.0 table 3-13
  }
}

TEST_P(DeliverTest, WhatAStoredSessionGetsAtQoS0NeedsNoStore) {
  TestBroker broker(options(true));
  auto& subscriber = broker.client();
  subscriber.connect("s", true, 1000);
  broker.make_durable();
  subscriber.subscribe("t", 0);
  broker.make_durable();
  auto& publisher = broker.client();
  publisher.connect("p");
  publisher.take_types();
  broker.store_fails(true);
  publisher.publish("t", "1", 1, 1);
  EXPECT_THAT(publisher.take_types(), ElementsAre(PacketType::kPuback)) << "nothing of it waits for anybody";
  EXPECT_THAT(subscriber.take_publishes(), ElementsAre("t=1"));
  // Together with a subscription that keeps it, the copy is stored.
  broker.store_fails(false);
  subscriber.subscribe("#", 1);
  broker.make_durable();
  publisher.publish("t", "2", 1, 2);
  EXPECT_THAT(publisher.take_types(), ElementsAre());
  broker.make_durable();
  EXPECT_THAT(publisher.take_types(), ElementsAre(PacketType::kPuback));
  EXPECT_THAT(subscriber.take_publishes(), ElementsAre("t=2"));
}

TEST_P(DeliverTest, WithMemoryOnlyEverythingGoesOnWhileTheStoreFails) {  // R10: memory_only
  TestOptions lenient = options(true);
  lenient.on_store_failure = Shared::StoreFailure::kMemoryOnly;
  TestBroker broker(lenient);
  auto& subscriber = broker.client();
  subscriber.connect("s", true, 1000);
  broker.store_fails(true);
  subscriber.subscribe("t", 2);
  auto& publisher = broker.client();
  publisher.connect("p", true, 1000);
  publisher.take_types();
  publisher.publish("t", "1", 2, 1);
  EXPECT_THAT(publisher.take_types(), ElementsAre(PacketType::kPubrec));
  EXPECT_THAT(subscriber.take_publishes(), ElementsAre("t=1"));
}

TEST_P(DeliverTest, AFailedPageIsAskedForAgainALittleLater) {
  TestOptions small = options(true);
  small.session.max_inflight = 10;
  TestBroker broker(small);
  auto& client = broker.client();
  client.connect("c", true, 1000);
  broker.make_durable();
  client.subscribe("t", 1);
  broker.make_durable();
  client.drop();
  auto& publisher = broker.client();
  publisher.connect("p");
  for (int i = 1; i <= 1500; ++i) {
    publisher.publish("t", "x", 1, static_cast<mqtt::PacketId>(i));
    if (i % 50 == 0) broker.make_durable();
  }
  auto& again = broker.client();
  again.connect("c", false, 1000);
  broker.make_durable();
  std::size_t got = again.take_publishes().size();
  broker.serve_pages(true);
  EXPECT_TRUE(broker.journal(broker.home_of("c")).fetches.empty()) << "not at once";
  broker.advance(Millis(1000));
  for (int round = 0; round < 400; ++round) {
    broker.serve_pages();
    broker.make_durable();
    got += again.take_publishes().size();
  }
  EXPECT_EQ(got, 1500u);
}

}  // namespace
}  // namespace mortise::core::testing
