#include "broker/cli/sequence_record.h"

#include <gtest/gtest.h>

#include <set>

namespace mortise::cli {
namespace {

using Finding = SequenceRecord::Finding;

TEST(SequenceRecord, numbers_in_turn_are_in_order) {
  SequenceRecord record;
  for (std::uint64_t i = 0; i < 10'000; ++i) ASSERT_EQ(record.add(i), Finding::kInOrder) << i;
}

TEST(SequenceRecord, a_number_that_was_passed_over_is_late_once_and_then_a_duplicate) {
  SequenceRecord record;
  record.add(0);
  EXPECT_EQ(record.add(3), Finding::kInOrder);
  EXPECT_EQ(record.add(1), Finding::kLate);
  EXPECT_EQ(record.add(1), Finding::kDuplicate);
  EXPECT_EQ(record.add(2), Finding::kLate);
  EXPECT_EQ(record.add(3), Finding::kDuplicate);
  EXPECT_EQ(record.add(0), Finding::kDuplicate);
  EXPECT_EQ(record.add(4), Finding::kInOrder);
}

TEST(SequenceRecord, a_long_gap_forgets_what_was_seen_before_it) {
  SequenceRecord record;
  for (std::uint64_t i = 0; i < 1000; ++i) record.add(i);
  EXPECT_EQ(record.add(1'000'000), Finding::kInOrder);
  EXPECT_EQ(record.add(1'000'000 - SequenceRecord::kRemembered + 1), Finding::kLate);
  EXPECT_EQ(record.add(1'000'000 - SequenceRecord::kRemembered), Finding::kDuplicate);
  EXPECT_EQ(record.add(999'999), Finding::kLate);
  EXPECT_EQ(record.add(999'999), Finding::kDuplicate);
}

TEST(SequenceRecord, agrees_with_a_set_of_all_that_was_seen) {
  SequenceRecord record;
  std::set<std::uint64_t> seen;
  std::uint64_t next = 0, random = 1;
  for (int i = 0; i < 20'000; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const std::uint64_t step = random >> 58;  // up to 63 back or ahead
    const std::uint64_t sequence = (random & 1) != 0 ? next + step : next - std::min(next, step);
    const Finding expected = sequence >= next          ? Finding::kInOrder
                             : seen.contains(sequence) ? Finding::kDuplicate
                                                       : Finding::kLate;
    ASSERT_EQ(record.add(sequence), expected) << "number " << sequence << " in step " << i;
    seen.insert(sequence);
    next = std::max(next, sequence + 1);
  }
}

}  // namespace
}  // namespace mortise::cli
