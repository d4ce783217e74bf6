#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/base/bytes.h"

namespace mortise::fuzz {

/// The bytes of one run, taken from the front; zeros when they are used up. Borrowed for the run.
class InputView {
 public:
  InputView(const std::uint8_t* bytes, std::size_t size) : rest_(bytes, size) {}
  bool is_empty() const noexcept { return rest_.empty(); }
  std::uint8_t byte() noexcept {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  bool flag() noexcept { return (byte() & 1) != 0; }
  std::uint32_t u32() noexcept {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 32; shift += 8) value |= std::uint32_t{byte()} << shift;
    return value;
  }
  std::uint64_t u64() noexcept { return u32() | static_cast<std::uint64_t>(u32()) << 32; }
  /// At most `size` bytes.
  std::string_view text(std::size_t size) noexcept {
    const ByteView taken = rest_.first(size < rest_.size() ? size : rest_.size());
    rest_ = rest_.subspan(taken.size());
    return as_text(taken);
  }
  template <class T, std::size_t kSize>
  const T& pick(const T (&among)[kSize]) noexcept {
    return among[byte() % kSize];
  }

 private:
  ByteView rest_;
};

}  // namespace mortise::fuzz
