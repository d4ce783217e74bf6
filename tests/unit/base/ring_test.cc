#include "broker/base/ring.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

namespace mortise {
namespace {

TEST(Ring, KeepsTheOrderWhileItGrowsAndWrapsAround) {
  Ring<int> ring;
  std::deque<int> expected;
  std::minstd_rand random(1);
  for (int i = 0; i < 20'000; ++i) {
    // Growing for a while, then shrinking to nothing, again and again.
    const bool grows = random() % 100 < ((i / 2000) % 2 == 0 ? 60u : 40u);
    if (grows || expected.empty()) {
      EXPECT_EQ(ring.push_back(i), i);
      expected.push_back(i);
    } else {
      ring.pop_front();
      expected.pop_front();
    }
    ASSERT_EQ(ring.size(), expected.size());
    ASSERT_EQ(ring.empty(), expected.empty());
    if (expected.empty()) continue;
    ASSERT_EQ(ring.front(), expected.front());
    ASSERT_EQ(ring.back(), expected.back());
    const std::size_t at = random() % expected.size();
    ASSERT_EQ(ring[at], expected[at]);
  }
}

TEST(Ring, GivesUpWhatItPopsAtOnce) {
  Ring<std::shared_ptr<int>> ring;
  const auto value = std::make_shared<int>(1);
  ring.push_back(value);
  ring.push_back(value);
  EXPECT_EQ(value.use_count(), 3);
  ring.pop_front();
  EXPECT_EQ(value.use_count(), 2);
  ring.clear();
  EXPECT_EQ(value.use_count(), 1);
  EXPECT_TRUE(ring.empty());
}

TEST(Ring, IsUsableAgainAfterALargeBurstWasDrained) {
  Ring<int> ring;
  for (int i = 0; i < 1000; ++i) ring.push_back(i);
  for (int i = 0; i < 1000; ++i) ring.pop_front();
  EXPECT_TRUE(ring.empty());
  ring.push_back(7);
  EXPECT_EQ(ring.front(), 7);
}

}  // namespace
}  // namespace mortise
