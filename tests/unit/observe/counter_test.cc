#include "broker/observe/counter.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace mortise::observe {
namespace {

TEST(CounterTest, NothingIsLostWhenManyThreadsAdd) {
  Counter counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10'000; ++n) counter.add();
      counter.add(5);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 12u * 10'005u);
}

TEST(GaugeTest, GoesUpAndDown) {
  Gauge gauge;
  gauge.add(5);
  gauge.add(-7);
  EXPECT_EQ(gauge.value(), -2);
  gauge.set(9);
  EXPECT_EQ(gauge.value(), 9);
}

}  // namespace
}  // namespace mortise::observe
