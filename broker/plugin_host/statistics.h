#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/hooks/decisions.h"
#include "broker/observe/histogram.h"
#include "broker/plugin_host/call_points.h"

namespace mortise::plugin_host {

/// A number that one thread counts and others read. Cost: a load and a store, no atomic addition.
class LaneCounter {
 public:
  void add(std::uint64_t count = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

inline constexpr std::size_t kVerdictCount = 7;  // by MORTISE_VERDICT_..., 0 unused
inline constexpr std::array<const char*, kVerdictCount> kVerdictNames = {"",        "allow", "deny",    "next",
                                                                         "pending", "bound", "continue"};
inline constexpr std::size_t kFailureKinds = 8;

/// What one lane of an instance counted at one call point. Written by the lane's thread.
struct CallCounters {
  LaneCounter calls;
  LaneCounter bytes_shown;
  std::array<LaneCounter, kVerdictCount> verdicts;
  std::array<LaneCounter, kFailureKinds> failures;
};

/// The same summed, for one hook or lifecycle function.
struct CallStatistics {
  std::string name;  // "auth.authenticate"
  std::uint64_t calls = 0;
  std::uint64_t bytes_shown = 0;
  std::array<std::uint64_t, kVerdictCount> verdicts{};
  std::array<std::uint64_t, kFailureKinds> failures{};
  observe::HistogramSnapshot latency;  // of one call in 64
};

/// What an instance may run out of; it is told E_QUOTA, or its chain that the queue is full.
enum class Quota : std::uint8_t { kTokens, kQuestions, kHandles, kShownBytes, kIntents, kTimers, kCounters, kLogLines };
inline constexpr std::array<const char*, 8> kQuotaNames = {"tokens",  "questions", "handles",  "shown_bytes",
                                                           "intents", "timers",    "counters", "log_lines"};

/// Everything counted of one instance, at one moment.
struct InstanceStatistics {
  std::string instance;
  std::vector<CallStatistics> calls;                // of the hooks it has and the lifecycle
  std::map<std::string, std::uint64_t> violations;  // by name: "E_EXPIRED", "overrun", ...
  std::map<std::string, std::uint64_t> counters;    // core.counter_add
  std::map<std::string, std::uint64_t> refusals;    // by what it ran out of: "tokens", "handles", ...
  std::uint64_t tokens = 0;                         // pending now
  std::uint64_t owned_handles = 0;                  // now
  std::uint64_t events_queued = 0;                  // now
  std::uint64_t events_dropped = 0;
  std::uint64_t intents_dropped = 0;  // the broker's queue was full, or hop 4
  std::uint64_t bad_records = 0;      // skipped from load and fetch
};

}  // namespace mortise::plugin_host
