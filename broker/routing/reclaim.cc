#include "broker/routing/reclaim.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <limits>
#include <vector>

#include "broker/base/check.h"
#include "broker/base/mutex.h"

// Design notes.
// A global epoch moves on with every retired object. A loop that passes an iteration writes the epoch it sees into its
// own slot: whatever was retired before that epoch, this loop can no longer reach. An object may therefore be freed
// when every awake loop's slot is at least the epoch of its retirement. A sleeping loop's slot is the largest number.
// Waking up races with a writer that reads the slot: the loop stores its slot and then loads pointers, the writer has
// unlinked a pointer and then loads slots. A full fence on both sides makes sure that at least one sees the other.

namespace mortise::routing {

namespace {

constexpr std::uint64_t kAsleep = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t kFreedPerIteration = 512;  // so that a loop's iteration stays short after a burst

struct Retired {
  void* object;
  void (*destroy)(void*);
  std::uint64_t epoch;
};

struct alignas(64) LoopSlot {
  // 0: has not reported yet, so it may hold anything.
  std::atomic<std::uint64_t> seen{0};
};

}  // namespace

struct ReclaimDomain::State {
  explicit State(std::size_t loops) : slots(loops) {}

  // Constant after construction (the slots themselves are written by their loops).
  std::vector<LoopSlot> slots;

  std::atomic<std::uint64_t> epoch{1};
  std::atomic<std::size_t> waiting{0};

  Mutex mutex;
  std::deque<Retired> retired MORTISE_GUARDED_BY(mutex);

  void report(LoopIndex loop) noexcept {
    CHECK(loop < slots.size());
    slots[loop].seen.store(epoch.load(std::memory_order_acquire), std::memory_order_seq_cst);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }

  std::uint64_t oldest_seen() const noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    std::uint64_t oldest = kAsleep;
    for (const LoopSlot& slot : slots) oldest = std::min(oldest, slot.seen.load(std::memory_order_seq_cst));
    return oldest;
  }

  /// Takes out what may be freed; the caller destroys it without the mutex.
  std::vector<Retired> take(std::size_t maximum) MORTISE_REQUIRES(mutex) {
    std::vector<Retired> free;
    const std::uint64_t oldest = oldest_seen();
    while (!retired.empty() && retired.front().epoch <= oldest && free.size() < maximum) {
      free.push_back(retired.front());
      retired.pop_front();
    }
    waiting.store(retired.size(), std::memory_order_relaxed);
    return free;
  }
};

namespace {

void destroy_all(const std::vector<Retired>& free) {
  for (const Retired& one : free) one.destroy(one.object);
}

}  // namespace

ReclaimDomain::ReclaimDomain(std::size_t loops) : state_(std::make_unique<State>(loops)) {}

ReclaimDomain::~ReclaimDomain() {
  std::deque<Retired> rest;
  {
    const MutexLock lock(state_->mutex);
    rest.swap(state_->retired);
  }
  for (const Retired& one : rest) one.destroy(one.object);
}

void ReclaimDomain::passed_iteration(LoopIndex loop) noexcept {
  state_->report(loop);
  if (state_->waiting.load(std::memory_order_relaxed) == 0) return;
  if (!state_->mutex.try_lock()) return;
  const std::vector<Retired> free = state_->take(kFreedPerIteration);
  state_->mutex.unlock();
  destroy_all(free);
}

void ReclaimDomain::went_to_sleep(LoopIndex loop) noexcept {
  CHECK(loop < state_->slots.size());
  state_->slots[loop].seen.store(kAsleep, std::memory_order_release);
}

void ReclaimDomain::woke_up(LoopIndex loop) noexcept { state_->report(loop); }

void ReclaimDomain::retire(void* object, void (*destroy)(void*)) {
  const MutexLock lock(state_->mutex);
  const std::uint64_t epoch = state_->epoch.fetch_add(1, std::memory_order_seq_cst) + 1;
  state_->retired.push_back({object, destroy, epoch});
  state_->waiting.store(state_->retired.size(), std::memory_order_relaxed);
}

std::size_t ReclaimDomain::reclaim() {
  std::vector<Retired> free;
  {
    const MutexLock lock(state_->mutex);
    free = state_->take(std::numeric_limits<std::size_t>::max());
  }
  destroy_all(free);
  return waiting();
}

std::size_t ReclaimDomain::waiting() const noexcept { return state_->waiting.load(std::memory_order_relaxed); }

}  // namespace mortise::routing
