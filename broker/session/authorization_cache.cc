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
  if (maximum_ == 0) return;
  if (topics_.size() >= maximum_) topics_.clear();
  topics_[std::string(topic)] = {is_allowed, until};
}

void AuthorizationCache::remember_filter(std::string_view filter, bool is_allowed, SteadyTime until) {
  if (maximum_ == 0) return;
  for (FilterVerdict& known : filters_) {
    if (known.filter != filter) continue;
    known.verdict = {is_allowed, until};
    return;
  }
  if (filters_.size() >= kMaximumFilters) filters_.clear();
  filters_.push_back({std::string(filter), {is_allowed, until}});
}

void AuthorizationCache::clear() {
  topics_.clear();
  filters_.clear();
}

}  // namespace mortise::session
