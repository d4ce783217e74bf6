#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "broker/base/log.h"
#include "broker/base/mutex.h"
#include "broker/base/time.h"

namespace mortise::plugin_host {

/// Lets through a burst, then so many per second, and says how many it held back. Internally synchronised.
class RateLimit {
 public:
  RateLimit(std::uint32_t burst, std::uint32_t per_second) : burst_(burst), per_second_(per_second), left_(burst) {}
  /// True: go on; `held_back`: how many were refused since the last one that was let through.
  bool admit(std::uint64_t& held_back);

 private:
  const std::uint32_t burst_;
  const std::uint32_t per_second_;
  Mutex mutex_;
  SteadyTime refilled_at_ MORTISE_GUARDED_BY(mutex_){};
  std::uint32_t left_ MORTISE_GUARDED_BY(mutex_);
  std::uint64_t held_back_ MORTISE_GUARDED_BY(mutex_) = 0;
};

/// What a plugin does that its contract forbids: counted by name, logged at a bounded rate. Internally synchronised.
class Violations {
 public:
  enum Kind : std::uint8_t { kOverrun = 32, kLeak, kBadDecision, kException, kBadRecord, kKinds };

  /// `kind`: a MORTISE_E_ status, or one of Kind. The line names who and what.
  void record(std::uint32_t kind, const std::string& line, std::uint64_t count = 1);
  std::uint64_t count(std::uint32_t kind) const noexcept { return counts_[kind].load(std::memory_order_relaxed); }
  std::map<std::string, std::uint64_t> snapshot() const;
  static std::string name_of(std::uint32_t kind);

 private:
  std::array<std::atomic<std::uint64_t>, kKinds> counts_{};
  RateLimit log_limit_{20, 5};
};

/// Those of threads that belong to no instance the host could name.
Violations& unattributed_violations();

}  // namespace mortise::plugin_host
