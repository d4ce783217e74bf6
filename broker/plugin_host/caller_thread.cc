#include "broker/plugin_host/caller_thread.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "broker/base/check.h"
#include "broker/base/mutex.h"
#include "broker/plugin_host/handle.h"

namespace mortise::plugin_host {

namespace {

/// Every thread that calls plugins, for the explanation of wrong handles.
struct Threads {
  Mutex mutex;
  std::vector<const CallerThread*> all MORTISE_GUARDED_BY(mutex);
};

Threads& threads() {
  static Threads* instance = new Threads;  // outlives every thread, the main one's destructors included
  return *instance;
}

std::atomic<std::uint64_t> next_range{1};  // 0 is no serial

}  // namespace

constinit thread_local CallerThread* CallerThread::current_ = nullptr;

/// Ends with its thread.
struct CallerThread::Owner {
  std::unique_ptr<CallerThread> thread;
  ~Owner() {
    if (thread == nullptr) return;
    const MutexLock lock(threads().mutex);
    std::erase(threads().all, thread.get());
    current_ = nullptr;
  }
};

CallerThread& CallerThread::make() {
  thread_local Owner owner;
  owner.thread = std::make_unique<CallerThread>();
  current_ = owner.thread.get();
  const MutexLock lock(threads().mutex);
  threads().all.push_back(current_);
  return *current_;
}

void CallerThread::take_serials() noexcept {
  const std::uint64_t first = next_range.fetch_add(kSerialsAtOnce, std::memory_order_relaxed);
  CHECK(first + kSerialsAtOnce < handle::kSerialMask);  // 2^48 calls: years at full speed
  next_.store(first, std::memory_order_relaxed);
  end_ = first + kSerialsAtOnce;
}

bool CallerThread::explain(std::uint64_t serial, bool is_this_thread, Finding& finding) const {
  const std::uint64_t next = next_.load(std::memory_order_relaxed);
  const auto unpack = [](std::uint64_t packed) {
    return CallOrigin{static_cast<std::uint32_t>(packed >> 32), static_cast<std::uint32_t>(packed)};
  };
  const Recent& recent = recent_[serial % kRecentCalls];
  const bool is_recent = recent.serial.load(std::memory_order_relaxed) == serial;
  const bool runs = std::any_of(running_.begin(), running_.end(), [&](const std::atomic<std::uint64_t>& running) {
    return running.load(std::memory_order_relaxed) == serial;
  });
  if (runs) finding.serial = is_this_thread ? Serial::kRunsHere : Serial::kRunsElsewhere;
  if (is_recent) {
    finding.origin = unpack(recent.origin.load(std::memory_order_relaxed));
    finding.age = next > serial ? next - serial - 1 : 0;
  }
  // The rest of the range this thread is giving out has not been given yet.
  const std::uint64_t range_end = (serial - 1) / kSerialsAtOnce * kSerialsAtOnce + kSerialsAtOnce + 1;
  const bool is_in_range = next != 0 && next <= range_end && next > range_end - kSerialsAtOnce;
  if (is_in_range && serial >= next) finding.serial = Serial::kNeverGiven;
  return runs || is_recent || is_in_range;
}

CallerThread::Finding CallerThread::find(std::uint64_t serial) {
  Finding finding;
  if (serial == 0 || serial >= next_range.load(std::memory_order_relaxed)) return finding;
  finding.serial = Serial::kEnded;
  const MutexLock lock(threads().mutex);
  for (const CallerThread* thread : threads().all) {
    if (thread->explain(serial, thread == current_, finding)) break;
  }
  return finding;
}

}  // namespace mortise::plugin_host
