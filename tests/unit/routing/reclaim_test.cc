#include "broker/routing/reclaim.h"

#include <gtest/gtest.h>

#include <memory>

namespace mortise::routing {
namespace {

/// Something to retire whose end can be seen.
class Retiree {
 public:
  explicit Retiree(ReclaimDomain& domain) {
    domain.retire(new std::shared_ptr<int>(alive_),
                  [](void* held) { delete static_cast<std::shared_ptr<int>*>(held); });
  }
  bool is_freed() const { return alive_.use_count() == 1; }

 private:
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

TEST(ReclaimDomainTest, NothingIsFreedBeforeEveryLoopHasPassedAnIteration) {
  ReclaimDomain domain(2);
  domain.woke_up(0);
  domain.woke_up(1);
  const Retiree retiree(domain);
  domain.passed_iteration(0);
  EXPECT_EQ(domain.reclaim(), 1u);
  EXPECT_FALSE(retiree.is_freed());
  domain.passed_iteration(1);
  EXPECT_TRUE(retiree.is_freed());
  EXPECT_EQ(domain.reclaim(), 0u);
}

TEST(ReclaimDomainTest, ALoopThatNeverReportedMayHoldAnything) {
  ReclaimDomain domain(2);
  const Retiree retiree(domain);
  domain.passed_iteration(0);
  EXPECT_EQ(domain.reclaim(), 1u);
  EXPECT_FALSE(retiree.is_freed());
}

TEST(ReclaimDomainTest, ASleepingLoopDelaysNobody) {
  ReclaimDomain domain(2);
  domain.went_to_sleep(1);
  const Retiree retiree(domain);
  domain.passed_iteration(0);
  EXPECT_TRUE(retiree.is_freed());
}

TEST(ReclaimDomainTest, ALoopThatWokeUpBeforeItWasRetiredDelaysIt) {
  ReclaimDomain domain(1);
  domain.went_to_sleep(0);
  const Retiree early(domain);
  domain.woke_up(0);
  const Retiree late(domain);
  EXPECT_EQ(domain.reclaim(), 1u);
  EXPECT_TRUE(early.is_freed());
  EXPECT_FALSE(late.is_freed());
}

TEST(ReclaimDomainTest, AnIterationFreesABoundedNumber) {
  ReclaimDomain domain(1);
  for (int i = 0; i < 2000; ++i) Retiree retiree(domain);
  domain.passed_iteration(0);
  EXPECT_GT(domain.waiting(), 0u);
  EXPECT_LT(domain.waiting(), 2000u);
  for (int i = 0; i < 10; ++i) domain.passed_iteration(0);
  EXPECT_EQ(domain.waiting(), 0u);
}

TEST(ReclaimDomainTest, WhatIsLeftGoesWithTheDomain) {
  auto domain = std::make_unique<ReclaimDomain>(1);
  const Retiree retiree(*domain);
  domain.reset();
  EXPECT_TRUE(retiree.is_freed());
}

}  // namespace
}  // namespace mortise::routing
