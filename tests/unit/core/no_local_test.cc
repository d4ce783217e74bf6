#include "core_test.h"

namespace mortise::core::testing {
namespace {

// MQTT-3.8.3-3: with No Local nothing comes back to the ClientID that published it, whichever of its sessions or
// connections did.

class NoLocalTest : public CoreTest {
 protected:
  static TestClient& connected(TestBroker& broker, std::string id, std::uint32_t session_expiry = 0) {
    TestClient& client = broker.client();
    ConnectOptions connect;
    connect.client_id = std::move(id);
    connect.clean_start = false;
    connect.session_expiry = session_expiry;
    connect.will_topic = "w";
    connect.will_qos = 1;
    client.connect(connect);
    broker.make_durable();
    client.take_types();
    return client;
  }
  static void subscribe(TestBroker& broker, TestClient& client, std::string_view filter) {
    mqtt::SubscribeView packet;
    packet.packet_id = 1;
    mqtt::SubscriptionOptions options;
    options.maximum_qos = mqtt::QoS::kAtLeastOnce;
    options.no_local = true;
    packet.requests.push_back({filter, options});
    client.send(packet);
    broker.make_durable();
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, NoLocalTest, ::testing::Values(1, 3));

TEST_P(NoLocalTest, TheOwnRetainedMessageStaysAwayFromTheNextSession) {
  TestBroker broker(options());
  auto& client = connected(broker, "c");
  client.publish("r", "own", 1, 1, true);
  client.disconnect();
  auto& again = connected(broker, "c");
  subscribe(broker, again, "r");
  EXPECT_THAT(again.take_publishes(), IsEmpty());
  auto& another = connected(broker, "another");
  subscribe(broker, another, "r");
  EXPECT_THAT(another.take_publishes(), ElementsAre("r=own"));
}

TEST_P(NoLocalTest, TheOwnRetainedMessageStaysAwayAfterARestart) {
  TestBroker broker(options(true));
  auto& client = connected(broker, "c");
  client.publish("r", "own", 1, 1, true);
  broker.make_durable();
  TestBroker after(std::move(broker));
  auto& again = connected(after, "c");
  subscribe(after, again, "r");
  EXPECT_THAT(again.take_publishes(), IsEmpty());
  auto& another = connected(after, "another");
  subscribe(after, another, "r");
  EXPECT_THAT(another.take_publishes(), ElementsAre("r=own"));
}

TEST_P(NoLocalTest, TheOwnWillIsOnesOwn) {
  TestBroker broker(options(true));
  auto& client = connected(broker, "c", 100);
  subscribe(broker, client, "w");
  auto& another = connected(broker, "another", 100);
  subscribe(broker, another, "w");
  another.take_types();
  client.drop();
  broker.make_durable();
  EXPECT_THAT(another.take_publishes(), ElementsAre("w=gone"));
  broker.make_durable();
  auto& again = connected(broker, "c", 100);
  EXPECT_THAT(again.take_publishes(), IsEmpty());
}

TEST_P(NoLocalTest, TheOwnWillIsOnesOwnWhenTheBrokerPublishesItAfterARestart) {
  TestBroker broker(options(true));
  auto& client = connected(broker, "c", 100);
  subscribe(broker, client, "w");
  auto& another = connected(broker, "another", 100);
  subscribe(broker, another, "w");
  another.disconnect();
  broker.make_durable();
  TestBroker after(std::move(broker));
  after.advance(Millis(1));
  after.make_durable();
  auto& again = after.client();
  again.connect("c", false, 100);
  after.make_durable();
  after.serve_pages();
  after.make_durable();
  EXPECT_THAT(again.take_publishes(), IsEmpty());
  auto& other = after.client();
  other.connect("another", false, 100);
  after.make_durable();
  after.serve_pages();
  after.make_durable();
  EXPECT_THAT(other.take_publishes(), ElementsAre("w=gone"));
}

}  // namespace
}  // namespace mortise::core::testing
