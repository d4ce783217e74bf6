#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mortise::observe {

/// Counts events from all threads: each thread adds to a slot of its own cache line, so that loops do not slow each
/// other down. Internally synchronised. Cost: add is one uncontended atomic addition; value sums the slots.
class Counter {
 public:
  void add(std::uint64_t count = 1) noexcept {
    slots_[slot_of_thread()].value.fetch_add(count, std::memory_order_relaxed);
  }
  /// Never decreases; what other threads add at this moment may be missing.
  std::uint64_t value() const noexcept {
    std::uint64_t sum = 0;
    for (const Slot& slot : slots_) sum += slot.value.load(std::memory_order_relaxed);
    return sum;
  }

 private:
  static constexpr std::size_t kSlots = 8;  // more threads share them: right, only slower
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> value{0};
  };
  static std::size_t slot_of_thread() noexcept {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t slot = threads.fetch_add(1, std::memory_order_relaxed) % kSlots;
    return slot;
  }

  std::array<Slot, kSlots> slots_;
};

/// A number that goes up and down (connections, bytes queued). Internally synchronised.
class Gauge {
 public:
  void add(std::int64_t difference) noexcept { value_.fetch_add(difference, std::memory_order_relaxed); }
  void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

}  // namespace mortise::observe
