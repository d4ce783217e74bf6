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

}  // namespace
}  // namespace mortise::core::testing
