#include "broker/core/ban_list.h"

#include "core_test.h"

namespace mortise::core {
namespace {

using testing::ConnectOptions;
using testing::CoreTest;
using testing::PacketType;
using testing::TestBroker;
using testing::TestClient;

const WallTime kToday = WallTime{} + std::chrono::hours(24 * 365 * 50);

TEST(BanList, GoesByTheWholeNameAndByNetworks) {
  const BanList list({{BanKind::kClientId, "sensor", kNeverWall, ""},
                      {BanKind::kUserName, "eve", kNeverWall, ""},
                      {BanKind::kPeerAddress, "10.0.0.0/8", kNeverWall, ""},
                      {BanKind::kPeerAddress, "2001:db8::1", kNeverWall, ""}});
  EXPECT_NE(list.find("sensor", std::nullopt, "", kToday), nullptr);
  EXPECT_EQ(list.find("sensor2", std::nullopt, "", kToday), nullptr);
  EXPECT_EQ(list.find("eve", std::nullopt, "", kToday), nullptr) << "a client id is not a user name";
  EXPECT_NE(list.find("x", "eve", "", kToday), nullptr);
  EXPECT_EQ(list.find("x", "sensor", "", kToday), nullptr);
  EXPECT_EQ(list.find("x", "e", "192.0.2.1", kToday), nullptr);
  EXPECT_NE(list.find("x", "e", "10.255.0.1", kToday), nullptr);
  EXPECT_NE(list.find("x", "e", "2001:db8::1", kToday), nullptr);
  EXPECT_EQ(list.find("x", "e", "not an address", kToday), nullptr);
}

TEST(BanList, EndsWhenItsTimeIsOver) {
  const BanList list({{BanKind::kClientId, "a", kToday, ""}, {BanKind::kPeerAddress, "10.0.0.1", kToday, ""}});
  EXPECT_NE(list.find("a", std::nullopt, "", kToday - Millis(1)), nullptr);
  EXPECT_EQ(list.find("a", std::nullopt, "", kToday), nullptr);
  EXPECT_NE(list.find("b", std::nullopt, "10.0.0.1", kToday - Millis(1)), nullptr);
  EXPECT_EQ(list.find("b", std::nullopt, "10.0.0.1", kToday), nullptr);
}

class Bans : public CoreTest {
 protected:
  static void ban(TestBroker& broker, std::vector<Ban> bans) {
    const auto list = std::make_shared<const BanList>(std::move(bans));
    for (std::size_t loop = 0; loop < broker.loops(); ++loop) broker.shard(static_cast<LoopIndex>(loop)).set_bans(list);
  }
};

TEST_P(Bans, ABannedClientIsToldSoAndPublishesNoWill) {
  TestBroker broker(options());
  TestClient& watcher = connected(broker, "watcher");
  watcher.subscribe("will", 0);
  watcher.take_types();
  ban(broker, {{BanKind::kClientId, "bad", kNeverWall, "abuse"}});

  TestClient& bad = broker.client();
  ConnectOptions connect;
  connect.client_id = "bad";
  connect.will_topic = "will";
  bad.connect(connect);
  EXPECT_EQ(bad.next_as<mqtt::ConnackView>().code, static_cast<std::uint8_t>(mqtt::ReasonCode::kBanned));
  EXPECT_FALSE(bad.is_open());
  EXPECT_THAT(watcher.take_types(), ::testing::IsEmpty());

  TestClient& old = broker.client(testing::k311);
  old.connect("bad");
  EXPECT_EQ(old.next_as<mqtt::ConnackView>().code, 5) << "3.1.1 has no word for it: not authorized";

  ban(broker, {});
  TestClient& again = broker.client();
  again.connect("bad");
  EXPECT_EQ(again.next_as<mqtt::ConnackView>().code, 0);
}

TEST_P(Bans, TheUserThatAuthenticationFoundIsBannedToo) {
  plugins.auth->on_authenticate = [](const hooks::ConnectRequest&) -> hooks::Answer<hooks::AuthDecision> {
    hooks::AuthDecision decision;
    decision.verdict = hooks::Verdict::kAllow;
    decision.user_name = "eve";
    return decision;
  };
  TestBroker broker(options());
  ban(broker, {{BanKind::kUserName, "eve", kNeverWall, ""}});
  TestClient& client = broker.client();
  client.connect("anybody");
  EXPECT_EQ(client.next_as<mqtt::ConnackView>().code, static_cast<std::uint8_t>(mqtt::ReasonCode::kBanned));
  EXPECT_FALSE(client.is_open());
}

TEST_P(Bans, ABanThatComesWhileThePluginIsAskedHoldsToo) {
  plugins.auth->on_authenticate = [&](const hooks::ConnectRequest&) -> hooks::Answer<hooks::AuthDecision> {
    return pending();
  };
  TestBroker broker(options());
  TestClient& client = broker.client();
  client.connect("late");
  ASSERT_EQ(plugins.auth->pending.size(), 1U);
  ban(broker, {{BanKind::kClientId, "late", kNeverWall, ""}});
  broker.answer(plugins.auth->pending.front(), testing::allow_connect());
  EXPECT_EQ(client.next_as<mqtt::ConnackView>().code, static_cast<std::uint8_t>(mqtt::ReasonCode::kBanned));
  EXPECT_FALSE(client.is_open());
  EXPECT_EQ(broker.total(&ShardHoldings::sessions), 0U);
}

INSTANTIATE_TEST_SUITE_P(Loops, Bans, ::testing::Values(1, 3));

}  // namespace
}  // namespace mortise::core
