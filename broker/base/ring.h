#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "broker/base/check.h"

namespace mortise {

/// A queue in one growing circular buffer, indexable from its front. An empty one that never held anything owns no
/// memory (std::deque allocates 576 bytes at once). At most 2^31 elements. Unsynchronised.
template <class T>
class Ring {
 public:
  Ring() = default;
  Ring(Ring&& other) noexcept
      : slots_(std::move(other.slots_)),
        capacity_(std::exchange(other.capacity_, 0)),
        head_(std::exchange(other.head_, 0)),
        size_(std::exchange(other.size_, 0)) {}
  Ring& operator=(Ring&& other) noexcept {
    Ring taken(std::move(other));
    std::swap(slots_, taken.slots_);
    std::swap(capacity_, taken.capacity_);
    std::swap(head_, taken.head_);
    std::swap(size_, taken.size_);
    return *this;
  }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t index) noexcept { return slots_[(head_ + index) & (capacity_ - 1)]; }
  const T& operator[](std::size_t index) const noexcept { return slots_[(head_ + index) & (capacity_ - 1)]; }
  T& front() noexcept { return (*this)[0]; }
  const T& front() const noexcept { return (*this)[0]; }
  T& back() noexcept { return (*this)[size_ - 1]; }

  T& push_back(T value) {
    if (size_ == capacity_) grow();
    ++size_;
    back() = std::move(value);
    return back();
  }
  void pop_front() {
    front() = T();
    head_ = (head_ + 1) & (capacity_ - 1);
    --size_;
    if (size_ == 0 && capacity_ > kKept) clear();
  }
  /// Empties it and gives back its memory.
  void clear() {
    slots_.reset();
    capacity_ = head_ = size_ = 0;
  }

 private:
  static constexpr std::size_t kKept = 64;  // an emptied ring of up to so many slots is kept for the next burst

  void grow() {
    CHECK(capacity_ <= kMaximum / 2);
    const std::uint32_t larger = capacity_ == 0 ? 4 : capacity_ * 2;
    auto slots = std::make_unique<T[]>(larger);
    for (std::uint32_t i = 0; i < size_; ++i) slots[i] = std::move((*this)[i]);
    slots_ = std::move(slots);
    capacity_ = larger;
    head_ = 0;
  }

  static constexpr std::uint32_t kMaximum = std::uint32_t{1} << 31;

  std::unique_ptr<T[]> slots_;  // capacity_ of them, a power of two
  std::uint32_t capacity_ = 0;
  std::uint32_t head_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace mortise
