#pragma once

#include <cstdint>
#include <vector>

#include "broker/base/time.h"

namespace mortise::core {

/// What is due when: a heap of (time, what). Entries are never removed; whoever is woken looks whether something is
/// really due, so a moved deadline costs nothing until it fires. Unsynchronised.
class Timers {
 public:
  enum class Kind : std::uint8_t { kConnection, kSession, kRetained };
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

 private:
  std::vector<Entry> heap_;
};

}  // namespace mortise::core
