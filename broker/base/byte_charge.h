#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace mortise {

/// So many bytes of a total that somebody limits, for as long as this lives: what is counted in is counted out, however
/// it ends. Movable. The total outlives it and may be shared by threads.
class ByteCharge {
 public:
  ByteCharge() = default;
  ByteCharge(std::atomic<std::size_t>& total, std::size_t bytes) noexcept : total_(&total), bytes_(bytes) {
    total_->fetch_add(bytes_, std::memory_order_relaxed);
  }
  ByteCharge(ByteCharge&& other) noexcept
      : total_(std::exchange(other.total_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  ByteCharge& operator=(ByteCharge&& other) noexcept {
    std::swap(total_, other.total_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~ByteCharge() {
    if (total_ != nullptr) total_->fetch_sub(bytes_, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::size_t>* total_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace mortise
