#pragma once

#include <algorithm>
#include <cstddef>

namespace mortise {

/// What still fits into one page of a list: so many items, and so many bytes of what they are called. The item that
/// takes the last of either is the last of the page, so a page has one at least.
class PageRoom {
 public:
  /// Names can be 64 KiB each: a thousand of them are not one answer.
  static constexpr std::size_t kBytes = 1u << 20;

  explicit constexpr PageRoom(std::size_t items = 100, std::size_t bytes = kBytes) : items_(items), bytes_(bytes) {}
  bool is_full() const noexcept { return items_ == 0 || bytes_ == 0; }
  /// Precondition: it is not full.
  void take(std::size_t bytes) noexcept {
    --items_;
    bytes_ -= std::min(bytes_, bytes);
  }
  bool operator==(const PageRoom&) const = default;

 private:
  std::size_t items_;
  std::size_t bytes_;
};

}  // namespace mortise
