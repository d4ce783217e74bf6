#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/routing/routing_fixtures.h"

namespace mortise::routing {
namespace {

using testing::ElementsAre;

class MatchCacheTest : public testing::Test {
 protected:
  ReclaimDomain reclaim_{1};
  SubscriptionIndex index_{reclaim_};
};

TEST_F(MatchCacheTest, TheSecondLookUpIsAHitAndTheSameResult) {
  index_.subscribe("a/#", subscription(session(1)));
  MatchCache cache(index_, {});
  const MatchResultPtr first = cache.match("a/b");
  const MatchResultPtr second = cache.match("a/b");
  EXPECT_EQ(first.get(), second.get());
  EXPECT_EQ(cache.counters().hits, 1u);
  EXPECT_EQ(cache.counters().misses, 1u);
}

TEST_F(MatchCacheTest, AChangeThatConcernsTheTopicIsSeenAtOnce) {
  MatchCache cache(index_, {});
  EXPECT_THAT(subscribers(cache.match("a/b/c")), ElementsAre());
  std::uint32_t next = 1;
  for (const char* filter : {"a/b/c", "a/+/c", "+/b/#", "#", "a/#", "+/+/+"}) {
    index_.subscribe(filter, subscription(session(next++)));
    EXPECT_EQ(subscribers(cache.match("a/b/c")).size(), next - 1) << filter;
  }
  index_.unsubscribe("a/b/c", session(1));
  EXPECT_EQ(subscribers(cache.match("a/b/c")).size(), next - 2);
  EXPECT_EQ(cache.counters().stale, 7u);
}

TEST_F(MatchCacheTest, SubscribingElsewhereLeavesItValid) {
  index_.subscribe("tenant/alice/a", subscription(session(1)));
  MatchCache cache(index_, {});
  cache.match("tenant/alice/a");
  // Under a random key a counter may coincide: one in 4,096.
  for (int i = 0; i < 50; ++i) {
    index_.subscribe("tenant/bob" + std::to_string(i) + "/#", subscription(session(2)));
    cache.match("tenant/alice/a");
  }
  EXPECT_GE(cache.counters().hits, 45u);
}

TEST_F(MatchCacheTest, ItStaysWithinItsEntries) {
  MatchCache cache(index_, {.maximum_entries = 100, .maximum_bytes = 1u << 20});
  for (int i = 0; i < 1000; ++i) cache.match("t/" + std::to_string(i));
  EXPECT_GE(cache.counters().evictions, 900u);
  EXPECT_LE(cache.entries(), 100u);
  EXPECT_GE(cache.entries(), 90u);  // the secret of the hash decides whether two want the same place
}

TEST_F(MatchCacheTest, ItStaysWithinItsBytes) {
  for (std::uint32_t i = 0; i < 50; ++i) index_.subscribe("#", subscription(session(i)));
  MatchCache cache(index_, {.maximum_entries = 1000, .maximum_bytes = 20'000});
  for (int i = 0; i < 1000; ++i) {
    cache.match("t/" + std::to_string(i));
    ASSERT_LE(cache.bytes(), 20'000u);
  }
  EXPECT_GT(cache.entries(), 3u);
}

TEST_F(MatchCacheTest, AResultTooLargeToRememberIsStillRight) {
  for (std::uint32_t i = 0; i < 500; ++i) index_.subscribe("#", subscription(session(i)));
  MatchCache cache(index_, {.maximum_entries = 10, .maximum_bytes = 1000});
  EXPECT_EQ(cache.match("a")->entries().size(), 500u);
  EXPECT_EQ(cache.match("a")->entries().size(), 500u);
  EXPECT_EQ(cache.entries(), 0u);
  MatchCache nothing(index_, {.maximum_entries = 0, .maximum_bytes = 0});
  EXPECT_EQ(nothing.match("a")->entries().size(), 500u);
}

TEST_F(MatchCacheTest, WhatIsUsedOftenStaysWhenManyOthersPassBy) {
  MatchCache cache(index_, {.maximum_entries = 64, .maximum_bytes = 1u << 20});
  std::uint64_t missed = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t before = cache.counters().misses;
    cache.match("often");
    missed += cache.counters().misses - before;
    cache.match("once/" + std::to_string(i));
  }
  EXPECT_LE(missed, 3u);
}

TEST_F(MatchCacheTest, ATopicOfTheLargestSizeIsRemembered) {
  const std::string topic(65535, 'x');
  index_.subscribe(topic, subscription(session(1)));
  MatchCache cache(index_, {});
  EXPECT_THAT(subscribers(cache.match(topic)), ElementsAre(1));
  EXPECT_THAT(subscribers(cache.match(topic)), ElementsAre(1));
  EXPECT_EQ(cache.counters().hits, 1u);
}

}  // namespace
}  // namespace mortise::routing
