#include "broker/plugin_host/violations.h"

#include <algorithm>
#include <chrono>

#include "broker/base/check.h"
#include "broker/plugin_host/abi_lookup.h"

namespace mortise::plugin_host {

bool RateLimit::admit(std::uint64_t& held_back) {
  const SteadyTime now = steady_now();
  const MutexLock lock(mutex_);
  const auto elapsed = std::chrono::duration_cast<Millis>(now - refilled_at_).count();
  const auto earned = static_cast<std::uint64_t>(elapsed) * per_second_ / 1000;
  if (earned > 0) {
    left_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(burst_, left_ + earned));
    refilled_at_ = now;
  }
  if (left_ == 0) {
    ++held_back_;
    return false;
  }
  --left_;
  held_back = held_back_;
  held_back_ = 0;
  return true;
}

void Violations::record(std::uint32_t kind, const std::string& line, std::uint64_t count) {
  CHECK(kind < kKinds);
  counts_[kind].fetch_add(count, std::memory_order_relaxed);
  std::uint64_t held_back = 0;
  if (!log_limit_.admit(held_back)) return;
  if (held_back == 0) {
    MORTISE_LOG(kWarning, "plugin", "%s", line.c_str());
  } else {
    MORTISE_LOG(kWarning, "plugin", "%s (and %llu more violations since the last line)", line.c_str(),
                static_cast<unsigned long long>(held_back));
  }
}

std::string Violations::name_of(std::uint32_t kind) {
  switch (kind) {
    case kOverrun:
      return "overrun";
    case kLeak:
      return "leak";
    case kBadDecision:
      return "bad_decision";
    case kException:
      return "exception";
    case kBadRecord:
      return "bad_record";
    default:
      return std::string(abi::status_name(kind));
  }
}

std::map<std::string, std::uint64_t> Violations::snapshot() const {
  std::map<std::string, std::uint64_t> all;
  for (std::uint32_t kind = 0; kind < kKinds; ++kind) {
    if (const std::uint64_t counted = count(kind); counted != 0) all.emplace(name_of(kind), counted);
  }
  return all;
}

Violations& unattributed_violations() {
  static Violations* instance = new Violations;
  return *instance;
}

}  // namespace mortise::plugin_host
