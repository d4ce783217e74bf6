#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "broker/base/bytes.h"

namespace mortise::net {

/// What a socket read and the shard did not consume: mostly the beginning of a packet. Owns memory only while there is
/// something. Unsynchronised.
class PartialBytes {
 public:
  PartialBytes() = default;
  PartialBytes(PartialBytes&& other) noexcept { *this = std::move(other); }
  PartialBytes& operator=(PartialBytes&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    begin_ = std::exchange(other.begin_, 0);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  ByteView view() const noexcept { return {bytes_.get() + begin_, size_}; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  /// Replaces everything; frees the memory when `bytes` is empty. `bytes` is not of this object.
  void assign(ByteView bytes);
  /// Room for at least `wanted` bytes behind what is there, moving or growing as needed; in steps of doubling, never to
  /// more than `maximum` bytes in all. Empty when there is no room left.
  std::span<std::uint8_t> room(std::size_t wanted, std::size_t maximum);
  /// `size` bytes of the room were filled.
  void extend(std::size_t size) noexcept { size_ += static_cast<std::uint32_t>(size); }
  /// The first `size` bytes are done with; frees the memory when nothing is left.
  void consume(std::size_t size) noexcept;

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::uint32_t begin_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace mortise::net
