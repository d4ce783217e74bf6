#pragma once

#include <mortise/abi.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "broker/base/mutex.h"
#include "broker/plugin_host/handle_slots.h"
#include "broker/plugin_host/scratch.h"

namespace mortise::plugin_host {

/// The handles an instance made by `retain` (R4): each holds counted immutable data and what was shown of it.
/// Internally synchronised.
class OwnedTable {
 public:
  /// `quota`: handles at once; `memory_limit`: bytes shown through them.
  OwnedTable(std::uint32_t owner, std::size_t quota, std::size_t memory_limit);

  /// Errors: E_QUOTA, E_CLOSED (after close()).
  std::uint32_t add(std::uint32_t kind, std::shared_ptr<const void> object, mortise_handle& handle);
  /// Errors: E_FORGED, E_FOREIGN, E_RELEASED. `overruns`: fields the plugin wrote behind.
  std::uint32_t release(mortise_handle handle, std::size_t& overruns);
  /// Runs `read(object, arena)` on what the handle holds; its status is returned. Errors: as release.
  using Read = std::function<std::uint32_t(const void* object, ScratchArena& arena)>;
  std::uint32_t read(mortise_handle handle, const Read& read);
  /// What the handle holds, counted. Errors: as release.
  std::uint32_t get(mortise_handle handle, std::shared_ptr<const void>& object);

  /// Releases everything; returns how many handles of each kind were left.
  std::map<std::uint32_t, std::size_t> close();
  std::size_t size() const;

 private:
  struct Slot {
    std::uint32_t generation;  // of the object here, or of the last one
    std::uint32_t floor;
    std::uint32_t kind = 0;
    std::shared_ptr<const void> object;
    std::unique_ptr<ScratchArena> arena;
  };

  std::uint32_t find(mortise_handle handle, Slot*& slot) MORTISE_REQUIRES(mutex_);

  const std::uint32_t owner_;
  const std::size_t quota_;
  mutable Mutex mutex_;
  ScratchLane scratch_ MORTISE_GUARDED_BY(mutex_);
  HandleSlots indexes_ MORTISE_GUARDED_BY(mutex_);
  std::deque<Slot> slots_ MORTISE_GUARDED_BY(mutex_);
  std::deque<std::uint32_t> free_
      MORTISE_GUARDED_BY(mutex_);  // first in, first out: a released handle is recognised for longest
  std::size_t size_ MORTISE_GUARDED_BY(mutex_) = 0;
  bool is_closed_ MORTISE_GUARDED_BY(mutex_) = false;
};

/// What an owned index of another instance, or of none, is: E_FOREIGN, E_RELEASED or E_FORGED. Thread: any.
std::uint32_t classify_owned_elsewhere(std::uint32_t index) noexcept;

}  // namespace mortise::plugin_host
