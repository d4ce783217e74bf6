#include "broker/core/timers.h"

#include <algorithm>

namespace mortise::core {

namespace {
bool later(const Timers::Entry& one, const Timers::Entry& other) { return one.at > other.at; }
}  // namespace

void Timers::arm(Entry entry) {
  heap_.push_back(entry);
  std::push_heap(heap_.begin(), heap_.end(), later);
}

void Timers::restore_order() { std::make_heap(heap_.begin(), heap_.end(), later); }

bool Timers::pop_due(SteadyTime now, Entry& entry) {
  if (heap_.empty() || heap_.front().at > now) return false;
  std::pop_heap(heap_.begin(), heap_.end(), later);
  entry = heap_.back();
  heap_.pop_back();
  return true;
}

}  // namespace mortise::core
