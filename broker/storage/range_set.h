#pragma once

#include <cstdint>
#include <vector>

namespace mortise::storage {

/// Positions of one queue, as disjoint ranges in order. Unsynchronised.
class RangeSet {
 public:
  struct Range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;    // included
    std::uint64_t elided = 0;  // how many positions in it were never written
  };
  /// Joins [first, last] with what it overlaps or touches; nothing when last < first.
  void add(std::uint64_t first, std::uint64_t last);
  /// The range with `position` in it; null when it is in none. Borrowed until the next add.
  Range* find(std::uint64_t position) noexcept;
  const std::vector<Range>& ranges() const noexcept { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

}  // namespace mortise::storage
