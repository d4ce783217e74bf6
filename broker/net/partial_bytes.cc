#include "broker/net/partial_bytes.h"

#include <algorithm>
#include <cstring>

namespace mortise::net {

void PartialBytes::assign(ByteView bytes) {
  if (bytes.size() > capacity_ || bytes.empty()) {
    bytes_ = bytes.empty() ? nullptr : std::make_unique_for_overwrite<std::uint8_t[]>(bytes.size());
    capacity_ = static_cast<std::uint32_t>(bytes.size());
  }
  begin_ = 0;
  size_ = static_cast<std::uint32_t>(bytes.size());
  if (!bytes.empty()) std::memcpy(bytes_.get(), bytes.data(), bytes.size());
}

std::span<std::uint8_t> PartialBytes::room(std::size_t wanted, std::size_t maximum) {
  const std::size_t end = std::size_t{begin_} + size_;
  if (capacity_ - end < wanted) {
    const std::size_t needed = std::min(size_ + wanted, maximum);
    if (needed <= size_) return {};
    if (needed <= capacity_) {
      std::memmove(bytes_.get(), bytes_.get() + begin_, size_);
    } else {
      const std::size_t grown = std::min(std::max(needed, std::size_t{capacity_} * 2), maximum);
      auto larger = std::make_unique_for_overwrite<std::uint8_t[]>(grown);
      if (size_ != 0) std::memcpy(larger.get(), bytes_.get() + begin_, size_);
      bytes_ = std::move(larger);
      capacity_ = static_cast<std::uint32_t>(grown);
    }
    begin_ = 0;
  }
  return {bytes_.get() + begin_ + size_, capacity_ - begin_ - size_};
}

void PartialBytes::consume(std::size_t size) noexcept {
  begin_ += static_cast<std::uint32_t>(size);
  size_ -= static_cast<std::uint32_t>(size);
  if (size_ != 0) return;
  bytes_.reset();
  begin_ = capacity_ = 0;
}

}  // namespace mortise::net
