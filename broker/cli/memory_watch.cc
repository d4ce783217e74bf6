#include "broker/cli/memory_watch.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

#include "broker/base/log.h"

namespace mortise::cli {

namespace {

using core::MemoryStage;

/// Percent of the budget at which each stage behind kEnough begins.
constexpr std::array<std::uint64_t, 3> kBeginsAt = {80, 90, 100};
constexpr std::uint64_t kEndsLowerBy = 5;
/// What is freed stays with the process until it is given back, which takes the heap's locks.
constexpr Millis kTrimEvery{5000};

constexpr std::array<const char*, 4> kWhatHappens = {
    "everything is as usual again", "new connections are refused",
    "new connections are refused, and who publishes or subscribes waits",
    "new connections are refused, who publishes or subscribes waits, and who does not read is cut off"};

constexpr std::size_t number_of(MemoryStage stage) noexcept { return static_cast<std::size_t>(stage); }

}  // namespace

MemoryWatch::MemoryWatch(std::uint64_t budget, Measure measure)
    : measure_(std::move(measure)), next_look_(budget == 0 ? kNever : SteadyTime::min()) {
  report_.budget = budget;
}

MemoryStage MemoryWatch::stage_for(std::uint64_t used) const noexcept {
  const std::uint64_t percent = used / std::max<std::uint64_t>(report_.budget / 100, 1);
  std::size_t stage = 0;
  for (std::size_t i = 0; i < kBeginsAt.size(); ++i) {
    const bool is_there = number_of(report_.stage) > i;
    if (percent >= kBeginsAt[i] - (is_there ? kEndsLowerBy : 0)) stage = i + 1;
  }
  return static_cast<MemoryStage>(stage);
}

void MemoryWatch::enter(MemoryStage stage) {
  for (std::size_t i = number_of(report_.stage); i < number_of(stage); ++i) ++report_.entered[i];
  report_.stage = stage;
  const auto used = static_cast<unsigned long long>(report_.used >> 20);
  const auto budget = static_cast<unsigned long long>(report_.budget >> 20);
  const char* const what = kWhatHappens[number_of(stage)];
  if (stage == MemoryStage::kEnough) {
    MORTISE_LOG(kInfo, "cli", "memory: %llu of %llu MiB (node.memory_budget) are used: %s", used, budget, what);
  } else {
    MORTISE_LOG(kWarning, "cli", "memory: %llu of %llu MiB (node.memory_budget) are used: %s", used, budget, what);
  }
}

bool MemoryWatch::look(SteadyTime now) {
  if (now < next_look_) return false;
  next_look_ = now + kEvery;
  report_.used = measure_();
  report_.maximum = std::max(report_.maximum, report_.used);
  const MemoryStage before = report_.stage;
  if (const MemoryStage stage = stage_for(report_.used); stage != before) enter(stage);
  if (report_.stage != MemoryStage::kEnough && now >= next_trim_) {
    next_trim_ = now + kTrimEvery;
    ::malloc_trim(0);
  }
  return report_.stage != before || report_.stage == MemoryStage::kShedding;
}

}  // namespace mortise::cli
