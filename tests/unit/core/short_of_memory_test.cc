#include "broker/core/short_of_memory.h"

#include "core_test.h"

namespace mortise::core::testing {
namespace {

class ShortOfMemoryTest : public CoreTest {
 protected:
  static void set_stage(TestBroker& broker, MemoryStage stage) {
    for (LoopIndex loop = 0; loop < broker.loops(); ++loop) broker.shard(loop).set_memory_stage(stage, broker.now());
    broker.settle();
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, ShortOfMemoryTest, ::testing::Values(1, 3));

TEST_P(ShortOfMemoryTest, NobodyConnectsAnyMoreAndWhoIsConnectedGoesOn) {
  TestBroker broker(options());
  TestClient& client = connected(broker, "c");
  client.subscribe("t", 0);
  client.take_types();
  set_stage(broker, MemoryStage::kRefusing);
  TestClient& v5 = broker.client();
  v5.connect("new");
  EXPECT_EQ(v5.next_as<mqtt::ConnackView>().code, static_cast<int>(ReasonCode::kQuotaExceeded));
  EXPECT_FALSE(v5.is_open());
  TestClient& v3 = broker.client(k311);
  v3.connect("new");
  EXPECT_EQ(v3.next_as<mqtt::ConnackView>().code, 3);
  EXPECT_EQ(broker.total(&ShardCounters::connects_without_memory), 2u);
  client.publish("t", "1");
  EXPECT_THAT(client.take_publishes(), ElementsAre("t=1"));
  set_stage(broker, MemoryStage::kEnough);
  TestClient& later = broker.client();
  later.connect("new");
  EXPECT_EQ(later.next_as<mqtt::ConnackView>().code, 0);
}

TEST_P(ShortOfMemoryTest, WhoPublishesOrSubscribesWaitsAndLosesNothing) {
  TestBroker broker(options());
  TestClient& watcher = connected(broker, "watcher");
  watcher.subscribe("t", 0);
  watcher.take_types();
  TestClient& publisher = broker.client();
  ConnectOptions connect;
  connect.client_id = "publisher";
  connect.keep_alive = 1;
  publisher.connect(connect);
  publisher.take_types();
  TestClient& other = connected(broker, "other");
  set_stage(broker, MemoryStage::kHoldingBack);
  publisher.publish("t", "1", 1, 1);
  EXPECT_FALSE(publisher.is_heard());
  other.send(mqtt::PingreqView{});
  EXPECT_THAT(other.take_types(), ElementsAre(PacketType::kPingresp));
  other.subscribe("u", 0);
  EXPECT_FALSE(other.is_heard());
  for (int i = 0; i < 10; ++i) broker.advance(Millis(1000));
  EXPECT_TRUE(publisher.is_open()) << "its Keep Alive is not counted meanwhile";
  EXPECT_THAT(watcher.take_publishes(), IsEmpty());
  // A lower stage lets them go on.
  set_stage(broker, MemoryStage::kRefusing);
  EXPECT_THAT(publisher.take_types(), ElementsAre(PacketType::kPuback));
  EXPECT_THAT(other.take_types(), ElementsAre(PacketType::kSuback));
  EXPECT_THAT(watcher.take_publishes(), ElementsAre("t=1"));
}

TEST_P(ShortOfMemoryTest, CreditOfTheLoopsDoesNotLetPublishersGoOnWithoutMemory) {
  TestBroker broker(options());
  TestClient& publisher = connected(broker, "publisher");
  set_stage(broker, MemoryStage::kHoldingBack);
  publisher.publish("t", "1");
  for (LoopIndex loop = 0; loop < broker.loops(); ++loop) {
    broker.shard(loop).set_mail_credit(false);
    broker.shard(loop).set_mail_credit(true);
  }
  broker.settle();
  EXPECT_FALSE(publisher.is_heard());
  for (LoopIndex loop = 0; loop < broker.loops(); ++loop) broker.shard(loop).set_mail_credit(false);
  set_stage(broker, MemoryStage::kEnough);
  EXPECT_FALSE(publisher.is_heard()) << "and the other way round";
  for (LoopIndex loop = 0; loop < broker.loops(); ++loop) broker.shard(loop).set_mail_credit(true);
  broker.settle();
  EXPECT_TRUE(publisher.is_heard());
}

/// Fills the outboxes of subscribers that do not read: 100 KiB, 300 KiB and 30 KiB.
struct Deaf {
  explicit Deaf(TestBroker& broker) {
    for (const char* const name : {"some", "most", "little"}) {
      clients.push_back(&broker.client());
      clients.back()->connect(name);
      clients.back()->subscribe(name, 0);
      clients.back()->take_types();
      clients.back()->takes_bytes = false;
    }
    TestClient& publisher = broker.client();
    publisher.connect("publisher");
    for (const auto& [topic, kilobytes] : {std::pair("some", 100), std::pair("most", 300), std::pair("little", 30)}) {
      for (int i = 0; i < kilobytes; ++i) publisher.publish(topic, std::string(1024, 'x'));
    }
  }
  TestClient& some() const { return *clients[0]; }
  TestClient& most() const { return *clients[1]; }
  TestClient& little() const { return *clients[2]; }
  std::vector<TestClient*> clients;
};

TEST_P(ShortOfMemoryTest, WhoKeepsTheMostWaitingIsClosedFirst) {
  TestOptions one = options();
  one.loops = 1;  // each loop has its own worst
  TestBroker broker(one);
  const Deaf deaf(broker);
  set_stage(broker, MemoryStage::kShedding);
  EXPECT_FALSE(deaf.most().is_open());
  EXPECT_TRUE(deaf.some().is_open());
  EXPECT_TRUE(deaf.little().is_open());
  EXPECT_EQ(broker.total(&ShardCounters::shed_connections), 1u);
  set_stage(broker, MemoryStage::kShedding);
  EXPECT_FALSE(deaf.some().is_open());
  set_stage(broker, MemoryStage::kShedding);
  EXPECT_TRUE(deaf.little().is_open()) << "what whoever reads may have waiting";
  EXPECT_EQ(broker.total(&ShardCounters::shed_connections), 2u);
}

TEST_P(ShortOfMemoryTest, WhoIsClosedLeavesItsWillAndItsSession) {
  TestBroker broker(options());
  TestClient& watcher = connected(broker, "watcher");
  watcher.subscribe("will", 0);
  watcher.take_types();
  ConnectOptions connect;
  connect.client_id = "deaf";
  connect.session_expiry = 60;
  connect.will_topic = "will";
  TestClient& deaf = broker.client();
  deaf.connect(connect);
  deaf.subscribe("t", 0);
  deaf.takes_bytes = false;
  for (int i = 0; i < 100; ++i) watcher.publish("t", std::string(1024, 'x'));
  set_stage(broker, MemoryStage::kShedding);
  EXPECT_FALSE(deaf.is_open());
  EXPECT_EQ(broker.total(&ShardHoldings::sessions), 2u);
  set_stage(broker, MemoryStage::kEnough);
  EXPECT_THAT(watcher.take_publishes(), ElementsAre("will=gone"));
}

TEST_P(ShortOfMemoryTest, QoS0ForWhoDoesNotReadIsDroppedEarlier) {
  TestBroker broker(options());
  TestClient& deaf = connected(broker, "deaf");
  deaf.subscribe("t", 0);
  deaf.takes_bytes = false;
  TestClient& publisher = connected(broker, "publisher");
  for (int i = 0; i < 60; ++i) publisher.publish("t", std::string(1024, 'x'));
  EXPECT_EQ(broker.total(&ShardCounters::dropped_outbox_full), 0u);
  set_stage(broker, MemoryStage::kShedding);
  // A plugin's, since no client is read now.
  const auto publish = [&] {
    mqtt::MessageView message;
    message.topic = "t";
    const std::string payload(8192, 'x');
    message.payload = as_bytes(payload);
    broker.perform_intent("deaf", hooks::PublishIntent{mqtt::Message::make(message)});
  };
  publish();
  publish();
  EXPECT_EQ(broker.total(&ShardCounters::dropped_outbox_full), 1u);
  set_stage(broker, MemoryStage::kEnough);
  publish();
  EXPECT_EQ(broker.total(&ShardCounters::dropped_outbox_full), 1u);
  EXPECT_TRUE(deaf.is_open());
}

}  // namespace
}  // namespace mortise::core::testing
