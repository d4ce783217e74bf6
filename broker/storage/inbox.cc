#include "broker/storage/inbox.h"

#include <utility>

namespace mortise::storage {

Block Inbox::hand_over(LoopIndex loop, Block block, bool is_urgent) {
  Block empty;
  bool must_wake = false;
  {
    const MutexLock lock(mutex_);
    if (is_closed_) {
      block.clear();
      return block;
    }
    waiting_.push_back({loop, std::move(block)});
    has_urgent_ = has_urgent_ || is_urgent;
    must_wake = is_taker_asleep_ && (taker_wakes_on_ == WakeOn::kAnything || has_urgent_);
    if (must_wake) is_taker_asleep_ = false;
    if (!spare_.empty()) {
      empty = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  if (must_wake) changed_.notify_one();
  return empty;
}

Inbox::Taken Inbox::take(WakeOn wake_on, SteadyTime until) {
  const MutexLock lock(mutex_);
  taker_wakes_on_ = wake_on;
  while (!is_closed_ && !has_urgent_ && (wake_on == WakeOn::kUrgent || waiting_.empty())) {
    is_taker_asleep_ = true;
    if (until == kNever) {
      changed_.wait(mutex_);
    } else if (changed_.wait_until(mutex_, until) == std::cv_status::timeout) {
      break;
    }
  }
  is_taker_asleep_ = false;
  return {std::exchange(waiting_, {}), std::exchange(has_urgent_, false)};
}

void Inbox::recycle(Block block) {
  if (block.records.capacity() > kSpareBytesMax) return;
  block.clear();
  const MutexLock lock(mutex_);
  if (spare_.size() < kSpareMax) spare_.push_back(std::move(block));
}

void Inbox::close() {
  {
    const MutexLock lock(mutex_);
    is_closed_ = true;
  }
  changed_.notify_all();
}

bool Inbox::is_closed() const {
  const MutexLock lock(mutex_);
  return is_closed_;
}

}  // namespace mortise::storage
