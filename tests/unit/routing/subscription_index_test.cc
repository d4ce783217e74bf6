#include "broker/routing/subscription_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/conformance/proof.h"
#include "tests/unit/routing/routing_fixtures.h"

namespace mortise::routing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class SubscriptionIndexTest : public testing::Test {
 protected:
  std::vector<std::uint32_t> matched(std::string_view topic) const { return subscribers(index_.match(topic)); }

  ReclaimDomain reclaim_{1};
  SubscriptionIndex index_{reclaim_};
};

TEST_F(SubscriptionIndexTest, AnEmptyIndexMatchesNobody) {
  EXPECT_THAT(matched("a"), IsEmpty());
  EXPECT_THAT(index_.match("a")->parts(), IsEmpty());
  EXPECT_THAT(index_.match("a")->on_loop(0), IsEmpty());
  EXPECT_EQ(index_.size(), 0u);
}

// [MQTT-4.7.3-4] Filters without wildcard match character for character.
TEST_F(SubscriptionIndexTest, AFilterWithoutWildcardMatchesExactlyItsTopic) {
  PROVES("3.1.1 MQTT-4.7.3-4", "5.0 MQTT-4.7.3-4");
  index_.subscribe("a/b", subscription(session(1)));
  EXPECT_THAT(matched("a/b"), ElementsAre(1));
  for (const char* other : {"a", "a/", "a/b/", "/a/b", "a/B", "a/bb", "a/b/c", "b/a", "+/b", "a/+"}) {
    EXPECT_THAT(matched(other), IsEmpty()) << other;
  }
}

// 5.0 section 4.7.1.2: "sport/tennis/player1/#" also matches the singular, because # includes the parent level.
TEST_F(SubscriptionIndexTest, AMultiLevelWildcardMatchesItsParentAndEverythingBelow) {
  index_.subscribe("sport/tennis/player1/#", subscription(session(1)));
  EXPECT_THAT(matched("sport/tennis/player1"), ElementsAre(1));
  EXPECT_THAT(matched("sport/tennis/player1/ranking"), ElementsAre(1));
  EXPECT_THAT(matched("sport/tennis/player1/score/wimbledon"), ElementsAre(1));
  EXPECT_THAT(matched("sport/tennis/player1/"), ElementsAre(1));
  EXPECT_THAT(matched("sport/tennis"), IsEmpty());
  EXPECT_THAT(matched("sport/tennis/player2"), IsEmpty());
}

// 5.0 section 4.7.1.3: + matches exactly one level, an empty one too.
TEST_F(SubscriptionIndexTest, ASingleLevelWildcardMatchesOneLevelAnywhere) {
  index_.subscribe("+/tennis/+", subscription(session(1)));
  index_.subscribe("/+", subscription(session(2)));
  index_.subscribe("+/+", subscription(session(3)));
  index_.subscribe("+", subscription(session(4)));
  EXPECT_THAT(matched("sport/tennis/player1"), ElementsAre(1));
  EXPECT_THAT(matched("sport/tennis/"), ElementsAre(1));
  EXPECT_THAT(matched("/finance"), ElementsAre(2, 3));
  EXPECT_THAT(matched("finance"), ElementsAre(4));
  EXPECT_THAT(matched("sport/tennis"), ElementsAre(3));
  EXPECT_THAT(matched("sport/tennis/player1/ranking"), IsEmpty());
}

TEST_F(SubscriptionIndexTest, EmptyLevelsAreLevels) {
  index_.subscribe("/", subscription(session(1)));
  index_.subscribe("a//b", subscription(session(2)));
  index_.subscribe("/#", subscription(session(3)));
  index_.subscribe("a/+/b", subscription(session(4)));
  EXPECT_THAT(matched("/"), ElementsAre(1, 3));
  EXPECT_THAT(matched("a//b"), ElementsAre(2, 4));
  EXPECT_THAT(matched("a/b"), IsEmpty());
  EXPECT_THAT(matched("/x"), ElementsAre(3));
  EXPECT_THAT(matched("//"), ElementsAre(3));
}

// [MQTT-4.7.2-1] A filter that begins with a wildcard does not match a topic that begins with $.
TEST_F(SubscriptionIndexTest, TopicsThatBeginWithADollarSignAreNotMatchedByAWildcardInTheFirstLevel) {
  PROVES("3.1.1 MQTT-4.7.2-1", "5.0 MQTT-4.7.2-1");
  index_.subscribe("#", subscription(session(1)));
  index_.subscribe("+/monitor/Clients", subscription(session(2)));
  index_.subscribe("$SYS/#", subscription(session(3)));
  index_.subscribe("$SYS/monitor/+", subscription(session(4)));
  index_.subscribe("+", subscription(session(5)));
  index_.subscribe("+/#", subscription(session(6)));
  EXPECT_THAT(matched("$SYS/monitor/Clients"), ElementsAre(3, 4));
  EXPECT_THAT(matched("$SYS"), ElementsAre(3));
  EXPECT_THAT(matched("x/monitor/Clients"), ElementsAre(1, 2, 6));
  // Further down a $ is an ordinary character.
  EXPECT_THAT(matched("x/$SYS"), ElementsAre(1, 6));
}

// [MQTT-3.8.4-3] An identical filter of the same session replaces the subscription.
TEST_F(SubscriptionIndexTest, TheSameFilterOfTheSameSubscriberReplaces) {
  PROVES("5.0 MQTT-3.8.4-3");
  EXPECT_FALSE(index_.subscribe("a/+", subscription(session(1), mqtt::QoS::kAtMostOnce)));
  EXPECT_FALSE(index_.subscribe("a/+", subscription(session(2))));
  EXPECT_TRUE(index_.subscribe("a/+", subscription(session(1), mqtt::QoS::kExactlyOnce)));
  EXPECT_EQ(index_.size(), 2u);
  const MatchResultPtr result = index_.match("a/b");
  ASSERT_THAT(subscribers(result), ElementsAre(1, 2));
  EXPECT_EQ(result->entries()[0].maximum_qos, mqtt::QoS::kExactlyOnce);
}

// [MQTT-3.10.4-1] Filters are compared character by character; only the one named goes.
TEST_F(SubscriptionIndexTest, UnsubscribingRemovesOnlyTheFilterNamed) {
  PROVES("3.1.1 MQTT-3.10.4-1", "5.0 MQTT-3.10.4-1");
  for (const char* filter : {"a/b", "a/#", "a/+", "#", "a"}) index_.subscribe(filter, subscription(session(1)));
  EXPECT_FALSE(index_.unsubscribe("a/b/#", session(1)));
  EXPECT_FALSE(index_.unsubscribe("+/b", session(1)));
  EXPECT_FALSE(index_.unsubscribe("a/b", session(2)));
  EXPECT_TRUE(index_.unsubscribe("a/#", session(1)));
  EXPECT_FALSE(index_.unsubscribe("a/#", session(1)));
  EXPECT_THAT(matched("a/b"), SizeIs(3));
  for (const char* filter : {"a/b", "a/+", "#", "a"}) EXPECT_TRUE(index_.unsubscribe(filter, session(1))) << filter;
  EXPECT_EQ(index_.size(), 0u);
  EXPECT_THAT(matched("a/b"), IsEmpty());
}

TEST_F(SubscriptionIndexTest, AGroupSubscribesAndUnsubscribesLikeASession) {
  IndexedSubscription group = subscription(session(7));
  group.entry.is_group = true;
  EXPECT_FALSE(index_.subscribe("t", subscription(session(8))));
  EXPECT_FALSE(index_.subscribe("t", group));
  EXPECT_TRUE(index_.subscribe("t", group));
  // Groups stand behind the sessions of their loop.
  ASSERT_THAT(matched("t"), ElementsAre(8, 7));
  EXPECT_TRUE(index_.match("t")->entries()[1].is_group);
  EXPECT_TRUE(index_.unsubscribe("t", session(7)));
  EXPECT_THAT(matched("t"), ElementsAre(8));
}

TEST_F(SubscriptionIndexTest, ResultsAreGroupedByLoopAndThenBySubscriber) {
  index_.subscribe("t", subscription(session(5, 2)));
  index_.subscribe("t", subscription(session(9, 0)));
  index_.subscribe("+", subscription(session(1, 2)));
  index_.subscribe("#", subscription(session(5, 2)));
  const MatchResultPtr result = index_.match("t");
  ASSERT_THAT(result->parts(), SizeIs(2));
  EXPECT_EQ(result->parts()[0].loop, 0);
  EXPECT_EQ(result->parts()[1].loop, 2);
  EXPECT_THAT(subscribers(result), ElementsAre(9, 1, 5, 5));
  EXPECT_THAT(result->on_loop(0), SizeIs(1));
  EXPECT_THAT(result->on_loop(1), IsEmpty());
  EXPECT_THAT(result->on_loop(2), SizeIs(3));
  EXPECT_THAT(result->on_loop(3), IsEmpty());
}

TEST_F(SubscriptionIndexTest, AnEntryWhoseFilterRulesDenyTheTopicIsLeftOutButNotItsNeighbours) {
  index_.subscribe("#", ruled(session(1), {{false, "secret/#"}}));
  index_.subscribe("secret/public", subscription(session(1)));
  index_.subscribe("#", subscription(session(2)));
  EXPECT_THAT(matched("secret/plans"), ElementsAre(2));
  EXPECT_THAT(matched("secret/public"), ElementsAre(1, 2));
  EXPECT_THAT(matched("open"), ElementsAre(1, 2));
  // Losing the rules with a new subscription takes effect at once.
  index_.subscribe("#", subscription(session(1)));
  EXPECT_THAT(matched("secret/plans"), ElementsAre(1, 2));
}

TEST_F(SubscriptionIndexTest, ManySubscribersOfOneFilterComeAndGo) {
  constexpr std::uint32_t kMany = 5000;
  for (std::uint32_t i = 0; i < kMany; ++i) {
    EXPECT_FALSE(index_.subscribe("news", subscription(session(i, static_cast<LoopIndex>(i % 3)))));
  }
  for (std::uint32_t i = 0; i < kMany; i += 2) {
    EXPECT_TRUE(index_.subscribe("news", ruled(session(i, static_cast<LoopIndex>(i % 3)), {{false, "x"}})));
  }
  EXPECT_EQ(index_.match("news")->entries().size(), kMany);
  for (std::uint32_t i = 0; i < kMany; ++i) {
    EXPECT_TRUE(index_.unsubscribe("news", session(i, static_cast<LoopIndex>(i % 3))));
    EXPECT_FALSE(index_.unsubscribe("news", session(i, static_cast<LoopIndex>(i % 3))));
    if (i % 500 == 0) {
      ASSERT_EQ(index_.match("news")->entries().size(), kMany - i - 1);
    }
  }
  EXPECT_EQ(index_.size(), 0u);
}

TEST_F(SubscriptionIndexTest, ADeepTopicNeedsNoDeepStack) {
  const std::string topic = deepest("a");
  const std::string plus = deepest("+");
  index_.subscribe(topic, subscription(session(1)));
  index_.subscribe(plus, subscription(session(2)));
  index_.subscribe(topic.substr(0, 50000) + "/#", subscription(session(3)));
  EXPECT_THAT(matched(topic), ElementsAre(1, 2));
  EXPECT_TRUE(index_.unsubscribe(topic, session(1)));
  EXPECT_TRUE(index_.unsubscribe(plus, session(2)));
  EXPECT_THAT(matched(topic), IsEmpty());
}

// Every way through 2^12 combinations of + and literal: each node is visited once and each filter found once.
TEST_F(SubscriptionIndexTest, EveryCombinationOfWildcardsIsFoundOnce) {
  constexpr std::uint32_t kLevels = 12;
  for (std::uint32_t bits = 0; bits < (1u << kLevels); ++bits) {
    std::string filter;
    for (std::uint32_t level = 0; level < kLevels; ++level) filter += (bits >> level) & 1 ? "+/" : "a/";
    filter.pop_back();
    index_.subscribe(filter, subscription(session(bits)));
  }
  EXPECT_THAT(matched("a/a/a/a/a/a/a/a/a/a/a/a"), SizeIs(1u << kLevels));
  EXPECT_THAT(matched("a/a/a/a/a/a/a/a/a/a/a/b"), SizeIs(1u << (kLevels - 1)));
}

TEST_F(SubscriptionIndexTest, ThousandsOfChildrenOfOneLevelAreFoundAndGoAgain) {
  for (std::uint32_t i = 0; i < 3000; ++i) {
    index_.subscribe("device/" + std::to_string(i) + "/cmd", subscription(session(i)));
  }
  index_.subscribe("device/+/cmd", subscription(session(9999)));
  for (std::uint32_t i = 0; i < 3000; ++i) {
    EXPECT_THAT(matched("device/" + std::to_string(i) + "/cmd"), ElementsAre(i, 9999));
  }
  EXPECT_THAT(matched("device/3000/cmd"), ElementsAre(9999));
  for (std::uint32_t i = 0; i < 3000; ++i) {
    EXPECT_TRUE(index_.unsubscribe("device/" + std::to_string(i) + "/cmd", session(i)));
  }
  EXPECT_THAT(matched("device/7/cmd"), ElementsAre(9999));
  reclaim_.went_to_sleep(0);
  EXPECT_EQ(reclaim_.reclaim(), 0u);
}

// ---- Versions ----------------------------------------------------------------------------------------------------

TEST_F(SubscriptionIndexTest, AVersionChangesWithEveryChangeToAFilterThatMatches) {
  for (const char* filter : {"a/b/c", "a/b/#", "a/b/+", "a/+/c", "a/#", "+/b/c", "+/b/#", "+/+/c", "+/#", "#"}) {
    const std::uint64_t before = index_.version_of("a/b/c");
    index_.subscribe(filter, subscription(session(1)));
    const std::uint64_t between = index_.version_of("a/b/c");
    EXPECT_NE(before, between) << filter;
    index_.unsubscribe(filter, session(1));
    EXPECT_NE(between, index_.version_of("a/b/c")) << filter;
  }
  for (const char* filter : {"a", "a/#", "+", "#", "+/#"}) {
    const std::uint64_t before = index_.version_of("a");
    index_.subscribe(filter, subscription(session(1)));
    EXPECT_NE(before, index_.version_of("a")) << filter;
  }
}

TEST_F(SubscriptionIndexTest, SubscribingElsewhereLeavesVersionsAlone) {
  const std::uint64_t before = index_.version_of("tenant/alice/a");
  int disturbed = 0;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t last = index_.version_of("tenant/alice/a");
    index_.subscribe("tenant/user" + std::to_string(i) + "/#", subscription(session(1)));
    disturbed += last != index_.version_of("tenant/alice/a");
  }
  // One in 4,096 counters may be shared by chance, under the random key of this run.
  EXPECT_LE(disturbed, 5);
  index_.subscribe("tenant/alice/+", subscription(session(1)));
  EXPECT_NE(before, index_.version_of("tenant/alice/a"));
}

// ---- The retained boundary ---------------------------------------------------------------------------------------

TEST_F(SubscriptionIndexTest, TheBoundaryIsTheLastRetainedChangeBeforeTheSubscription) {
  RetainedIndex retained(reclaim_, {});
  const std::uint64_t first = retained.set(message("a", "1")).sequence;
  const SubscriptionIndex::WithBoundary made = index_.subscribe("a", subscription(session(1)), retained);
  EXPECT_FALSE(made.replaced);
  EXPECT_EQ(made.retained_boundary, first);
  EXPECT_EQ(index_.match("a")->entries()[0].retained_boundary, first);
  EXPECT_GT(retained.set(message("a", "2")).sequence, made.retained_boundary);
}

TEST_F(SubscriptionIndexTest, TheBoundaryStaysWhenTheSubscriptionIsReplacedWithoutOne) {
  RetainedIndex retained(reclaim_, {});
  const std::uint64_t first = retained.set(message("a", "1")).sequence;
  for (std::uint32_t i = 0; i < 40; ++i) {  // a few are held in one piece, many are spread
    index_.subscribe("a", subscription(session(i)), retained);
    EXPECT_TRUE(index_.subscribe("a", subscription(session(i), mqtt::QoS::kAtLeastOnce)));
  }
  MatchResultPtr found = index_.match("a");
  for (const MatchEntry& entry : found->entries()) {
    EXPECT_EQ(entry.retained_boundary, first);
    EXPECT_EQ(entry.maximum_qos, mqtt::QoS::kAtLeastOnce);
  }
  const std::uint64_t second = retained.set(message("a", "2")).sequence;
  EXPECT_EQ(index_.subscribe("a", subscription(session(7)), retained).retained_boundary, second);
  index_.unsubscribe("a", session(8));
  index_.subscribe("a", subscription(session(8)));
  found = index_.match("a");
  EXPECT_EQ(found->entries().size(), 40u);
  for (const MatchEntry& entry : found->entries()) {
    const std::uint32_t who = entry.subscriber.slot.index;
    EXPECT_EQ(entry.retained_boundary, who == 7 ? second : who == 8 ? 0 : first) << who;
  }
}

}  // namespace
}  // namespace mortise::routing
