#pragma once

#include <utility>

namespace mortise {

/// Runs a callable when the scope ends, unless released.
template <class Callable>
class [[nodiscard]] ScopeExit {
 public:
  explicit ScopeExit(Callable callable) : callable_(std::move(callable)) {}
  ScopeExit(const ScopeExit&) = delete;
  ScopeExit& operator=(const ScopeExit&) = delete;
  ~ScopeExit() {
    if (armed_) callable_();
  }
  void release() noexcept { armed_ = false; }

 private:
  Callable callable_;
  bool armed_ = true;
};

}  // namespace mortise
