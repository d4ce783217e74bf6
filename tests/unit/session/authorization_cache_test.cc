#include "broker/session/authorization_cache.h"

#include <gtest/gtest.h>

namespace mortise::session {
namespace {

constexpr SteadyTime kStart{std::chrono::hours(1)};

TEST(AuthorizationCache, AnAnswerIsKeptAsLongAsItMayBe) {
  AuthorizationCache cache(8);
  cache.remember("a", true, kStart + 10s);
  cache.remember("b", false, kStart + 10s);
  EXPECT_EQ(cache.find("a", kStart + 9999ms), std::optional<bool>(true));
  EXPECT_EQ(cache.find("b", kStart), std::optional<bool>(false));
  EXPECT_EQ(cache.find("a", kStart + 10s), std::nullopt);
  EXPECT_EQ(cache.find("c", kStart), std::nullopt);
}

TEST(AuthorizationCache, OneAnswerForAFilterCoversItsTopics) {
  AuthorizationCache cache(8);
  cache.remember_filter("a/#", true, kStart + 10s);
  cache.remember("a/secret", false, kStart + 10s);
  EXPECT_EQ(cache.find("a/x", kStart), std::optional<bool>(true));
  EXPECT_EQ(cache.find("a/secret", kStart), std::optional<bool>(false)) << "the topic's own answer comes first";
  EXPECT_EQ(cache.find("b", kStart), std::nullopt);
  cache.remember_filter("a/#", false, kStart + 10s);
  EXPECT_EQ(cache.find("a/x", kStart), std::optional<bool>(false)) << "replaced, not added";
}

TEST(AuthorizationCache, ItNeverHoldsMoreThanItMay) {
  AuthorizationCache cache(10);
  for (int i = 0; i < 1000; ++i) {
    cache.remember("t" + std::to_string(i), true, kStart);
    cache.remember_filter("f" + std::to_string(i), true, kStart);
    EXPECT_LE(cache.size(), 10u + 16u);
  }
  AuthorizationCache none(0);
  none.remember("a", true, kStart + 1s);
  none.remember_filter("#", true, kStart + 1s);
  EXPECT_EQ(none.find("a", kStart), std::nullopt);
}

TEST(AuthorizationCache, LongNamesTakeThePlaceOfSeveralAndItSaysHowOftenItWasFull) {
  AuthorizationCache cache(10);
  for (int i = 0; i < 100; ++i) {
    cache.remember(std::to_string(i) + std::string(1000, 't'), true, kStart + 1s);
    EXPECT_LE(cache.bytes(), cache.maximum_bytes());
  }
  EXPECT_EQ(cache.times_full(), 49u) << "two fit each time";
  cache.remember(std::string(60'000, 't'), true, kStart + 1s);
  cache.remember_filter(std::string(60'000, 'f'), true, kStart + 1s);
  EXPECT_EQ(cache.times_full(), 49u) << "what does not fit at all pushes nobody out";
  EXPECT_EQ(cache.size(), 2u);
  for (int i = 0; i < 11; ++i) cache.remember("s" + std::to_string(i), true, kStart + 1s);
  EXPECT_EQ(cache.times_full(), 50u);
  cache.remember("s10", false, kStart + 1s);
  EXPECT_EQ(cache.find("s10", kStart), std::optional<bool>(false)) << "replaced, not added";
}

TEST(AuthorizationCache, WhatWasFoundLastGivesWayToANewAnswer) {
  AuthorizationCache cache(8);
  cache.remember("a/b", true, kStart + 10s);
  EXPECT_EQ(cache.find("a/b", kStart + 1s), true);
  EXPECT_EQ(cache.find("a/c", kStart + 1s), std::nullopt);
  cache.remember("a/b", false, kStart + 10s);
  EXPECT_EQ(cache.find("a/b", kStart + 1s), false);
  EXPECT_EQ(cache.find("a/b", kStart + 10s), std::nullopt);
  cache.remember_filter("x/#", true, kStart + 10s);
  EXPECT_EQ(cache.find("x/y", kStart + 1s), true);
  cache.remember("x/y", false, kStart + 10s);
  EXPECT_EQ(cache.find("x/y", kStart + 1s), false);
  cache.clear();
  EXPECT_EQ(cache.find("x/y", kStart + 1s), std::nullopt);
}

TEST(AuthorizationCache, ClearForgetsEverything) {
  AuthorizationCache cache(8);
  cache.remember("a", true, kStart + 10s);
  cache.remember_filter("#", true, kStart + 10s);
  cache.clear();
  EXPECT_EQ(cache.find("a", kStart), std::nullopt);
}

}  // namespace
}  // namespace mortise::session
