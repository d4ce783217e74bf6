#include "broker/session/authorization_cache.h"

#include "broker/mqtt/topic.h"

namespace mortise::session {

namespace {
constexpr std::size_t kMaximumFilters = 16;
}

const AuthorizationCache::Verdict* AuthorizationCache::look_up(std::string_view topic, SteadyTime now) const {
  const auto at = contents_->topics.find(topic);
  if (at != contents_->topics.end() && now < at->second.until) return &at->second;
  for (const FilterVerdict& known : contents_->filters) {
    if (now < known.verdict.until && mqtt::matches(known.filter, topic)) return &known.verdict;
  }
  return nullptr;
}

std::optional<bool> AuthorizationCache::find(std::string_view topic, SteadyTime now) {
  if (!contents_) return std::nullopt;
  if (is_same_text(contents_->last_topic, topic) && now < contents_->last.until) return contents_->last.is_allowed;
  const Verdict* found = look_up(topic, now);
  if (found == nullptr) return std::nullopt;
  contents_->last_topic = topic;
  contents_->last = *found;
  return found->is_allowed;
}

AuthorizationCache::Contents* AuthorizationCache::make_room(std::size_t name_size, bool is_full) {
  if (name_size > maximum_bytes() || maximum_ == 0) return nullptr;
  if (is_full || bytes() + name_size > maximum_bytes()) {
    clear();
    ++times_full_;
  }
  if (!contents_) contents_ = std::make_unique<Contents>();
  contents_->last_topic.clear();  // another answer may be the right one from now on
  return contents_.get();
}

void AuthorizationCache::remember(std::string_view topic, bool is_allowed, SteadyTime until) {
  if (contents_) {
    if (const auto known = contents_->topics.find(topic); known != contents_->topics.end()) {
      known->second = {is_allowed, until};
      contents_->last_topic.clear();
      return;
    }
  }
  const bool is_full = contents_ && contents_->topics.size() >= maximum_;
  Contents* contents = make_room(topic.size(), is_full);
  if (contents == nullptr) return;
  contents->topics.emplace(topic, Verdict{is_allowed, until});
  contents->bytes += topic.size();
}

void AuthorizationCache::remember_filter(std::string_view filter, bool is_allowed, SteadyTime until) {
  if (contents_) {
    for (FilterVerdict& known : contents_->filters) {
      if (known.filter != filter) continue;
      known.verdict = {is_allowed, until};
      contents_->last_topic.clear();
      return;
    }
  }
  const bool is_full = contents_ && contents_->filters.size() >= kMaximumFilters;
  Contents* contents = make_room(filter.size(), is_full);
  if (contents == nullptr) return;
  contents->filters.push_back({std::string(filter), {is_allowed, until}});
  contents->bytes += filter.size();
}

}  // namespace mortise::session
