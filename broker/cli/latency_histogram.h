#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace mortise::cli {

/// Latencies in nanoseconds, counted in buckets that are 1/64 of their value wide: a percentile is off by less than 1.6
/// %. Unsynchronised. Cost: an add is a few instructions.
class LatencyHistogram {
 public:
  void add(std::uint64_t nanoseconds) noexcept {
    ++counts_[bucket_of(nanoseconds)];
    ++total_;
    if (nanoseconds > maximum_) maximum_ = nanoseconds;
  }
  std::uint64_t total() const noexcept { return total_; }
  std::uint64_t maximum() const noexcept { return maximum_; }

  /// The latency that a share of `quantile` (0 to 1) of all did not exceed; 0 without any.
  std::uint64_t at(double quantile) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(static_cast<double>(total_) * quantile);
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
      seen += counts_[bucket];
      if (seen > wanted) return std::min(upper_bound(bucket), maximum_);
    }
    return maximum_;
  }

 private:
  static constexpr unsigned kBits = 6;  // 64 buckets for each power of two
  static constexpr std::size_t kBuckets = (64 - kBits + 1) << kBits;

  static std::size_t bucket_of(std::uint64_t value) noexcept {
    if (value < (1u << kBits)) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
    return ((std::size_t{shift} + 1) << kBits) + ((value >> shift) & ((1u << kBits) - 1));
  }
  static std::uint64_t upper_bound(std::size_t bucket) noexcept {
    if (bucket < (1u << kBits)) return bucket;
    const unsigned shift = static_cast<unsigned>(bucket >> kBits) - 1;
    const std::uint64_t mantissa = (bucket & ((1u << kBits) - 1)) | (1u << kBits);
    return ((mantissa + 1) << shift) - 1;
  }

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t maximum_ = 0;
};

}  // namespace mortise::cli
