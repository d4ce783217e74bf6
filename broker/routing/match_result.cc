#include "broker/routing/match_result.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace mortise::routing {

namespace {

auto order_of(const MatchEntry& entry) {
  // Groups have slots of their own, which may equal those of sessions.
  return std::make_tuple(entry.subscriber.loop, entry.is_group, entry.subscriber.slot.index,
                         entry.subscriber.slot.generation, entry.subscription_identifier);
}

bool comes_before(const MatchEntry& one, const MatchEntry& other) { return order_of(one) < order_of(other); }

}  // namespace

MatchResult::MatchResult(std::vector<MatchEntry> entries) : entries_(std::move(entries)) {
  if (!std::is_sorted(entries_.begin(), entries_.end(), comes_before)) {
    std::sort(entries_.begin(), entries_.end(), comes_before);
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const LoopIndex loop = entries_[i].subscriber.loop;
    if (!loops_.empty() && loops_.back() == loop) continue;
    loops_.push_back(loop);
    starts_.push_back(static_cast<std::uint32_t>(i));
  }
  starts_.push_back(static_cast<std::uint32_t>(entries_.size()));
}

std::span<const MatchEntry> MatchResult::on_loop(LoopIndex loop) const noexcept {
  const auto found = std::lower_bound(loops_.begin(), loops_.end(), loop);
  if (found == loops_.end() || *found != loop) return {};
  const auto at = static_cast<std::size_t>(found - loops_.begin());
  return std::span(entries_).subspan(starts_[at], starts_[at + 1] - starts_[at]);
}

std::size_t MatchResult::cost() const noexcept {
  return sizeof(MatchResult) + entries_.capacity() * sizeof(MatchEntry) + loops_.capacity() * sizeof(LoopIndex) +
         starts_.capacity() * sizeof(std::uint32_t);
}

}  // namespace mortise::routing
