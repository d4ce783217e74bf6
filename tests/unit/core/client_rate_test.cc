#include "broker/core/client_rate.h"

#include "core_test.h"

namespace mortise::core::testing {
namespace {

constexpr SteadyTime kBegin{std::chrono::hours(1)};

TEST(Allowance, ABurstMayBeSpentAtOnceAndComesBackEvenly) {
  Allowance allowance(10, Millis(500));
  EXPECT_EQ(allowance.available(kBegin), 5u);
  allowance.spend(5, kBegin);
  EXPECT_EQ(allowance.available(kBegin), 0u);
  EXPECT_EQ(allowance.available(kBegin + 99ms), 0u);
  EXPECT_EQ(allowance.available(kBegin + 100ms), 1u);
  EXPECT_EQ(allowance.due(2), kBegin + 200ms);
  EXPECT_EQ(allowance.available(kBegin + 1h), 5u) << "what was not used for longer is lost";
}

TEST(Allowance, MoreThanThereIsIsADebt) {
  Allowance allowance(1000, Millis(1000));
  allowance.spend(3000, kBegin);
  EXPECT_EQ(allowance.available(kBegin + 2s), 0u);
  EXPECT_EQ(allowance.due(0), kBegin + 2s);
  EXPECT_EQ(allowance.available(kBegin + 2500ms), 500u);
}

TEST(Allowance, OneIsAlwaysHadInTime) {
  for (const std::uint64_t rate : {1u, 3u, 7u, 1'000u, 999'983u, 10'000'000u}) {
    Allowance allowance(rate, Millis(100));
    SteadyTime now = kBegin;
    allowance.spend(allowance.available(now), now);
    EXPECT_EQ(allowance.available(now), 0u) << rate;
    EXPECT_GT(allowance.due(1), now) << rate;
    EXPECT_GE(allowance.available(allowance.due(1)), 1u) << rate;
  }
}

TEST(Allowance, WithoutALimitThereIsAlwaysEnough) {
  Allowance allowance(0, Millis(1000));
  allowance.spend(1'000'000'000, kBegin);
  EXPECT_GT(allowance.available(kBegin), std::uint64_t{1} << 60);
  EXPECT_LE(allowance.due(1), kBegin);
}

class ClientRateTest : public CoreTest {
 protected:
  static session::ClientRate rate(std::uint32_t messages, std::uint64_t bytes = 0, Millis burst = Millis(1000)) {
    session::ClientRate made;
    made.messages_per_second = messages;
    made.bytes_per_second = bytes;
    made.burst = burst;
    return made;
  }
  /// So many PUBLISH packets in one go, with the number as the payload.
  static std::string publishes(TestClient& client, int first, int count, int qos = 0) {
    std::string bytes;
    for (int i = first; i < first + count; ++i) {
      mqtt::PublishView packet;
      packet.topic = "t";
      const std::string payload = std::to_string(i);
      packet.payload = as_bytes(payload);
      packet.qos = static_cast<mqtt::QoS>(qos);
      packet.packet_id = static_cast<mqtt::PacketId>(qos == 0 ? 0 : i + 1);
      bytes += client.bytes_of(packet);
    }
    return bytes;
  }
  static std::vector<std::string> expected(int first, int count) {
    std::vector<std::string> all;
    for (int i = first; i < first + count; ++i) all.push_back("t=" + std::to_string(i));
    return all;
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, ClientRateTest, ::testing::Values(1, 3));

TEST_P(ClientRateTest, WhoIsFasterThanItsRateWaitsAndLosesNothing) {
  TestBroker broker(options());
  TestClient& watcher = connected(broker, "watcher");
  watcher.subscribe("t", 0);
  watcher.take_types();
  broker.client_rate = rate(10);
  TestClient& client = connected(broker, "c");
  client.send(publishes(client, 0, 25));
  EXPECT_EQ(watcher.take_publishes(), expected(0, 10));
  EXPECT_FALSE(client.is_heard());
  EXPECT_EQ(broker.total(&ShardCounters::held_back_rate), 1u);
  broker.advance(Millis(99));
  EXPECT_THAT(watcher.take_publishes(), IsEmpty());
  broker.advance(Millis(1));
  EXPECT_EQ(watcher.take_publishes(), expected(10, 1));
  for (int i = 0; i < 14; ++i) broker.advance(Millis(100));
  EXPECT_EQ(watcher.take_publishes(), expected(11, 14));
  EXPECT_TRUE(client.is_heard());
}

TEST_P(ClientRateTest, WhoeverElseConnectsIsNotHeldBack) {
  TestBroker broker(options());
  broker.client_rate = rate(1);
  TestClient& slow = connected(broker, "slow");
  TestClient& other = connected(broker, "other");
  broker.client_rate = {};
  TestClient& free = connected(broker, "free");
  slow.send(publishes(slow, 0, 3));
  other.send(publishes(other, 0, 1));
  free.send(publishes(free, 0, 1000));
  EXPECT_FALSE(slow.is_heard());
  EXPECT_TRUE(other.is_heard());
  EXPECT_TRUE(free.is_heard());
}

TEST_P(ClientRateTest, TheLimitGoesAlongToTheHomeLoop) {
  for (LoopIndex home = 0; home < GetParam(); ++home) {
    TestBroker broker(options());
    broker.client_rate = rate(2);
    TestClient& client = broker.client();
    ConnectOptions connect;
    connect.client_id = broker.id_on(home);
    // What comes together with CONNECT counts, too.
    client.send(client.bytes_of(connect) + publishes(client, 0, 5));
    EXPECT_FALSE(client.is_heard());
    EXPECT_EQ(broker.total(&ShardCounters::publishes_received), 2u);
    broker.advance(Millis(500));
    EXPECT_EQ(broker.total(&ShardCounters::publishes_received), 3u);
  }
}

TEST_P(ClientRateTest, BytesAreADebtThatIsPaidOffBeforeMoreIsRead) {
  TestBroker broker(options());
  broker.client_rate = rate(0, 1000);
  TestClient& client = connected(broker, "c");
  broker.advance(Millis(1000));
  client.publish("t", std::string(2995, 'x'));  // 3,002 bytes: what was read is worked on
  EXPECT_TRUE(client.is_heard());
  client.publish("t", "");
  EXPECT_FALSE(client.is_heard());
  broker.advance(Millis(2001));
  EXPECT_FALSE(client.is_heard());
  broker.advance(Millis(1));
  EXPECT_TRUE(client.is_heard());
}

TEST_P(ClientRateTest, TheBytesOfAnUnfinishedPacketCountOnce) {
  TestBroker broker(options());
  broker.client_rate = rate(0, 1000);
  TestClient& client = connected(broker, "c");
  mqtt::PublishView packet;
  packet.topic = "t";
  const std::string payload(900, 'x');
  packet.payload = as_bytes(payload);
  broker.advance(Millis(1000));
  for (const char byte : client.bytes_of(packet)) client.send(std::string_view(&byte, 1));
  EXPECT_TRUE(client.is_heard());
  EXPECT_EQ(broker.total(&ShardCounters::held_back_rate), 0u);
}

TEST_P(ClientRateTest, KeepAliveIsNotCountedAgainstWhoIsNotRead) {
  TestBroker broker(options());
  broker.client_rate = rate(1);
  TestClient& client = broker.client();
  ConnectOptions connect;
  connect.client_id = "c";
  connect.keep_alive = 1;
  client.connect(connect);
  client.send(publishes(client, 0, 2) + client.bytes_of(mqtt::PingreqView{}));
  broker.client_rate = rate(0, 1);
  TestClient& deep = broker.client();
  connect.client_id = "deep";
  deep.connect(connect);
  deep.publish("t", std::string(100, 'x'));
  for (int i = 0; i < 9; ++i) broker.advance(Millis(100));
  EXPECT_TRUE(client.is_open());
  for (int i = 0; i < 100; ++i) broker.advance(Millis(1000));
  EXPECT_TRUE(deep.is_open()) << "in debt for two minutes";
  EXPECT_FALSE(client.is_open()) << "it was read, and said nothing";
}

TEST_P(ClientRateTest, AcknowledgementsComeAsTheMessagesAreTaken) {
  TestBroker broker(options());
  broker.client_rate = rate(2);
  TestClient& client = connected(broker, "c");
  client.send(publishes(client, 0, 4, 1) + client.bytes_of(mqtt::PingreqView{}));
  EXPECT_THAT(client.take_types(), ElementsAre(PacketType::kPuback, PacketType::kPuback));
  broker.advance(Millis(1000));
  EXPECT_THAT(client.take_types(), ElementsAre(PacketType::kPuback, PacketType::kPuback, PacketType::kPingresp));
}

TEST_P(ClientRateTest, WhatWasSentBeforeDisconnectIsTakenBeforeIt) {
  TestBroker broker(options());
  broker.client_rate = rate(2);
  TestClient& client = connected(broker, "c");
  client.send(publishes(client, 0, 5) + client.bytes_of(mqtt::DisconnectView{}));
  EXPECT_TRUE(client.is_open());
  for (int i = 0; i < 3; ++i) broker.advance(Millis(500));
  EXPECT_FALSE(client.is_open());
  EXPECT_EQ(broker.total(&ShardCounters::publishes_received), 5u);
}

TEST_P(ClientRateTest, WhoWaitsCanBeKicked) {
  TestBroker broker(options());
  broker.client_rate = rate(1);
  TestClient& client = connected(broker, "c");
  client.send(publishes(client, 0, 5));
  broker.kick("c");
  EXPECT_FALSE(client.is_open());
  EXPECT_EQ(broker.total(&ShardCounters::publishes_received), 1u);
  broker.advance(Millis(5000));
  EXPECT_EQ(broker.total(&ShardHoldings::connections), 0u);
}

}  // namespace
}  // namespace mortise::core::testing
