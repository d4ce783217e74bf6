#include "broker/cli/memory_watch.h"

#include <gtest/gtest.h>

#include <vector>

namespace mortise::cli {
namespace {

using core::MemoryStage;

constexpr std::uint64_t kBudget = 100u << 20;

class MemoryWatchTest : public ::testing::Test {
 protected:
  /// Looks at so many percent of the budget, a second later. True: the loops are told.
  bool look(std::uint64_t percent) {
    used = percent * (kBudget / 100);
    now += MemoryWatch::kEvery;
    return watch.look(now);
  }
  MemoryStage stage() const { return watch.report().stage; }

  std::uint64_t used = 0;
  int measured = 0;
  SteadyTime now{std::chrono::hours(1)};
  MemoryWatch watch{kBudget, [this] { return ++measured, used; }};
};

TEST_F(MemoryWatchTest, EachStageBeginsAtItsShareAndEndsLower) {
  struct Step {
    std::uint64_t percent;
    MemoryStage stage;
  };
  const std::vector<Step> steps = {
      {79, MemoryStage::kEnough},      {80, MemoryStage::kRefusing},    {76, MemoryStage::kRefusing},
      {75, MemoryStage::kRefusing},    {74, MemoryStage::kEnough},      {79, MemoryStage::kEnough},
      {90, MemoryStage::kHoldingBack}, {85, MemoryStage::kHoldingBack}, {84, MemoryStage::kRefusing},
      {89, MemoryStage::kRefusing},    {100, MemoryStage::kShedding},   {95, MemoryStage::kShedding},
      {94, MemoryStage::kHoldingBack}, {250, MemoryStage::kShedding},   {10, MemoryStage::kEnough}};
  for (const Step& step : steps) {
    look(step.percent);
    EXPECT_EQ(stage(), step.stage) << step.percent << " %";
  }
  EXPECT_EQ(watch.report().entered, (std::array<std::uint64_t, 3>{2, 2, 2}));
  EXPECT_EQ(watch.report().maximum, 250 * (kBudget / 100));
}

TEST_F(MemoryWatchTest, TheLoopsAreToldOfChangesAndWhileMemoryIsUsedUp) {
  EXPECT_FALSE(look(50));
  EXPECT_TRUE(look(80));
  EXPECT_FALSE(look(81));
  EXPECT_TRUE(look(100));
  EXPECT_TRUE(look(100));
  EXPECT_TRUE(look(20));
  EXPECT_FALSE(look(20));
}

TEST_F(MemoryWatchTest, ItMeasuresOnceASecond) {
  look(10);
  EXPECT_FALSE(watch.look(now + 999ms));
  EXPECT_EQ(measured, 1);
  EXPECT_EQ(watch.next_look(), now + 1s);
  look(10);
  EXPECT_EQ(measured, 2);
}

TEST(MemoryWatchWithoutABudget, NeverLooks) {
  MemoryWatch watch(0, []() -> std::uint64_t {
    ADD_FAILURE();
    return 0;
  });
  EXPECT_EQ(watch.next_look(), kNever);
  EXPECT_FALSE(watch.look(SteadyTime(std::chrono::hours(1))));
}

}  // namespace
}  // namespace mortise::cli
