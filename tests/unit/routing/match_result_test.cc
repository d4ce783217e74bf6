#include "broker/routing/match_result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>

#include "tests/unit/routing/routing_fixtures.h"

namespace mortise::routing {
namespace {

auto order_of(const MatchEntry& entry) {
  return std::make_tuple(entry.subscriber.loop, entry.is_group, entry.subscriber.slot.index,
                         entry.subscriber.slot.generation, entry.subscription_identifier);
}

std::vector<MatchEntry> random_entries(std::size_t count, std::mt19937& random) {
  std::vector<MatchEntry> entries(count);
  for (MatchEntry& entry : entries) {
    entry.subscriber.loop = static_cast<LoopIndex>(random() % 5);
    entry.subscriber.slot = {static_cast<std::uint32_t>(random() % (count * 2)),
                             static_cast<std::uint32_t>(1 + random() % 2)};
    entry.is_group = random() % 8 == 0;
    entry.subscription_identifier = static_cast<std::uint32_t>(random() % 4);
  }
  return entries;
}

TEST(MatchResultTest, FewAndManyEntriesComeInTheSameOrder) {
  std::mt19937 random(1);
  for (const std::size_t count : {0u, 1u, 2u, 10u, 255u, 256u, 257u, 5000u, 70000u}) {
    const std::vector<MatchEntry> entries = random_entries(count, random);
    std::vector<decltype(order_of(MatchEntry()))> expected;
    for (const MatchEntry& entry : entries) expected.push_back(order_of(entry));
    std::sort(expected.begin(), expected.end());
    const MatchResultPtr result = MatchResultPtr::adopt(new MatchResult(entries));
    std::vector<decltype(order_of(MatchEntry()))> sorted;
    for (const MatchEntry& entry : result->entries()) sorted.push_back(order_of(entry));
    EXPECT_EQ(sorted, expected) << count;
  }
}

TEST(MatchResultTest, TheLoopsPartsAreTheWhole) {
  std::mt19937 random(2);
  const MatchResultPtr result = MatchResultPtr::adopt(new MatchResult(random_entries(1000, random)));
  std::size_t total = 0;
  for (const MatchResult::Part& part : result->parts()) {
    const auto entries = result->entries_of(part);
    ASSERT_FALSE(entries.empty());
    for (const MatchEntry& entry : entries) EXPECT_EQ(entry.subscriber.loop, part.loop);
    EXPECT_EQ(part.has_groups,
              std::any_of(entries.begin(), entries.end(), [](const auto& one) { return one.is_group; }));
    EXPECT_EQ(part.has_durable,
              std::any_of(entries.begin(), entries.end(), [](const auto& one) { return one.is_durable; }));
    EXPECT_EQ(result->on_loop(part.loop).data(), entries.data());
    EXPECT_EQ(entries.data(), result->entries().data() + total);
    total += entries.size();
  }
  EXPECT_EQ(total, result->entries().size());
  EXPECT_TRUE(result->on_loop(77).empty());
}

}  // namespace
}  // namespace mortise::routing
