#include "broker/cli/latency_histogram.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>

namespace mortise::cli {
namespace {

TEST(LatencyHistogram, is_zero_without_values) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.at(0.5), 0u);
  EXPECT_EQ(histogram.maximum(), 0u);
}

TEST(LatencyHistogram, percentiles_are_off_by_less_than_a_64th) {
  LatencyHistogram histogram;
  for (std::uint64_t value = 1; value <= 1'000'000; ++value) histogram.add(value * 100);
  for (const double quantile : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    const double exact = quantile * 100'000'000;
    EXPECT_NEAR(static_cast<double>(histogram.at(quantile)), exact, exact / 64) << quantile;
  }
  EXPECT_EQ(histogram.total(), 1'000'000u);
}

TEST(LatencyHistogram, small_values_are_exact) {
  LatencyHistogram histogram;
  for (std::uint64_t value = 0; value < 64; ++value) histogram.add(value);
  EXPECT_EQ(histogram.at(0.5), 32u);
  EXPECT_EQ(histogram.at(1), 63u);
}

TEST(LatencyHistogram, no_percentile_is_above_the_maximum) {
  LatencyHistogram histogram;
  histogram.add(1'000'003);
  EXPECT_EQ(histogram.at(0.5), 1'000'003u);
  EXPECT_EQ(histogram.at(1), 1'000'003u);
}

TEST(LatencyHistogram, takes_the_largest_number_there_is) {
  LatencyHistogram histogram;
  histogram.add(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(histogram.at(0.5), std::numeric_limits<std::uint64_t>::max());
}

}  // namespace
}  // namespace mortise::cli
