#include "broker/net/connect_rate.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace mortise::net {
namespace {

const SteadyTime kStart{std::chrono::hours(1)};

/// How many of `asked` are taken at once.
int taken(ConnectRate& rate, int asked, SteadyTime now) {
  int count = 0;
  for (int i = 0; i < asked; ++i) count += rate.take(now) <= now ? 1 : 0;
  return count;
}

TEST(ConnectRate, ASecondsWorthMayComeAtOnceAndThenEvenly) {
  ConnectRate rate(10);
  EXPECT_EQ(taken(rate, 50, kStart), 10);
  EXPECT_EQ(taken(rate, 5, kStart + 99ms), 0);
  EXPECT_EQ(taken(rate, 5, kStart + 100ms), 1);
  EXPECT_EQ(taken(rate, 5, kStart + 350ms), 2);
  EXPECT_EQ(taken(rate, 50, kStart + 1h), 10);  // what was not used is not saved up
}

TEST(ConnectRate, WhoHasToWaitHearsUntilWhen) {
  ConnectRate rate(4);
  EXPECT_EQ(taken(rate, 4, kStart), 4);
  EXPECT_EQ(rate.take(kStart), kStart + 250ms);
  EXPECT_EQ(rate.take(kStart + 100ms), kStart + 250ms);
  EXPECT_LE(rate.take(kStart + 250ms), kStart + 250ms);
}

TEST(ConnectRate, WhatIsGivenBackIsThereAgain) {
  ConnectRate rate(1);
  EXPECT_EQ(taken(rate, 1, kStart), 1);
  rate.give_back();
  EXPECT_EQ(taken(rate, 2, kStart), 1);
}

TEST(ConnectRate, WithoutALimitEverybodyIsTaken) {
  ConnectRate rate(0);
  EXPECT_EQ(taken(rate, 10'000, kStart), 10'000);
}

TEST(ConnectRate, AllLoopsTogetherTakeNoMore) {
  ConnectRate rate(1000);
  std::atomic<int> count{0};
  std::vector<std::thread> loops;
  for (int i = 0; i < 4; ++i) loops.emplace_back([&] { count += taken(rate, 900, kStart); });
  for (std::thread& loop : loops) loop.join();
  EXPECT_EQ(count, 1000);
}

}  // namespace
}  // namespace mortise::net
