#pragma once

#include <algorithm>
#include <atomic>

#include "broker/base/time.h"

namespace mortise::net {

/// How many connections a listener takes in a second: a burst of one second's worth, then evenly. Internally
/// synchronised: all loops accept from it.
class ConnectRate {
 public:
  /// `per_second` 0: no limit.
  explicit ConnectRate(std::size_t per_second)
      : interval_(per_second == 0 ? 0 : kSecond / static_cast<SteadyTime::rep>(per_second)) {}

  /// When the next one may be taken: not after `now`, and then it counts as taken; else nothing is.
  SteadyTime take(SteadyTime now) noexcept {
    if (interval_ == 0) return now;
    const SteadyTime::rep at = now.time_since_epoch().count();
    SteadyTime::rep used_up = used_up_.load(std::memory_order_relaxed);
    for (;;) {
      const SteadyTime::rep due = std::max(used_up, at - kSecond) + interval_;
      if (due > at) return SteadyTime(SteadyTime::duration(due));
      if (used_up_.compare_exchange_weak(used_up, due, std::memory_order_relaxed)) return now;
    }
  }
  /// What was taken is not used after all: nobody waited.
  void give_back() noexcept { used_up_.fetch_sub(interval_, std::memory_order_relaxed); }

 private:
  static constexpr SteadyTime::rep kSecond = SteadyTime::duration(std::chrono::seconds(1)).count();

  const SteadyTime::rep interval_;           // between two connections
  std::atomic<SteadyTime::rep> used_up_{0};  // a second before this everything was still there
};

}  // namespace mortise::net
