#include "broker/storage/range_set.h"

#include <algorithm>
#include <limits>

namespace mortise::storage {
namespace {

/// Whether a range that ends at `last` overlaps or touches one that begins at `first`, lying behind it.
bool reaches(std::uint64_t last, std::uint64_t first) {
  return last == std::numeric_limits<std::uint64_t>::max() || last + 1 >= first;
}

}  // namespace

void RangeSet::add(std::uint64_t first, std::uint64_t last) {
  if (last < first) return;
  // Acknowledgements come mostly in order: the usual case only makes the last range longer.
  const auto ends_before = [](const Range& range, std::uint64_t position) { return !reaches(range.last, position); };
  const auto begin = std::lower_bound(ranges_.begin(), ranges_.end(), first, ends_before);
  auto end = begin;
  while (end != ranges_.end() && reaches(last, end->first)) {
    first = std::min(first, end->first);
    last = std::max(last, end->last);
    ++end;
  }
  if (begin == end) {
    ranges_.insert(begin, Range{first, last, 0});
    return;
  }
  *begin = Range{first, last, 0};
  ranges_.erase(begin + 1, end);
}

RangeSet::Range* RangeSet::find(std::uint64_t position) noexcept {
  const auto ends_before = [](const Range& range, std::uint64_t wanted) { return range.last < wanted; };
  const auto at = std::lower_bound(ranges_.begin(), ranges_.end(), position, ends_before);
  return at != ranges_.end() && at->first <= position ? &*at : nullptr;
}

}  // namespace mortise::storage
