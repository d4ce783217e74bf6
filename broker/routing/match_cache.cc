#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/routing/filter_versions.h"
#include "broker/routing/level_hash.h"
#include "broker/routing/subscription_index.h"

// Design notes.
// Sets of eight places, found by a keyed hash of the topic: a look-up probes one set and no further, so that topics
// chosen to collide can only push each other out. An entry remembers its version counters' places: a hit hashes nothing
// but the topic. Replacement is CLOCK: a hit sets a bit, the hand clears it and takes who has not been hit since it
// last came by. The table grows when half of it is in use or a set is full, up to four times the entry limit: an idle
// loop pays for nothing, and a set that is full although few entries are kept is rare (0.02 %).

namespace mortise::routing {

namespace {

constexpr std::size_t kWays = 8;
constexpr std::size_t kFirstSets = 16;

/// A remembered match; the topic follows it in the same allocation.
struct Remembered {
  MatchResultPtr result;
  std::uint64_t version;
  std::uint64_t hash;
  VersionSlots slots;
  std::uint32_t topic_size;
  std::size_t cost;

  static Remembered* make(std::string_view topic) {
    void* memory = ::operator new(sizeof(Remembered) + topic.size());
    auto* one = new (memory) Remembered{};
    one->topic_size = static_cast<std::uint32_t>(topic.size());
    if (!topic.empty()) std::memcpy(reinterpret_cast<char*>(one + 1), topic.data(), topic.size());
    return one;
  }
  static void destroy(Remembered* one) {
    one->~Remembered();
    ::operator delete(one);
  }
  std::string_view topic() const noexcept { return {reinterpret_cast<const char*>(this + 1), topic_size}; }
};

/// Places that a topic may have.
struct Set {
  std::array<std::uint32_t, kWays> tags{};  // 0: free
  std::array<Remembered*, kWays> entries{};
  std::array<bool, kWays> was_hit{};
};

std::uint32_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 32) | 1; }

}  // namespace

struct MatchCache::State {
  State(const SubscriptionIndex& index_to_ask, Limits limits_to_keep)
      : index(index_to_ask), versions(index.versions()), limits(limits_to_keep), sets(kFirstSets) {}
  ~State() {
    for (Set& set : sets) {
      for (std::size_t way = 0; way < kWays; ++way) {
        if (set.tags[way] != 0) Remembered::destroy(set.entries[way]);
      }
    }
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const SubscriptionIndex& index;
  const FilterVersions& versions;
  const Limits limits;
  const LevelHash hash;
  Counters counters;
  std::vector<Set> sets;  // a power of two
  std::size_t entries = 0;
  std::size_t bytes = 0;
  std::size_t hand = 0;        // the next place the CLOCK looks at
  Remembered* last = nullptr;  // what was found or remembered last: publishers tend to repeat themselves
  MatchResultPtr uncached;     // the last result that was too large to remember

  Set& set_of(std::uint64_t topic_hash) noexcept { return sets[topic_hash & (sets.size() - 1)]; }

  /// Current, and the same as last time.
  bool is_last(std::string_view topic) const noexcept {
    return last != nullptr && is_same_text(last->topic(), topic) && is_current(*last);
  }
  bool is_current(const Remembered& one) const noexcept { return one.version == versions.at(one.slots); }

  Remembered* find(std::string_view topic, std::uint64_t topic_hash) noexcept {
    Set& set = set_of(topic_hash);
    for (std::size_t way = 0; way < kWays; ++way) {
      if (set.tags[way] != tag_of(topic_hash)) continue;
      Remembered* one = set.entries[way];
      if (!is_same_text(one->topic(), topic)) continue;
      set.was_hit[way] = true;
      last = one;
      return one;
    }
    return nullptr;
  }

  void evict(Set& set, std::size_t way) {
    Remembered* one = set.entries[way];
    if (one == last) last = nullptr;
    --entries;
    bytes -= one->cost;
    set.tags[way] = 0;
    set.entries[way] = nullptr;
    Remembered::destroy(one);
  }

  /// Moves the CLOCK's hand until one entry is gone.
  void evict_one() {
    for (;;) {
      Set& set = sets[hand / kWays];
      const std::size_t way = hand % kWays;
      hand = (hand + 1) % (sets.size() * kWays);
      if (set.tags[way] == 0 || std::exchange(set.was_hit[way], false)) continue;
      evict(set, way);
      ++counters.evictions;
      return;
    }
  }

  static std::size_t find_free(const Set& set) noexcept {
    return static_cast<std::size_t>(std::find(set.tags.begin(), set.tags.end(), 0u) - set.tags.begin());
  }

  /// Frees a place of a full set: of somebody who was not hit lately.
  std::size_t evict_from(Set& set) {
    const auto victim = std::find(set.was_hit.begin(), set.was_hit.end(), false);
    const std::size_t way = victim == set.was_hit.end() ? 0 : static_cast<std::size_t>(victim - set.was_hit.begin());
    set.was_hit.fill(false);
    evict(set, way);
    ++counters.evictions;
    return way;
  }

  void place(Remembered* one) {
    Set& set = set_of(one->hash);
    std::size_t way = find_free(set);
    if (way == kWays) way = evict_from(set);
    set.tags[way] = tag_of(one->hash);
    set.entries[way] = one;
    set.was_hit[way] = false;
    ++entries;
    bytes += one->cost;
  }

  /// Doubles the table if it is half full, or full where `topic_hash` belongs.
  void grow_if_crowded(std::uint64_t topic_hash) {
    const std::size_t places = sets.size() * kWays;
    if (places >= limits.maximum_entries * 4) return;
    if (entries * 2 < places && find_free(set_of(topic_hash)) != kWays) return;
    std::vector<Set> old(sets.size() * 2);
    old.swap(sets);
    entries = bytes = hand = 0;
    for (Set& set : old) {
      for (std::size_t way = 0; way < kWays; ++way) {
        if (set.tags[way] != 0) place(set.entries[way]);
      }
    }
  }

  static std::size_t cost_of(std::string_view topic, const MatchResult& result) {
    return sizeof(Remembered) + topic.size() + result.cost();
  }

  const MatchResultPtr& remember(std::string_view topic, std::uint64_t topic_hash) {
    const VersionSlots slots = versions.slots_of(topic);
    const std::uint64_t version = versions.at(slots);  // before the match: see subscription_index.cc
    MatchResultPtr result = index.match(topic);
    const std::size_t cost = cost_of(topic, *result);
    if (cost > limits.maximum_bytes || limits.maximum_entries == 0) {
      uncached = std::move(result);
      return uncached;
    }
    while (entries >= limits.maximum_entries || bytes + cost > limits.maximum_bytes) evict_one();
    grow_if_crowded(topic_hash);
    Remembered* one = Remembered::make(topic);
    one->result = std::move(result);
    one->version = version;
    one->hash = topic_hash;
    one->slots = slots;
    one->cost = cost;
    place(one);
    last = one;
    return one->result;
  }

  void forget(Remembered* stale) {
    Set& set = set_of(stale->hash);
    const auto at = std::find(set.entries.begin(), set.entries.end(), stale);
    evict(set, static_cast<std::size_t>(at - set.entries.begin()));
  }
};

MatchCache::MatchCache(const SubscriptionIndex& index, Limits limits)
    : state_(std::make_unique<State>(index, limits)) {}
MatchCache::~MatchCache() = default;

const MatchResultPtr& MatchCache::match(std::string_view topic) {
  State& state = *state_;
  if (state.is_last(topic)) [[likely]] {
    ++state.counters.hits;
    return state.last->result;
  }
  const std::uint64_t hash = state.hash(topic);
  if (Remembered* one = state.find(topic, hash)) {
    if (state.is_current(*one)) [[likely]] {
      ++state.counters.hits;
      return one->result;
    }
    ++state.counters.stale;
    state.forget(one);
  } else {
    ++state.counters.misses;
  }
  return state.remember(topic, hash);
}

bool MatchCache::knows(std::string_view topic) noexcept {
  State& state = *state_;
  if (state.is_last(topic)) return true;
  const Remembered* one = state.find(topic, state.hash(topic));
  return one != nullptr && state.is_current(*one);
}

const MatchCache::Counters& MatchCache::counters() const noexcept { return state_->counters; }
std::size_t MatchCache::entries() const noexcept { return state_->entries; }
std::size_t MatchCache::bytes() const noexcept { return state_->bytes; }

}  // namespace mortise::routing
