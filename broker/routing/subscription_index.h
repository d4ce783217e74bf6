#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "broker/mqtt/types.h"
#include "broker/routing/filter_rules.h"
#include "broker/routing/match_result.h"
#include "broker/routing/reclaim.h"
#include "broker/routing/topic_level.h"

namespace mortise::routing {

class FilterVersions;
class RetainedIndex;

/// What the index holds of one subscription, besides its filter.
struct IndexedSubscription {
  MatchEntry entry;
  FilterRulesPtr rules;
};

/// Who subscribed to what: one for the whole broker, read by all loops without locks, written by one at a time (a mutex
/// among writers only). Retired nodes go to the ReclaimDomain. Internally synchronised.
class SubscriptionIndex {
 public:
  struct Limits {
    std::size_t maximum_bytes = std::size_t{1} << 30;
  };
  explicit SubscriptionIndex(ReclaimDomain& reclaim) : SubscriptionIndex(reclaim, Limits()) {}
  SubscriptionIndex(ReclaimDomain& reclaim, Limits limits);
  ~SubscriptionIndex();
  SubscriptionIndex(const SubscriptionIndex&) = delete;
  SubscriptionIndex& operator=(const SubscriptionIndex&) = delete;

  /// Adds a subscription, or replaces the one that this subscriber has with the same filter (MQTT-3.8.4-3). `filter` is
  /// valid, routed and without `$share`. True when it replaced. Thread: any. Cost: proportional to the filter's levels;
  /// others' matches go on meanwhile.
  bool subscribe(std::string_view filter, const IndexedSubscription& subscription);
  /// The same, with the entry's retained_boundary set so that nothing is lost or doubled: a retained message up to the
  /// boundary can be replayed from now on, and a later one's match finds this subscription.
  struct WithBoundary {
    bool replaced;
    std::uint64_t retained_boundary;
  };
  WithBoundary subscribe(std::string_view filter, IndexedSubscription subscription, RetainedIndex& retained);
  /// False when there was none. Thread: any.
  bool unsubscribe(std::string_view filter, mqtt::SessionId subscriber);
  std::size_t size() const noexcept;
  /// Of the tree and the entries, about.
  std::size_t bytes() const noexcept;
  /// What sessions keep of their subscriptions, for `has_room`: charged by them. Thread: any.
  std::atomic<std::size_t>& session_bytes() noexcept;
  /// Whether one more subscription with this filter, of which its session keeps so many bytes, is within the limit;
  /// several threads that ask at once may pass it by one subscription each. Thread: any.
  bool has_room(std::string_view filter, std::size_t session_bytes) const noexcept;

  /// Collects all matches. Thread: a loop of the ReclaimDomain, between woke_up and its next passed_iteration.
  MatchResultPtr match(std::string_view topic) const;

  /// One page of the levels that filters have at one place; `#` comes first, then `+`. Thread: a loop of the
  /// ReclaimDomain. Cost: of its levels, and of the subscriptions that end there.
  LevelPage levels(const LevelQueryView& query) const;

  /// Changes when some subscription was added or removed that could change match(topic): depends on the topic's first
  /// levels only, so that subscribing elsewhere leaves a cached result valid. Thread: any. Cost: a few loads.
  std::uint64_t version_of(std::string_view topic) const noexcept;
  /// The counters behind version_of, for who asks for the same topic often.
  const FilterVersions& versions() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Remembers match results by topic, for one loop. Bounded in entries and in bytes; the least recently used goes.
/// Unsynchronised (loop-owned).
class MatchCache {
 public:
  struct Limits {
    std::size_t maximum_entries = 16384;
    std::size_t maximum_bytes = 32u << 20;
  };
  struct Counters {
    std::uint64_t hits = 0, misses = 0, stale = 0, evictions = 0;
  };
  MatchCache(const SubscriptionIndex& index, Limits limits);
  ~MatchCache();

  /// Never null. Cost of a hit: one hash of the topic, one look-up, a few loads; of the topic asked for last: a compare
  /// of the topic and a few loads. The reference is valid until the next call.
  const MatchResultPtr& match(std::string_view topic);
  /// Whether a match of this topic is remembered and current: then match() was called with it, and it needs no checks.
  bool knows(std::string_view topic) noexcept;
  const Counters& counters() const noexcept;
  std::size_t entries() const noexcept;
  std::size_t bytes() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mortise::routing
