#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/observe/counter.h"

namespace mortise::observe {

/// What a Histogram held at one moment. Immutable after it is made.
struct HistogramSnapshot {
  std::vector<std::uint64_t> buckets;
  std::uint64_t count = 0;
  std::uint64_t sum_ns = 0;

  /// The value that `fraction` (0 to 1) of the recorded ones do not exceed, at most one eighth too large; 0 when empty.
  std::uint64_t quantile_ns(double fraction) const noexcept;
};

/// Durations in nanoseconds, in buckets of one eighth of a power of two: any quantile is right to 12.5 %, from 1 ns to
/// 18 minutes (longer ones count as that). Internally synchronised. Cost: record is two uncontended atomic additions.
class Histogram {
 public:
  void record(std::chrono::nanoseconds duration) noexcept {
    const auto value = static_cast<std::uint64_t>(duration.count() < 0 ? 0 : duration.count());
    buckets_[bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
    sum_ns_.add(value);
  }
  HistogramSnapshot snapshot() const;

  /// The largest value that belongs to a bucket.
  static std::uint64_t upper_bound_ns(std::size_t bucket) noexcept;
  static std::size_t bucket_of(std::uint64_t value_ns) noexcept;

 private:
  static constexpr unsigned kSubBits = 3;      // eight buckets for each power of two
  static constexpr unsigned kHighestBit = 39;  // 2^40 ns are 18 minutes
  static constexpr std::size_t kBuckets = (kHighestBit - kSubBits + 2) << kSubBits;

  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
  Counter sum_ns_;
};

}  // namespace mortise::observe
