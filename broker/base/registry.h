#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "broker/base/check.h"
#include "broker/base/id.h"

namespace mortise {

/// Owns objects by id. A late id finds nothing: a slot's generation changes each time it is emptied. Objects do not
/// move while they live. Unsynchronised (loop-owned). Cost: find is an index and a compare.
template <class T, class Tag = T>
class Registry {
 public:
  using IdType = Id<Tag>;

  /// Constructs T(id, args...).
  template <class... Args>
  T& emplace(Args&&... args) {
    std::uint32_t index;
    if (free_.empty()) {
      index = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    Slot& slot = slots_[index];
    const IdType id{index, slot.generation};
    slot.object = std::make_unique<T>(id, std::forward<Args>(args)...);
    ++size_;
    return *slot.object;
  }

  T* find(IdType id) noexcept {
    if (id.index >= slots_.size()) return nullptr;
    Slot& slot = slots_[id.index];
    return slot.generation == id.generation ? slot.object.get() : nullptr;
  }
  const T* find(IdType id) const noexcept { return const_cast<Registry*>(this)->find(id); }

  /// What is in a slot now, or null: for those who end their entry with the object's.
  T* in_slot(std::uint32_t index) noexcept { return index < slots_.size() ? slots_[index].object.get() : nullptr; }

  /// All slots have a smaller index.
  std::uint32_t slots() const noexcept { return static_cast<std::uint32_t>(slots_.size()); }

  /// Ends the object; false when the id is late.
  bool erase(IdType id) {
    if (find(id) == nullptr) return false;
    Slot& slot = slots_[id.index];
    // The generation moves on before the destructor runs, so that nothing finds an object half gone.
    if (++slot.generation == 0) slot.generation = 1;
    const std::unique_ptr<T> dying = std::move(slot.object);
    free_.push_back(id.index);
    --size_;
    return true;
  }

  std::size_t size() const noexcept { return size_; }

  /// Calls visit(T&) for each object; visit may erase the object it is given, and must not emplace.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (Slot& slot : slots_) {
      if (slot.object) visit(*slot.object);
    }
  }

 private:
  struct Slot {
    std::unique_ptr<T> object;
    std::uint32_t generation = 1;
  };
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t size_ = 0;
};

}  // namespace mortise
