#include "broker/routing/retained_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/conformance/proof.h"
#include "tests/unit/routing/routing_fixtures.h"

namespace mortise::routing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Outcome = RetainedIndex::SetOutcome;

WallTime at(std::int64_t millis) { return WallTime(Millis(millis)); }

class RetainedIndexTest : public testing::Test {
 protected:
  std::string payload_of(std::string_view topic) const {
    std::string payload;
    match_all(index_, topic, {}, 100,
              [&](const mqtt::MessagePtr& found, std::uint64_t) { payload = as_text(found->payload()); });
    return payload;
  }

  ReclaimDomain reclaim_{1};
  RetainedIndex index_{reclaim_, {}};
};

// [MQTT-3.3.1-5] A retained message replaces the one of its topic.
TEST_F(RetainedIndexTest, ANewMessageReplacesTheOldOneOfItsTopic) {
  EXPECT_EQ(index_.set(message("a/b", "1")).outcome, Outcome::kAdded);
  EXPECT_EQ(index_.set(message("a/b", "2")).outcome, Outcome::kReplaced);
  EXPECT_EQ(index_.set(message("a", "3")).outcome, Outcome::kAdded);
  EXPECT_EQ(payload_of("a/b"), "2");
  EXPECT_EQ(index_.messages(), 2u);
}

// [MQTT-3.3.1-6] [MQTT-3.3.1-7] An empty payload removes, and is itself not stored.
TEST_F(RetainedIndexTest, AnEmptyPayloadRemovesAndIsNotStored) {
  PROVES("3.1.1 MQTT-3.3.1-10", "3.1.1 MQTT-3.3.1-11", "5.0 MQTT-3.3.1-6", "5.0 MQTT-3.3.1-7");
  EXPECT_EQ(index_.set(message("a", "")).outcome, Outcome::kNothingToRemove);
  index_.set(message("a", "1"));
  index_.set(message("a/b", "1"));
  EXPECT_EQ(index_.set(message("a", "")).outcome, Outcome::kRemoved);
  EXPECT_THAT(retained_topics(index_, "#"), ElementsAre("a/b"));
  EXPECT_EQ(index_.set(message("a", "")).outcome, Outcome::kNothingToRemove);
  EXPECT_EQ(index_.messages(), 1u);
}

TEST_F(RetainedIndexTest, EveryChangeHasALargerNumber) {
  std::uint64_t last = index_.sequence();
  for (const char* payload : {"1", "2", "", "", "3"}) {
    const std::uint64_t sequence = index_.set(message("a", payload)).sequence;
    EXPECT_GT(sequence, last);
    EXPECT_EQ(index_.sequence(), sequence);
    last = sequence;
  }
}

TEST_F(RetainedIndexTest, FiltersFindWhatTheyMatch) {
  for (const char* topic : {"a", "a/b", "a/b/c", "a/d", "a/", "/a", "b/b", "/", "a//c"})
    index_.set(message(topic, "x"));
  EXPECT_THAT(retained_topics(index_, "a"), ElementsAre("a"));
  EXPECT_THAT(retained_topics(index_, "a/#"), ElementsAre("a", "a/", "a//c", "a/b", "a/b/c", "a/d"));
  EXPECT_THAT(retained_topics(index_, "+/b"), ElementsAre("a/b", "b/b"));
  EXPECT_THAT(retained_topics(index_, "a/+"), ElementsAre("a/", "a/b", "a/d"));
  EXPECT_THAT(retained_topics(index_, "+/+"), ElementsAre("/", "/a", "a/", "a/b", "a/d", "b/b"));
  EXPECT_THAT(retained_topics(index_, "a/+/c"), ElementsAre("a//c", "a/b/c"));
  EXPECT_THAT(retained_topics(index_, "+"), ElementsAre("a"));
  EXPECT_THAT(retained_topics(index_, "+/#"), SizeIs(9));
  EXPECT_THAT(retained_topics(index_, "#"), SizeIs(9));
  EXPECT_THAT(retained_topics(index_, "a/b/c/d"), IsEmpty());
  EXPECT_THAT(retained_topics(index_, "c/#"), IsEmpty());
}

// [MQTT-4.7.2-1] A filter that begins with a wildcard does not find topics that begin with $.
TEST_F(RetainedIndexTest, AWildcardInTheFirstLevelDoesNotFindTopicsThatBeginWithADollarSign) {
  PROVES("3.1.1 MQTT-4.7.2-1", "5.0 MQTT-4.7.2-1");
  for (const char* topic : {"$SYS/uptime", "$SYS", "a/$SYS", "b"}) index_.set(message(topic, "x"));
  EXPECT_THAT(retained_topics(index_, "#"), ElementsAre("a/$SYS", "b"));
  EXPECT_THAT(retained_topics(index_, "+/+"), ElementsAre("a/$SYS"));
  EXPECT_THAT(retained_topics(index_, "+/uptime"), IsEmpty());
  EXPECT_THAT(retained_topics(index_, "+"), ElementsAre("b"));
  EXPECT_THAT(retained_topics(index_, "$SYS/#"), ElementsAre("$SYS", "$SYS/uptime"));
  EXPECT_THAT(retained_topics(index_, "$SYS/+"), ElementsAre("$SYS/uptime"));
  EXPECT_THAT(retained_topics(index_, "a/+"), ElementsAre("a/$SYS"));
}

TEST_F(RetainedIndexTest, AVisitorStopsThePageAndTheNextOneGoesOnBehindIt) {
  for (int i = 0; i < 100; ++i) index_.set(message("t/" + std::to_string(i), "x"));
  RetainedCursor cursor;
  std::set<std::string> visited;
  int pages = 0;
  for (bool is_over = false; !is_over; ++pages) {
    std::size_t in_page = 0;
    std::size_t nodes = 1000;
    is_over = index_.match("#", cursor, nodes, {}, [&](const mqtt::MessagePtr& found, std::uint64_t) {
      EXPECT_TRUE(visited.emplace(found->topic()).second) << found->topic();
      return ++in_page < 7;
    });
    EXPECT_LE(in_page, 7u);
  }
  EXPECT_EQ(visited.size(), 100u);
  EXPECT_EQ(pages, 15);
}

TEST_F(RetainedIndexTest, AVisitorMayChangeTheIndex) {
  for (int i = 0; i < 100; ++i) index_.set(message("t/" + std::to_string(i), "x"));
  int visited = 0;
  match_all(index_, "#", {}, 7, [&](const mqtt::MessagePtr& found, std::uint64_t sequence) {
    ++visited;
    EXPECT_TRUE(index_.remove_if(found->topic(), sequence));
  });
  EXPECT_EQ(visited, 100);
  EXPECT_EQ(index_.messages(), 0u);
}

TEST_F(RetainedIndexTest, APageEndsAfterItsNodesAlsoWhereNothingMatches) {
  for (int i = 0; i < 1000; ++i) index_.set(message("t/" + std::to_string(i) + "/x/y", "x"));
  const auto pages = [&](std::string_view filter, std::size_t nodes) {
    return match_all(index_, filter, {}, nodes, [](const mqtt::MessagePtr&, std::uint64_t) {});
  };
  EXPECT_EQ(pages("t/7/x/y", 100), 1u);
  EXPECT_GE(pages("t/+/nothing", 100), 10u);  // 1,001 nodes and what lies between them
  EXPECT_LE(pages("t/+/nothing", 100), 20u);
  EXPECT_GE(pages("+/+/+/+/nothing", 100), 30u);
  EXPECT_GE(pages("#", 100), 30u);
  EXPECT_LE(pages("#", 100), 60u);
  EXPECT_LE(pages("#", 1), 6000u) << "also the smallest page gets on";
  EXPECT_EQ(pages("#", 1'000'000), 1u);
}

TEST_F(RetainedIndexTest, LiteralLevelsBehindAWildcardCountAsWell) {
  std::string tail;
  for (int i = 0; i < 1000; ++i) tail += "/b";
  for (int i = 0; i < 10; ++i) index_.set(message("t/" + std::to_string(i) + tail, "x"));
  const std::string filter = "t/+" + tail;
  std::size_t visited = 0;
  const std::size_t pages =
      match_all(index_, filter, {}, 100, [&](const mqtt::MessagePtr&, std::uint64_t) { ++visited; });
  EXPECT_GE(pages, 100u);
  EXPECT_EQ(visited, 10u);
}

TEST_F(RetainedIndexTest, TopicsThatAWildcardPassesOverForTheirDollarSignCountAsWell) {
  for (int i = 0; i < 1000; ++i) index_.set(message("$" + std::to_string(i) + "/x", "x"));
  index_.set(message("a", "x"));
  for (const char* filter : {"#", "+/x", "+"}) {
    std::vector<std::string_view> visited;
    const std::size_t pages = match_all(index_, filter, {}, 10, [&](const mqtt::MessagePtr& found, std::uint64_t) {
      visited.push_back(found->topic());
    });
    EXPECT_GE(pages, 100u) << filter;
    EXPECT_EQ(visited.size(), std::string_view(filter) == "+/x" ? 0u : 1u) << filter;
  }
}

TEST_F(RetainedIndexTest, ATableThatGrowsAndShrinksBetweenPagesHidesAndRepeatsNothing) {
  for (int i = 0; i < 300; ++i) index_.set(message("t/" + std::to_string(i), "stays"));
  RetainedCursor cursor;
  std::multiset<std::string> visited;
  const std::uint64_t boundary = index_.sequence();
  int page = 0;
  for (;;) {
    std::size_t nodes = 20;
    if (index_.match("t/+", cursor, nodes, {}, [&](const mqtt::MessagePtr& found, std::uint64_t sequence) {
          if (sequence <= boundary) visited.emplace(found->topic());
          return true;
        }))
      break;
    const bool grows = page++ % 2 == 0;
    for (int i = 1000; i < 5000; ++i) index_.set(message("t/" + std::to_string(i), grows ? "comes" : ""));
    reclaim_.passed_iteration(0);
  }
  EXPECT_GT(page, 10);
  EXPECT_EQ(visited.size(), 300u);
  EXPECT_EQ(std::set<std::string>(visited.begin(), visited.end()).size(), 300u);
}

TEST_F(RetainedIndexTest, AWalkGoesOnWhereTheTopicItStoodAtIsGone) {
  for (const char* topic : {"a/1/x", "a/1/y", "a/2/x", "a/2/y", "b/1/x", "b/1/y"}) index_.set(message(topic, "x"));
  RetainedCursor cursor;
  std::set<std::string> visited, removed;
  bool is_over = false;
  while (!is_over) {
    std::string first;
    std::size_t nodes = 1000;
    is_over = index_.match("#", cursor, nodes, {}, [&](const mqtt::MessagePtr& found, std::uint64_t) {
      first = found->topic();
      return false;
    });
    if (first.empty()) continue;
    EXPECT_TRUE(visited.insert(first).second);
    // With it goes what is beside and below its second level.
    for (const char* last : {"x", "y"}) {
      const std::string beside = first.substr(0, 4) + last;
      index_.set(message(beside, ""));
      removed.insert(beside);
    }
    reclaim_.passed_iteration(0);
  }
  EXPECT_EQ(visited.size(), 3u) << "one of each second level";
  EXPECT_EQ(removed.size(), 6u);
  EXPECT_EQ(index_.messages(), 0u);
}

TEST_F(RetainedIndexTest, AtTheLimitNewTopicsAreRefusedAndWhatIsStoredStays) {
  RetainedIndex index(reclaim_, {.maximum_messages = 2, .maximum_bytes = 1u << 20});
  index.set(message("a", "1"));
  index.set(message("b", "1"));
  EXPECT_EQ(index.set(message("c", "1")).outcome, Outcome::kFull);
  EXPECT_EQ(index.set(message("a", "2")).outcome, Outcome::kReplaced);
  EXPECT_THAT(retained_topics(index, "#"), ElementsAre("a", "b"));
  index.set(message("a", ""));
  EXPECT_EQ(index.set(message("c", "1")).outcome, Outcome::kAdded);
}

TEST_F(RetainedIndexTest, BytesAreLimitedWithTheTreeCounted) {
  RetainedIndex index(reclaim_, {.maximum_messages = 1000, .maximum_bytes = 20'000});
  const std::string large(4'000, 'x');
  EXPECT_EQ(index.set(message("a", large)).outcome, Outcome::kAdded);
  EXPECT_EQ(index.set(message("b", large + large + large + large + large)).outcome, Outcome::kFull);
  EXPECT_EQ(index.set(message("a", "small")).outcome, Outcome::kReplaced);
  // 1,000 levels: little text, a large tree.
  std::string deep = "a";
  for (int i = 0; i < 1000; ++i) deep += "/b";
  EXPECT_EQ(index.set(message(deep, "x")).outcome, Outcome::kFull);
  EXPECT_LE(index.bytes(), 20'000u);
}

TEST_F(RetainedIndexTest, WhatAReplacementHasNoRoomForIsNotTheCurrentOneAnyMore) {  // MQTT-3.3.1-5
  RetainedIndex index(reclaim_, {.maximum_messages = 1000, .maximum_bytes = 10'000});
  index.set(message("a", "old"));
  index.set(message("b", "stays"));
  const std::uint64_t before = index.sequence();
  const auto result = index.set(message("a", std::string(20'000, 'x')));
  EXPECT_EQ(result.outcome, Outcome::kFullAndRemoved);
  EXPECT_GT(result.sequence, before);
  EXPECT_THAT(retained_topics(index, "#"), ElementsAre("b"));
  EXPECT_EQ(index.messages(), 1u);
  EXPECT_EQ(index.set(message("a", std::string(20'000, 'x'))).outcome, Outcome::kFull);
  EXPECT_EQ(index.set(message("a", "new")).outcome, Outcome::kAdded);
}

TEST_F(RetainedIndexTest, BytesReturnToWhereTheyBegan) {
  const std::size_t before = index_.bytes();
  for (int i = 0; i < 500; ++i) index_.set(message("t/" + std::to_string(i) + "/x", "payload", at(1000 + i)));
  for (int i = 0; i < 500; ++i) index_.set(message("t/" + std::to_string(i) + "/x", "other"));
  for (int i = 0; i < 500; ++i) index_.set(message("t/" + std::to_string(i) + "/x", ""));
  EXPECT_EQ(index_.bytes(), before);
  EXPECT_EQ(index_.messages(), 0u);
}

// [MQTT-3.3.2-5] An expired message is not delivered; here: not found.
TEST_F(RetainedIndexTest, ExpiredMessagesAreNotFoundEvenBeforeTheyAreRemoved) {
  index_.set(message("a", "1", at(100)));
  index_.set(message("b", "1"));
  EXPECT_THAT(retained_topics(index_, "#", at(99)), ElementsAre("a", "b"));
  EXPECT_THAT(retained_topics(index_, "#", at(100)), ElementsAre("b"));
  EXPECT_EQ(index_.messages(), 2u);
}

TEST_F(RetainedIndexTest, ExpireRemovesTheEarliestFirstAndNoMoreThanAsked) {
  for (int i = 9; i >= 0; --i) index_.set(message("t/" + std::to_string(i), "x", at(100 + i)));
  std::vector<std::string> removed;
  const auto note = [&](std::string_view topic, std::uint64_t) { removed.emplace_back(topic); };
  EXPECT_EQ(index_.expire(at(50), 10, note), 0u);
  EXPECT_EQ(index_.expire(at(105), 4, note), 4u);
  EXPECT_THAT(removed, ElementsAre("t/0", "t/1", "t/2", "t/3"));
  EXPECT_EQ(index_.expire(at(105), 10, note), 2u);
  EXPECT_EQ(index_.messages(), 4u);
}

TEST_F(RetainedIndexTest, AReplacedMessagesExpiryIsForgotten) {
  index_.set(message("a", "1", at(100)));
  index_.set(message("a", "2"));
  index_.set(message("b", "1", at(100)));
  index_.set(message("b", "2", at(300)));
  EXPECT_EQ(index_.expire(at(200), 10, [](std::string_view, std::uint64_t) {}), 0u);
  EXPECT_EQ(index_.messages(), 2u);
}

TEST_F(RetainedIndexTest, ACallbackOfExpireMayUseTheIndex) {
  index_.set(message("a", "1", at(100)));
  index_.expire(at(200), 10, [&](std::string_view topic, std::uint64_t) { index_.set(message(topic, "again")); });
  EXPECT_EQ(payload_of("a"), "again");
}

TEST_F(RetainedIndexTest, RemoveIfRemovesOnlyTheMessageMeant) {
  const std::uint64_t first = index_.set(message("a", "1")).sequence;
  const std::uint64_t second = index_.set(message("a", "2")).sequence;
  EXPECT_FALSE(index_.remove_if("a", first));
  EXPECT_FALSE(index_.remove_if("b", second));
  EXPECT_FALSE(index_.remove_if("a", 0));
  EXPECT_TRUE(index_.remove_if("a", second));
  EXPECT_FALSE(index_.remove_if("a", second));
}

TEST_F(RetainedIndexTest, ADeepTopicNeedsNoDeepStack) {
  const std::string topic = deepest("a");
  const std::string plus = deepest("+");
  index_.set(message(topic, "x"));
  EXPECT_THAT(retained_topics(index_, topic), SizeIs(1));
  EXPECT_THAT(retained_topics(index_, plus), SizeIs(1));
  EXPECT_THAT(retained_topics(index_, "#"), SizeIs(1));
  EXPECT_THAT(retained_topics(index_, topic.substr(0, 2001) + "/#"), SizeIs(1));
  EXPECT_EQ(index_.set(message(topic, "")).outcome, Outcome::kRemoved);
}

TEST_F(RetainedIndexTest, HoldStillTellsTheLastNumber) {
  const std::uint64_t last = index_.set(message("a", "1")).sequence;
  std::uint64_t held = 0;
  index_.hold_still([&](std::uint64_t sequence) { held = sequence; });
  EXPECT_EQ(held, last);
}

}  // namespace
}  // namespace mortise::routing
