#include "broker/base/scope_exit.h"

#include <gtest/gtest.h>

namespace mortise {
namespace {

TEST(ScopeExit, RunsWhenTheScopeEnds) {
  int runs = 0;
  {
    const ScopeExit on_exit([&] { ++runs; });
    EXPECT_EQ(runs, 0);
  }
  EXPECT_EQ(runs, 1);
}

TEST(ScopeExit, RunsNotWhenReleased) {
  int runs = 0;
  {
    ScopeExit on_exit([&] { ++runs; });
    on_exit.release();
  }
  EXPECT_EQ(runs, 0);
}

}  // namespace
}  // namespace mortise
