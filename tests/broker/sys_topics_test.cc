#include <map>

#include "tests/broker/broker_fixture.h"

// $SYS as clients see it: 5.0 section 4.7.2.

namespace mortise::broker_tests {
namespace {

class SysTopicsTest : public BrokerTest {
 protected:
  /// Lets the broker bring $SYS up to date, and reads until `topic` has come or nothing comes any more.
  void read_until(WireClient& client, const std::string& topic) {
    SteadyTime now = steady_now();
    const SteadyTime deadline = now + kPatience;
    while (!seen_.contains(topic) && steady_now() < deadline) {
      broker().refresh_sys_topics(now += Millis(200));
      Packet packet;
      while (client.read(packet, Millis(20)) == WireClient::Read::kPacket) {
        ASSERT_EQ(packet.type, mqtt::PacketType::kPublish);
        const auto publish = client.decode_as<mqtt::PublishView>(packet);
        seen_[std::string(publish->topic)] = as_text(publish->payload);
      }
    }
  }
  std::map<std::string, std::string> seen_;
};

TEST_F(SysTopicsTest, TheBrokerTellsOfItselfToWhoeverAsksByName) {
  start("sys: { interval: 1s }\n");
  const auto monitor = connect("monitor");
  ASSERT_LE(subscribe(*monitor, "$SYS/broker/#"), 2);
  read_until(*monitor, "$SYS/broker/uptime");
  EXPECT_TRUE(seen_["$SYS/broker/version"].starts_with("mortise version ")) << seen_["$SYS/broker/version"];
  EXPECT_EQ(seen_["$SYS/broker/clients/connected"], "1");
  EXPECT_EQ(seen_["$SYS/broker/subscriptions/count"], "1");
  EXPECT_NE(seen_["$SYS/broker/bytes/received"], "0");

  const auto another = connect("another");
  seen_.clear();
  read_until(*monitor, "$SYS/broker/clients/connected");
  EXPECT_EQ(seen_["$SYS/broker/clients/connected"], "2");

  seen_.clear();
  subscribe(*another, "$SYS/broker/version");
  read_until(*another, "$SYS/broker/version");
  EXPECT_EQ(seen_.size(), 1u) << "it is retained";
}

TEST_F(SysTopicsTest, TheStoreIsWhatIsRetainedAndWhatWaitsInQueues) {
  start("sys: { interval: 1s }\n");
  ConnectOptions week;
  week.client_id = "absent";
  week.clean_start = false;
  week.session_expiry = 7 * 24 * 3600;
  auto absent = connect(week);
  subscribe(*absent, "t", mqtt::QoS::kAtLeastOnce);
  absent.reset();
  const auto publisher = connect("publisher");
  for (mqtt::PacketId id = 1; id <= 3; ++id) {
    publisher->publish("t", std::string(1000, 'x'), mqtt::QoS::kAtLeastOnce, id);
    EXPECT_EQ(publisher->next_as<mqtt::AcknowledgementView>()->packet_id, id);
  }
  const auto monitor = connect("monitor");
  subscribe(*monitor, "$SYS/broker/#");
  const auto in_queues = [&](const std::string& what) {
    const std::string& all = seen_["$SYS/broker/store/messages/" + what];
    const std::string& retained = seen_["$SYS/broker/retained messages/" + what];
    return all.empty() || retained.empty() ? 0 : std::stoul(all) - std::stoul(retained);
  };
  const SteadyTime deadline = steady_now() + kPatience;
  while (in_queues("count") != 3 && steady_now() < deadline) {
    seen_.erase("$SYS/broker/uptime");
    read_until(*monitor, "$SYS/broker/uptime");
  }
  EXPECT_EQ(in_queues("count"), 3u);
  EXPECT_GE(in_queues("bytes"), 3000u);
  EXPECT_EQ(seen_["$SYS/broker/messages/stored"], seen_["$SYS/broker/store/messages/count"]);
}

TEST_F(SysTopicsTest, AWildcardAtTheBeginningDoesNotMatchThem) {  // MQTT-4.7.2-1
  start("sys: { interval: 1s }\n");
  const auto monitor = connect("monitor");
  subscribe(*monitor, "$SYS/broker/uptime");
  const auto everything = connect("everything");
  subscribe(*everything, "#");
  const auto one_level = connect("one-level");
  subscribe(*one_level, "+/broker/version");
  read_until(*monitor, "$SYS/broker/uptime");
  for (WireClient* client : {everything.get(), one_level.get()}) {
    client->publish("$SYS", "x");  // the broker's own as well
    subscribe(*client, "marker");
    client->publish("marker", "m");
    EXPECT_EQ(client->next_as<mqtt::PublishView>()->topic, "marker");
  }
}

TEST_F(SysTopicsTest, ClientsCannotWriteThem) {
  start("sys: { interval: 1s }\n");
  const auto client = connect("c");
  client->publish("$SYS/broker/version", "mine", mqtt::QoS::kAtLeastOnce, 1, true);
  EXPECT_EQ(client->next_as<mqtt::AcknowledgementView>()->reason, mqtt::ReasonCode::kNotAuthorized);
  subscribe(*client, "$SYS/broker/version");
  read_until(*client, "$SYS/broker/version");
  EXPECT_TRUE(seen_["$SYS/broker/version"].starts_with("mortise version "));
}

TEST_F(SysTopicsTest, SwitchedOffThereAreNone) {
  start("sys: { interval: off }\n");
  EXPECT_EQ(broker().refresh_sys_topics(steady_now()), kNever);
}

}  // namespace
}  // namespace mortise::broker_tests
