#include "broker/core/deliver.h"
#include "core_test.h"

// Messages at QoS 2 of a durable publisher go to nobody before they are durable; those for QoS 0 are held meanwhile.

namespace mortise::core::testing {
namespace {

class Held : public ::testing::Test {
 protected:
  static constexpr int kSubscribers = 16;
  Held() {
    TestOptions options;
    options.has_store = true;
    options.session.parked_acks_max = 2 * kMaximumHeld;
    broker.emplace(options);
    for (int i = 0; i < kSubscribers; ++i) {
      TestClient& subscriber = broker->client();
      subscriber.connect("s" + std::to_string(i));
      subscriber.subscribe("t", 0);
      subscribers.push_back(&subscriber);
    }
    publisher = &broker->client(mqtt::ProtocolVersion::k311);
    publisher->connect("p", false);
    broker->make_durable();
    publisher->take_types();
    for (TestClient* subscriber : subscribers) subscriber->take_types();
  }
  void publish(int messages) {
    for (int i = 0; i < messages; ++i) publisher->publish("t", "held", 2, ++id);
  }

  std::optional<TestBroker> broker;
  std::vector<TestClient*> subscribers;
  TestClient* publisher = nullptr;
  mqtt::PacketId id = 0;
};

TEST_F(Held, BeyondItsBoundDeliveriesAtQoS0AreDroppedAndCounted) {
  const int fitting = static_cast<int>(kMaximumHeld) / kSubscribers;
  publish(fitting);
  EXPECT_EQ(broker->counters().dropped_held, 0u);
  EXPECT_EQ(broker->total(&ShardHoldings::held), kMaximumHeld);
  publish(100);
  EXPECT_EQ(broker->counters().dropped_held, 100u * kSubscribers);
  EXPECT_EQ(broker->total(&ShardHoldings::held), kMaximumHeld);
  for (TestClient* subscriber : subscribers) EXPECT_FALSE(subscriber->has_next()) << "nothing is durable yet";
  for (int round = 0; round < 10; ++round) broker->make_durable();
  for (TestClient* subscriber : subscribers)
    EXPECT_EQ(subscriber->take_publishes().size(), static_cast<std::size_t>(fitting));
  EXPECT_EQ(broker->total(&ShardHoldings::held), 0u);
}

/// A client's messages stay in their order (MQTT-4.6.0-5) when its next session is none that the store knows.
TEST(HeldElsewhere, WhatIsHeldIsNotOvertakenByWhatItsPublisherSaysInAnotherSession) {
  TestOptions options;
  options.loops = 2;
  options.has_store = true;
  TestBroker broker(options);
  TestClient& subscriber = broker.client();
  subscriber.connect(broker.id_on(1, "s"));
  subscriber.subscribe("t", 0);
  subscriber.take_types();
  const std::string id = broker.id_on(0, "p");
  TestClient& first = broker.client();
  first.connect(id, true, 1000);
  broker.make_durable();
  first.publish("t", "1", 2, 1);
  first.disconnect(ReasonCode::kSuccess, 0);
  // The publisher's loop hears of the commit before the other does.
  broker.make_durable(0, broker.journal(0).position());
  TestClient& second = broker.client();
  second.connect(id, true, 0);
  second.publish("t", "2", 2, 1);
  EXPECT_FALSE(subscriber.has_next());
  broker.make_durable();
  EXPECT_THAT(subscriber.take_publishes(), ElementsAre("t=1", "t=2"));
}

}  // namespace
}  // namespace mortise::core::testing
