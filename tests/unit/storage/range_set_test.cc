#include "broker/storage/range_set.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>

namespace mortise::storage {
namespace {

constexpr std::uint64_t kMaximum = std::numeric_limits<std::uint64_t>::max();

TEST(RangeSet, JoinsRangesThatTouchOrOverlap) {
  RangeSet set;
  set.add(1, 1);
  set.add(2, 2);
  set.add(10, 12);
  set.add(5, 6);
  ASSERT_EQ(set.ranges().size(), 3u);
  set.add(2, 9);
  ASSERT_EQ(set.ranges().size(), 1u);
  EXPECT_EQ(set.ranges()[0].first, 1u);
  EXPECT_EQ(set.ranges()[0].last, 12u);
}

TEST(RangeSet, HoldsTheWholeOfAQueueAndNothingOfAnEmptyRange) {
  RangeSet set;
  set.add(5, 4);
  EXPECT_TRUE(set.ranges().empty());
  set.add(7, kMaximum);
  set.add(0, kMaximum);
  ASSERT_EQ(set.ranges().size(), 1u);
  EXPECT_NE(set.find(0), nullptr);
  EXPECT_NE(set.find(kMaximum), nullptr);
}

TEST(RangeSet, AgreesWithASetOfNumbers) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    RangeSet set;
    std::set<std::uint64_t> twin;
    for (int i = 0; i < 20; ++i) {
      const std::uint64_t first = random() % 60;
      const std::uint64_t last = first + random() % 5;
      set.add(first, last);
      for (std::uint64_t n = first; n <= last; ++n) twin.insert(n);
    }
    for (std::uint64_t n = 0; n < 70; ++n) ASSERT_EQ(set.find(n) != nullptr, twin.contains(n)) << n;
    for (std::size_t i = 1; i < set.ranges().size(); ++i)
      ASSERT_GT(set.ranges()[i].first, set.ranges()[i - 1].last + 1);
  }
}

}  // namespace
}  // namespace mortise::storage
