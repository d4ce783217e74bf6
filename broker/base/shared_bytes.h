#pragma once

#include <cstddef>
#include <cstring>
#include <span>

#include "broker/base/bytes.h"
#include "broker/base/ref.h"

namespace mortise {

/// Immutable, counted bytes in one allocation. Immutable; any thread may hold one. An empty one allocates nothing.
class SharedBytes {
 public:
  SharedBytes() = default;
  static SharedBytes copy_of(ByteView bytes);
  static SharedBytes copy_of(std::string_view text) { return copy_of(as_bytes(text)); }
  /// Allocates `size` bytes and lets `fill(std::span<std::uint8_t>)` write them before they become immutable.
  template <class Fill>
  static SharedBytes make(std::size_t size, Fill&& fill) {
    SharedBytes bytes(allocate(size));
    if (bytes.block_) fill(std::span<std::uint8_t>(bytes.block_->bytes(), size));
    return bytes;
  }

  ByteView view() const noexcept { return block_ ? ByteView(block_->bytes(), block_->size) : ByteView(); }
  std::string_view text() const noexcept { return as_text(view()); }
  std::size_t size() const noexcept { return block_ ? block_->size : 0; }
  bool empty() const noexcept { return size() == 0; }

 private:
  struct Block {
    RefCount count;
    std::size_t size = 0;
    std::uint8_t* bytes() noexcept { return reinterpret_cast<std::uint8_t*>(this + 1); }
    void add_ref() const noexcept { count.add(); }
    void drop_ref() noexcept;
  };
  static Ref<Block> allocate(std::size_t size);
  explicit SharedBytes(Ref<Block> block) : block_(std::move(block)) {}

  Ref<Block> block_;
};

}  // namespace mortise
