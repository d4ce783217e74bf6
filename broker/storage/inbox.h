#pragma once

#include <condition_variable>
#include <vector>

#include "broker/base/id.h"
#include "broker/base/mutex.h"
#include "broker/base/time.h"
#include "broker/storage/block.h"

namespace mortise::storage {

/// Where lanes leave their blocks and the store thread takes them all at once. One lock for every lane, held for a few
/// instructions, so that what is taken is a consistent cut: a block that was handed over before another is never taken
/// after it. Internally synchronised.
class Inbox {
 public:
  struct HandedOver {
    LoopIndex loop = 0;
    Block block;
  };
  struct Taken {
    std::vector<HandedOver> blocks;
    bool has_urgent = false;
  };
  enum class WakeOn : std::uint8_t { kAnything, kUrgent };

  /// Gives a block away and returns an empty one to go on with. Thread: any.
  Block hand_over(LoopIndex loop, Block block, bool is_urgent);
  /// Takes everything, once there is something to wake on, or `until` has come, or close() was called.
  Taken take(WakeOn wake_on, SteadyTime until);
  /// Gives an emptied block back for reuse.
  void recycle(Block block);
  /// From now on take() returns at once, and what is handed over later is dropped.
  void close();
  bool is_closed() const;

 private:
  static constexpr std::size_t kSpareMax = 64;
  static constexpr std::size_t kSpareBytesMax = std::size_t{1} << 20;

  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<HandedOver> waiting_ MORTISE_GUARDED_BY(mutex_);
  std::vector<Block> spare_ MORTISE_GUARDED_BY(mutex_);
  bool has_urgent_ MORTISE_GUARDED_BY(mutex_) = false;
  bool is_closed_ MORTISE_GUARDED_BY(mutex_) = false;
  bool is_taker_asleep_ MORTISE_GUARDED_BY(mutex_) = false;
  WakeOn taker_wakes_on_ MORTISE_GUARDED_BY(mutex_) = WakeOn::kAnything;
};

}  // namespace mortise::storage
