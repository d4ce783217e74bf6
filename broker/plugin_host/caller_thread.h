#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace mortise::plugin_host {

class CallFrame;

/// Whose call a serial was, for messages: the instance's ordinal and the call point.
struct CallOrigin {
  std::uint32_t instance = 0;
  std::uint32_t point = 0;
};

/// One thread that calls plugins: the stack of calls that run on it and the serials it gives out. What other threads
/// may read of it, to explain a wrong handle, is atomic; everything is written by its own thread only.
class CallerThread {
 public:
  /// The calling thread's; made at its first call.
  static CallerThread& current() {
    CallerThread* thread = current_;
    return thread != nullptr ? *thread : make();
  }
  /// The innermost call on this thread, or null.
  static CallFrame* current_frame() noexcept {
    const CallerThread* thread = current_;
    return thread != nullptr ? thread->top_ : nullptr;
  }

  CallFrame* top() const noexcept { return top_; }

  /// Begins a call: a serial that was never given before. `frame` becomes the innermost one.
  std::uint64_t enter(CallFrame& frame, CallOrigin origin) noexcept {
    if (next_.load(std::memory_order_relaxed) == end_) [[unlikely]]
      take_serials();
    const std::uint64_t serial = next_.load(std::memory_order_relaxed);
    next_.store(serial + 1, std::memory_order_relaxed);
    Recent& recent = recent_[serial % kRecentCalls];
    recent.serial.store(serial, std::memory_order_relaxed);
    recent.origin.store(pack(origin), std::memory_order_relaxed);
    if (depth_ < kMaximumDepth) running_[depth_].store(serial, std::memory_order_relaxed);
    ++depth_;
    top_ = &frame;
    return serial;
  }
  void leave(CallFrame* outer) noexcept {
    --depth_;
    if (depth_ < kMaximumDepth) running_[depth_].store(0, std::memory_order_relaxed);
    top_ = outer;
  }

  /// What is known of a serial that is not the innermost call's. Slow; Thread: any.
  enum class Serial : std::uint8_t { kNeverGiven, kEnded, kRunsHere, kRunsElsewhere };
  struct Finding {
    Serial serial = Serial::kNeverGiven;
    std::optional<CallOrigin> origin;  // unknown for what ended long ago
    std::uint64_t age = 0;             // calls that began on its thread since
  };
  static Finding find(std::uint64_t serial);

 private:
  static constexpr std::size_t kRecentCalls = 256;
  static constexpr std::size_t kMaximumDepth = 8;
  static constexpr std::uint64_t kSerialsAtOnce = 1U << 20;  // so that threads share no counter per call

  struct Recent {
    std::atomic<std::uint64_t> serial{0};
    std::atomic<std::uint64_t> origin{0};
  };
  struct Owner;

  static std::uint64_t pack(CallOrigin origin) noexcept { return std::uint64_t{origin.instance} << 32 | origin.point; }
  static CallerThread& make();
  void take_serials() noexcept;
  bool explain(std::uint64_t serial, bool is_this_thread, Finding& finding) const;

  static constinit thread_local CallerThread* current_;

  CallFrame* top_ = nullptr;
  std::size_t depth_ = 0;
  std::atomic<std::uint64_t> next_{0};
  std::uint64_t end_ = 0;
  std::array<std::atomic<std::uint64_t>, kMaximumDepth> running_{};
  std::array<Recent, kRecentCalls> recent_{};
};

}  // namespace mortise::plugin_host
