#include "broker/session/authorization_cache.h"

#include "broker/mqtt/topic.h"

namespace mortise::session {

namespace {
constexpr std::size_t kMaximumFilters = 16;
}

std::optional<bool> AuthorizationCache::find(std::string_view topic, SteadyTime now) const {
  const auto at = topics_.find(topic);
  if (at != topics_.end() && now < at->second.until) return at->second.is_allowed;
  for (const FilterVerdict& known : filters_) {
    if (now < known.verdict.until && mqtt::matches(known.filter, topic)) return known.verdict.is_allowed;
  }
  return std::nullopt;
}

void AuthorizationCache::remember(std::string_view topic, bool is_allowed, SteadyTime until) {
  const auto known = topics_.find(topic);
  if (known != topics_.end()) {
    known->second = {is_allowed, until};
  } else if (make_room(topic.size(), topics_.size() >= maximum_)) {
    topics_.emplace(topic, Verdict{is_allowed, until});
    bytes_ += topic.size();
  }
}

bool AuthorizationCache::make_room(std::size_t name_size, bool is_full) {
  if (name_size > maximum_bytes() || maximum_ == 0) return false;
  if (!is_full && bytes_ + name_size <= maximum_bytes()) return true;
  clear();
  ++times_full_;
  return true;
}

void AuthorizationCache::remember_filter(std::string_view filter, bool is_allowed, SteadyTime until) {
  for (FilterVerdict& known : filters_) {
    if (known.filter != filter) continue;
    known.verdict = {is_allowed, until};
    return;
  }
  if (!make_room(filter.size(), filters_.size() >= kMaximumFilters)) return;
  filters_.push_back({std::string(filter), {is_allowed, until}});
  bytes_ += filter.size();
}

void AuthorizationCache::clear() {
  topics_.clear();
  filters_.clear();
  bytes_ = 0;
}

}  // namespace mortise::session
