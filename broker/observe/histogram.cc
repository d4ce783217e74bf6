#include "broker/observe/histogram.h"

#include <algorithm>
#include <bit>

namespace mortise::observe {

// A value below 8 is its own bucket. Above, the bucket is the position of the highest bit and the three bits behind it.

std::size_t Histogram::bucket_of(std::uint64_t value_ns) noexcept {
  constexpr std::uint64_t kLargest = (std::uint64_t{1} << (kHighestBit + 1)) - 1;
  const std::uint64_t value = std::min(value_ns, kLargest);
  if (value < (1u << kSubBits)) return static_cast<std::size_t>(value);
  const auto highest = static_cast<unsigned>(std::bit_width(value)) - 1;
  const std::uint64_t behind = (value >> (highest - kSubBits)) & ((1u << kSubBits) - 1);
  return (std::size_t{highest - kSubBits + 1} << kSubBits) + static_cast<std::size_t>(behind);
}

std::uint64_t Histogram::upper_bound_ns(std::size_t bucket) noexcept {
  if (bucket < (1u << kSubBits)) return bucket;
  const std::size_t shift = (bucket >> kSubBits) - 1;
  const std::uint64_t leading = (bucket & ((1u << kSubBits) - 1)) | (1u << kSubBits);
  return ((leading + 1) << shift) - 1;
}

HistogramSnapshot Histogram::snapshot() const {
  HistogramSnapshot taken;
  taken.buckets.reserve(kBuckets);
  for (const auto& bucket : buckets_) {
    taken.buckets.push_back(bucket.load(std::memory_order_relaxed));
    taken.count += taken.buckets.back();
  }
  taken.sum_ns = sum_ns_.value();
  return taken;
}

std::uint64_t HistogramSnapshot::quantile_ns(double fraction) const noexcept {
  if (count == 0) return 0;
  const double wanted = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count);
  std::uint64_t passed = 0;
  std::size_t last = 0;
  for (std::size_t bucket = 0; bucket < buckets.size(); ++bucket) {
    if (buckets[bucket] == 0) continue;
    passed += buckets[bucket];
    last = bucket;
    if (static_cast<double>(passed) >= wanted) break;
  }
  return Histogram::upper_bound_ns(last);
}

}  // namespace mortise::observe
