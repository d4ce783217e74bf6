#pragma once

#include <cstdint>
#include <vector>

#include "broker/base/time.h"

namespace mortise::core {

/// What is due when: a heap of (time, what). Whoever is woken looks whether something is really due, so a moved
/// deadline costs nothing until it fires. Entries of what has ended stay until somebody asks for them to be left out: a
/// Session Expiry Interval can be years. Unsynchronised.
class Timers {
 public:
  enum class Kind : std::uint8_t { kConnection, kSession, kRetained, kOrphans };
  struct Entry {
    SteadyTime at;
    std::uint32_t index;
    std::uint32_t generation;
    Kind kind;
  };
  void arm(Entry entry);
  /// The first entry, when it is due.
  bool pop_due(SteadyTime now, Entry& entry);
  SteadyTime next() const noexcept { return heap_.empty() ? kNever : heap_.front().at; }
  std::size_t size() const noexcept { return heap_.size(); }

  /// So many entries may be there at the least before it is worth looking for those of what has ended.
  static constexpr std::size_t kKeepAtLeast = 1024;
  /// Leaves out the entries for which `is_alive` answers false. Cost: one look at each entry.
  template <class IsAlive>
  void compact(IsAlive&& is_alive) {
    std::erase_if(heap_, [&](const Entry& entry) { return !is_alive(entry); });
    if (heap_.capacity() > 2 * heap_.size() + kKeepAtLeast) heap_.shrink_to_fit();
    restore_order();
  }

 private:
  void restore_order();

  std::vector<Entry> heap_;
};

}  // namespace mortise::core
