#include "broker/base/shared_bytes.h"

#include <cstdlib>
#include <new>

#include "broker/base/check.h"

namespace mortise {

void SharedBytes::Block::drop_ref() noexcept {
  if (!count.drop()) return;
  this->~Block();
  std::free(this);  // NOLINT: allocated with malloc below, header and bytes together
}

Ref<SharedBytes::Block> SharedBytes::allocate(std::size_t size) {
  if (size == 0) return {};
  void* memory = std::malloc(sizeof(Block) + size);
  CHECK(memory != nullptr);
  Block* block = ::new (memory) Block();
  block->size = size;
  return Ref<Block>::adopt(block);
}

SharedBytes SharedBytes::copy_of(ByteView bytes) {
  return make(bytes.size(), [&](std::span<std::uint8_t> out) { std::memcpy(out.data(), bytes.data(), bytes.size()); });
}

}  // namespace mortise
