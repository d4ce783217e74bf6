#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/routing/level_hash.h"

namespace mortise::routing {

/// The counters whose sum is a Topic Name's version. They follow from its first two levels.
struct VersionSlots {
  std::uint16_t first = 0;   // filters `first/+...`, `first/#`
  std::uint16_t second = 0;  // filters `+/second...`
  std::uint16_t both = 0;    // filters `first/second...`
};

/// Counts changes to the subscriptions by the first two levels of their filters, so that a remembered match knows
/// whether a change could concern it. Internally synchronised.
class FilterVersions {
 public:
  VersionSlots slots_of(std::string_view topic) const noexcept;

  /// Never decreases, and increases with every change to a filter that matches a topic with these slots. Cost: four
  /// loads.
  std::uint64_t at(const VersionSlots& slots) const noexcept {
    return load(everything_) + load(counters_[slots.first]) + load(counters_[slots.second]) +
           load(counters_[slots.both]);
  }

  /// After the index was changed for `filter`.
  void changed(std::string_view filter) noexcept;

 private:
  static constexpr std::size_t kCounters = 4096;

  static std::uint64_t load(const std::atomic<std::uint64_t>& counter) noexcept {
    return counter.load(std::memory_order_acquire);
  }
  std::atomic<std::uint64_t>& counter_of(std::string_view filter) noexcept;

  const LevelHash hash_;
  alignas(64) std::atomic<std::uint64_t> everything_{0};  // filters with a wildcard in both places
  alignas(64) std::array<std::atomic<std::uint64_t>, kCounters> counters_{};
};

}  // namespace mortise::routing
