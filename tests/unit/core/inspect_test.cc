#include "broker/core/inspect.h"

#include <set>

#include "core_test.h"

namespace mortise::core {
namespace {

using testing::CoreTest;
using testing::PacketType;
using testing::TestBroker;
using testing::TestClient;

class Inspect : public CoreTest {
 protected:
  /// Every client id that pages of this size name, and how often.
  static std::multiset<std::string> all(TestBroker& broker, const SessionQuery& query, std::size_t items,
                                        std::size_t slots) {
    const PageLimits limits{PageRoom(items), slots};
    std::multiset<std::string> found;
    for (std::size_t loop = 0; loop < broker.loops(); ++loop) {
      SessionPage page;
      std::uint32_t from = 0;
      do {
        page = broker.shard(static_cast<LoopIndex>(loop)).sessions(query, from, limits);
        EXPECT_LE(page.sessions.size(), items);
        for (const SessionReport& session : page.sessions) found.insert(session.principal->client_id);
        EXPECT_TRUE(page.is_last || page.next > from);
        from = page.next;
      } while (!page.is_last);
    }
    return found;
  }
  static Shard& home_of(TestBroker& broker, const char* id) { return broker.shard(broker.home_of(id)); }
};

TEST_P(Inspect, PagesNameEverySessionOnce) {
  TestBroker broker(options());
  std::multiset<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    const std::string id = "client-" + std::to_string(i);
    TestClient& client = connected(broker, id, 60);
    if (i % 3 == 0) client.disconnect();
    expected.insert(id);
  }
  EXPECT_EQ(all(broker, {}, 100, 4096), expected);
  EXPECT_EQ(all(broker, {}, 1, 4096), expected);
  EXPECT_EQ(all(broker, {}, 7, 2), expected);

  SessionQuery offline;
  offline.is_connected = false;
  EXPECT_EQ(all(broker, offline, 5, 3).size(), 14U);
  SessionQuery named;
  named.client_id = "-1";
  EXPECT_EQ(all(broker, named, 5, 3).size(), 11U) << "1 and 10 to 19";
}

TEST_P(Inspect, APageEndsWhenTheNamesInItAreLong) {
  TestBroker broker(options());
  std::multiset<std::string> expected;
  for (int i = 0; i < 6; ++i) {
    const std::string id = std::to_string(i) + std::string(999, 'x');
    TestClient& client = connected(broker, id, 60);
    expected.insert(id);
    for (const char* filter : {"a", "b", "c"}) client.subscribe(filter + std::string(400, 'x'), 0);
  }
  std::multiset<std::string> found;
  for (std::size_t loop = 0; loop < broker.loops(); ++loop) {
    SessionPage page;
    do {
      page = broker.shard(static_cast<LoopIndex>(loop)).sessions({}, page.next, {PageRoom(100, 1500), 4096});
      EXPECT_LE(page.sessions.size(), 2U) << "the second passes 1,500 bytes";
      for (const SessionReport& session : page.sessions) found.insert(session.principal->client_id);
    } while (!page.is_last);
  }
  EXPECT_EQ(found, expected);

  const std::string& id = *expected.begin();
  const auto filters = broker.shard(broker.home_of(id)).subscriptions("", id, std::nullopt, PageRoom(100, 801));
  ASSERT_TRUE(filters);
  EXPECT_EQ(filters->subscriptions.size(), 1U) << "a filter is named twice: as it was asked for and as it is routed";
  EXPECT_FALSE(filters->is_last);
}

TEST_P(Inspect, AReportSaysWhatTheSessionHolds) {
  TestBroker broker(options());
  TestClient& client = connected(broker, "c", 3600);
  client.subscribe("a/+", 1);
  client.subscribe("$share/g/b", 2, 2);
  client.take_types();
  client.disconnect();
  TestClient& publisher = connected(broker, "p");
  publisher.publish("a/b", "0123456789", 1, 1);

  const auto report = home_of(broker, "c").session("", "c");
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->is_connected);
  EXPECT_EQ(report->expiry_interval, 3600U);
  EXPECT_EQ(report->expires_at, broker.now().wall + Seconds(3600));
  EXPECT_EQ(report->subscriptions, 2U);
  EXPECT_EQ(report->queued_messages, 1U);
  EXPECT_GE(report->queued_bytes, 13U);
  EXPECT_FALSE(home_of(broker, "c").session("", "nobody"));
  EXPECT_FALSE(home_of(broker, "c").session("elsewhere", "c"));

  const auto first = home_of(broker, "c").subscriptions("", "c", std::nullopt, PageRoom(1));
  ASSERT_TRUE(first && first->subscriptions.size() == 1);
  EXPECT_EQ(first->subscriptions[0].filter, "$share/g/b");
  EXPECT_EQ(first->subscriptions[0].share_name, "g");
  EXPECT_FALSE(first->is_last);
  const auto second = home_of(broker, "c").subscriptions("", "c", first->subscriptions[0].filter, PageRoom(1));
  ASSERT_TRUE(second && second->subscriptions.size() == 1);
  EXPECT_EQ(second->subscriptions[0].filter, "a/+");
  EXPECT_TRUE(second->is_last);
}

TEST_P(Inspect, ADismissedClientIsToldWhyAndKeepsItsSession) {
  TestBroker broker(options());
  TestClient& client = connected(broker, "c", 3600);
  const Dismissed done =
      home_of(broker, "c").dismiss("", "c", {mqtt::ReasonCode::kAdministrativeAction, "kicked", false}, broker.now());
  broker.settle();
  EXPECT_TRUE(done.was_connected);
  EXPECT_FALSE(done.ended_session);
  EXPECT_EQ(client.next_as<mqtt::DisconnectView>().reason, mqtt::ReasonCode::kAdministrativeAction);
  EXPECT_FALSE(client.is_open());
  EXPECT_TRUE(home_of(broker, "c").session("", "c"));
}

TEST_P(Inspect, ASessionIsEndedWithAllItHolds) {
  TestBroker broker(options());
  TestClient& client = connected(broker, "c", 3600);
  client.subscribe("a", 1);
  for (const bool is_connected : {true, false}) {
    if (!is_connected) {
      TestClient& again = connected(broker, "c", 3600);
      again.subscribe("a", 1);
      again.disconnect();
    }
    const Dismissed done =
        home_of(broker, "c").dismiss("", "c", {mqtt::ReasonCode::kAdministrativeAction, "ended", true}, broker.now());
    broker.settle();
    EXPECT_EQ(done.was_connected, is_connected);
    EXPECT_TRUE(done.ended_session);
    EXPECT_FALSE(home_of(broker, "c").session("", "c"));
    EXPECT_EQ(broker.index().size(), 0U);
    EXPECT_EQ(broker.total(&ShardHoldings::sessions), 0U);
    EXPECT_EQ(broker.total(&ShardHoldings::online), 0U);
  }
}

TEST_P(Inspect, ASessionThatEndsWithItsConnectionIsEndedOnce) {
  TestBroker broker(options());
  TestClient& client = connected(broker, "c");
  const Dismissed done =
      home_of(broker, "c").dismiss("", "c", {mqtt::ReasonCode::kAdministrativeAction, "ended", true}, broker.now());
  broker.settle();
  EXPECT_TRUE(done.was_connected && done.ended_session);
  EXPECT_FALSE(client.is_open());
  EXPECT_FALSE(home_of(broker, "c").dismiss("", "c", {}, broker.now()).was_connected);
}

INSTANTIATE_TEST_SUITE_P(Loops, Inspect, ::testing::Values(1, 3));

}  // namespace
}  // namespace mortise::core
