#include "tests/broker/broker_fixture.h"

// node.memory_budget, with a memory that is as full as the test says.

namespace mortise::broker_tests {
namespace {

class MemoryTest : public BrokerTest {
 protected:
  /// So many percent of the budget are used from now on, as every loop has heard.
  void use(std::uint64_t percent) {
    used_ = percent;
    broker().watch_memory(now_ += Millis(1000));
    broker().report();  // what was posted before has been done
  }
  void start_watched() {
    start("sys: { interval: 1s }\n");
    broker().watch_memory_with(std::make_unique<cli::MemoryWatch>(100, [this] { return used_; }));
  }
  /// CONNACK's code.
  int code_of_connect(mqtt::ProtocolVersion version) {
    WireClient client(port(), version);
    ConnectOptions options;
    options.client_id = "new";
    client.send_connect(options);
    return client.next_as<mqtt::ConnackView>()->code;
  }

 private:
  std::uint64_t used_ = 0;
  SteadyTime now_ = steady_now();
};

TEST_F(MemoryTest, EachStageIsFeltByClients) {
  start_watched();
  const auto client = connect("c");
  subscribe(*client, "t");
  use(85);
  EXPECT_EQ(code_of_connect(mqtt::ProtocolVersion::k5), 0x97);
  EXPECT_EQ(code_of_connect(mqtt::ProtocolVersion::k311), 3);
  use(95);
  client->publish("t", "1");
  EXPECT_TRUE(wait_until([](const auto& loops) {
    std::uint64_t held_back = 0;
    for (const auto& loop : loops) held_back += loop.counters.held_back_credit;
    return held_back == 1;
  }));
  EXPECT_EQ(total(&core::ShardCounters::publishes_received), 0u);
  use(50);
  EXPECT_EQ(client->next_as<mqtt::PublishView>()->topic, "t");
  EXPECT_EQ(total(&core::ShardCounters::connects_without_memory), 2u);
  EXPECT_NE(connect("new"), nullptr);
}

}  // namespace
}  // namespace mortise::broker_tests
