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

TEST(BanList, OfNetworksInOneAnotherAnyThatStillHoldsIsEnough) {
  const BanList list({{BanKind::kPeerAddress, "10.1.0.0/16", kToday, ""},
                      {BanKind::kPeerAddress, "10.0.0.0/8", kToday + Millis(2), ""},
                      {BanKind::kPeerAddress, "::/0", kToday - Millis(1), ""},
                      {BanKind::kPeerAddress, "192.0.2.0/31", kNeverWall, ""}});
  const Ban* both = list.find("a", std::nullopt, "10.1.2.3", kToday + Millis(1));
  ASSERT_NE(both, nullptr);
  EXPECT_EQ(both->what, "10.0.0.0/8");
  EXPECT_EQ(list.find("a", std::nullopt, "10.1.2.3", kToday + Millis(2)), nullptr);
  EXPECT_NE(list.find("a", std::nullopt, "192.0.2.1", kToday), nullptr);
  EXPECT_EQ(list.find("a", std::nullopt, "192.0.2.2", kToday), nullptr);
}

TEST(BanList, OfOneNetworkWrittenInSeveralWaysTheLongerBanHolds) {
  const Ban shorter{BanKind::kPeerAddress, "10.0.0.1", kToday, ""};
  const Ban longer{BanKind::kPeerAddress, "::ffff:10.0.0.1", kNeverWall, ""};
  for (const auto& bans : {std::vector<Ban>{shorter, longer}, std::vector<Ban>{longer, shorter}}) {
    const BanList list(bans);
    EXPECT_NE(list.find("a", std::nullopt, "10.0.0.1", kToday), nullptr);
  }
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

TEST_P(Bans, WhoeverIsConnectedIsDisconnectedAPartAtATimeAndOthersStay) {
  TestBroker broker(options());
  TestClient& bad = connected(broker, "bad", 60);
  TestClient& good = connected(broker, "good", 60);
  // More slots than one iteration looks at.
  for (int i = 0; i < 1500 * static_cast<int>(broker.loops()); ++i) connected(broker, "c" + std::to_string(i));
  TestClient& last = connected(broker, "last", 60);
  ban(broker, {{BanKind::kClientId, "bad", kNeverWall, ""}, {BanKind::kClientId, "last", kNeverWall, ""}});
  EXPECT_TRUE(bad.is_open()) << "that is for the loop's own next moment";
  broker.settle();
  for (TestClient* banned : {&bad, &last}) {
    EXPECT_EQ(banned->next_as<mqtt::DisconnectView>().reason, mqtt::ReasonCode::kAdministrativeAction);
    EXPECT_FALSE(banned->is_open());
  }
  EXPECT_TRUE(good.is_open());
  for (std::size_t loop = 0; loop < broker.loops(); ++loop)
    EXPECT_GT(broker.shard(static_cast<LoopIndex>(loop)).next_deadline(), broker.now().steady) << "all were looked at";
}

TEST_P(Bans, OneThatComesWhileTheFirstAreLookedForIsFoundToo) {
  TestBroker broker(options());
  TestClient& early = connected(broker, "early", 60);
  for (int i = 0; i < 1500 * static_cast<int>(broker.loops()); ++i) connected(broker, "c" + std::to_string(i));
  ban(broker, {{BanKind::kUserName, "nobody", kNeverWall, ""}});
  for (std::size_t loop = 0; loop < broker.loops(); ++loop)
    broker.shard(static_cast<LoopIndex>(loop)).run_timers(broker.now());  // a part: past the slot of `early`
  EXPECT_TRUE(early.is_open());
  ban(broker, {{BanKind::kClientId, "early", kNeverWall, ""}});
  broker.settle();
  EXPECT_FALSE(early.is_open());
}

TEST_P(Bans, NobodyIsMissedWhenOthersComeWhileTheBannedAreLookedFor) {
  TestBroker broker(options());
  std::vector<TestClient*> banned;
  std::vector<Ban> bans;
  for (int i = 0; i < 1500 * static_cast<int>(broker.loops()); ++i) {
    const std::string id = "c" + std::to_string(i);
    banned.push_back(&connected(broker, id));
    bans.push_back({BanKind::kClientId, id, kNeverWall, ""});
  }
  ban(broker, {{BanKind::kUserName, "nobody", kNeverWall, ""}});
  for (std::size_t loop = 0; loop < broker.loops(); ++loop)
    broker.shard(static_cast<LoopIndex>(loop)).run_timers(broker.now());  // the next begins in the middle
  ban(broker, bans);
  broker.client().connect("late");  // one session more than there were
  broker.settle();
  for (const TestClient* client : banned) EXPECT_FALSE(client->is_open());
}

INSTANTIATE_TEST_SUITE_P(Loops, Bans, ::testing::Values(1, 3));

}  // namespace
}  // namespace mortise::core
