#include "broker/plugin_host/owned_table.h"

#include <limits>
#include <utility>

#include "broker/plugin_host/handle.h"

namespace mortise::plugin_host {

std::uint32_t classify_owned_elsewhere(std::uint32_t index) noexcept {
  if (HandleSlots::owner_of(index) != 0) return MORTISE_E_FOREIGN;
  return HandleSlots::was_given(index) ? MORTISE_E_RELEASED : MORTISE_E_FORGED;
}

OwnedTable::OwnedTable(std::uint32_t owner, std::size_t quota, std::size_t memory_limit)
    : owner_(owner), quota_(quota), scratch_(memory_limit), indexes_(owner) {}

std::uint32_t OwnedTable::add(std::uint32_t kind, std::shared_ptr<const void> object, mortise_handle& handle) {
  const MutexLock lock(mutex_);
  if (is_closed_) return MORTISE_E_CLOSED;
  if (size_ >= quota_) return MORTISE_E_QUOTA;
  std::uint32_t local;
  if (free_.empty()) {
    const auto added = indexes_.add();
    if (!added) return MORTISE_E_QUOTA;
    local = added->local;
    slots_.push_back({added->generation_floor, added->generation_floor, 0, nullptr, nullptr});
  } else {
    local = free_.front();
    free_.pop_front();
  }
  Slot& slot = slots_[local];
  ++slot.generation;
  indexes_.note_generation(slot.generation);
  slot.kind = kind;
  slot.object = std::move(object);
  slot.arena = scratch_.make_arena();
  ++size_;
  handle = handle::owned(kind, indexes_.index_of(local), slot.generation);
  return MORTISE_OK;
}

std::uint32_t OwnedTable::find(mortise_handle handle, Slot*& slot) {
  const std::uint32_t index = handle::index_of(handle);
  if (HandleSlots::owner_of(index) != owner_) return classify_owned_elsewhere(index);
  const auto local = indexes_.find(index);
  if (!local) return MORTISE_E_FORGED;
  Slot& found = slots_[*local];
  const std::uint32_t generation = handle::generation_of(handle);
  if (generation > found.generation || generation == 0) return MORTISE_E_FORGED;
  if (generation <= found.floor || generation < found.generation || found.object == nullptr) return MORTISE_E_RELEASED;
  if (handle::kind_of(handle) != found.kind) return MORTISE_E_FORGED;
  slot = &found;
  return MORTISE_OK;
}

std::uint32_t OwnedTable::release(mortise_handle handle, std::size_t& overruns) {
  std::shared_ptr<const void> dying;  // its destructor runs without the lock
  const MutexLock lock(mutex_);
  Slot* slot = nullptr;
  if (const std::uint32_t status = find(handle, slot); status != MORTISE_OK) return status;
  dying = std::move(slot->object);
  slot->object = nullptr;
  overruns = scratch_.give_back(*slot->arena);
  slot->arena.reset();
  --size_;
  // A slot whose generations are used up is not given out again.
  if (slot->generation != std::numeric_limits<std::uint32_t>::max()) {
    free_.push_back(static_cast<std::uint32_t>(*indexes_.find(handle::index_of(handle))));
  }
  return MORTISE_OK;
}

std::uint32_t OwnedTable::read(mortise_handle handle, const Read& read) {
  const MutexLock lock(mutex_);
  Slot* slot = nullptr;
  if (const std::uint32_t status = find(handle, slot); status != MORTISE_OK) return status;
  return read(slot->object.get(), *slot->arena);
}

std::uint32_t OwnedTable::get(mortise_handle handle, std::shared_ptr<const void>& object) {
  const MutexLock lock(mutex_);
  Slot* slot = nullptr;
  if (const std::uint32_t status = find(handle, slot); status != MORTISE_OK) return status;
  object = slot->object;
  return MORTISE_OK;
}

std::map<std::uint32_t, std::size_t> OwnedTable::close() {
  std::map<std::uint32_t, std::size_t> left;
  std::vector<std::shared_ptr<const void>> dying;
  const MutexLock lock(mutex_);
  is_closed_ = true;
  for (Slot& slot : slots_) {
    if (slot.object == nullptr) continue;
    ++left[slot.kind];
    scratch_.give_back(*slot.arena);
    slot.arena.reset();
    dying.push_back(std::move(slot.object));
  }
  size_ = 0;
  return left;
}

std::size_t OwnedTable::size() const {
  const MutexLock lock(mutex_);
  return size_;
}

}  // namespace mortise::plugin_host
