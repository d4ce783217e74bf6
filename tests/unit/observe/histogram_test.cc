#include "broker/observe/histogram.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>

namespace mortise::observe {
namespace {

using std::chrono::nanoseconds;

TEST(HistogramTest, BucketsFollowEachOtherWithoutGapOrOverlap) {
  for (std::size_t bucket = 0; bucket + 1 < 250; ++bucket) {
    const std::uint64_t bound = Histogram::upper_bound_ns(bucket);
    EXPECT_EQ(Histogram::bucket_of(bound), bucket);
    EXPECT_EQ(Histogram::bucket_of(bound + 1), bucket + 1);
  }
}

TEST(HistogramTest, ABucketIsAtMostOneEighthWide) {
  for (std::uint64_t value = 1; value < (std::uint64_t{1} << 39); value = value * 5 / 4 + 1) {
    const std::uint64_t bound = Histogram::upper_bound_ns(Histogram::bucket_of(value));
    EXPECT_GE(bound, value);
    EXPECT_LE(bound - value, value / 8) << value;
  }
}

TEST(HistogramTest, QuantilesAreRightToOneEighth) {
  Histogram histogram;
  for (int i = 1; i <= 10'000; ++i) histogram.record(nanoseconds(i));
  const HistogramSnapshot taken = histogram.snapshot();
  EXPECT_EQ(taken.count, 10'000u);
  EXPECT_EQ(taken.sum_ns, 10'000u * 10'001u / 2);
  for (const double fraction : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    const double exact = fraction * 10'000;
    EXPECT_GE(static_cast<double>(taken.quantile_ns(fraction)), exact);
    EXPECT_LE(static_cast<double>(taken.quantile_ns(fraction)), exact * 1.126);
  }
}

TEST(HistogramTest, ExtremeDurationsStayInTheTable) {
  Histogram histogram;
  histogram.record(nanoseconds(-5));
  histogram.record(nanoseconds::max());
  const HistogramSnapshot taken = histogram.snapshot();
  EXPECT_EQ(taken.count, 2u);
  EXPECT_EQ(taken.quantile_ns(0.5), 0u);
  EXPECT_EQ(taken.quantile_ns(1.0), (std::uint64_t{1} << 40) - 1);
}

TEST(HistogramTest, AnEmptyOneHasNoQuantiles) { EXPECT_EQ(Histogram().snapshot().quantile_ns(0.5), 0u); }

}  // namespace
}  // namespace mortise::observe
