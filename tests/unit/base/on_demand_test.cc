#include "broker/base/on_demand.h"

#include <gtest/gtest.h>

#include <vector>

namespace mortise {
namespace {

struct CountedVector : std::vector<int> {
  CountedVector() { ++alive; }
  CountedVector(const CountedVector&) = delete;
  CountedVector& operator=(const CountedVector&) = delete;
  ~CountedVector() { --alive; }
  static inline int alive = 0;
};

TEST(OnDemand, OwnsAContainerOnlyBetweenTheFirstUseAndClear) {
  OnDemand<CountedVector> numbers;
  EXPECT_TRUE(numbers.empty());
  EXPECT_EQ(numbers.size(), 0u);
  EXPECT_EQ(CountedVector::alive, 0);
  numbers->push_back(7);
  EXPECT_EQ(CountedVector::alive, 1);
  EXPECT_FALSE(numbers.empty());
  EXPECT_EQ((*numbers)[0], 7);
  EXPECT_EQ(numbers.size(), 1u);
  numbers.clear();
  EXPECT_TRUE(numbers.empty());
  EXPECT_EQ(CountedVector::alive, 0);
}

}  // namespace
}  // namespace mortise
