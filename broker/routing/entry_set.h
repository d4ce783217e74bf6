#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "broker/routing/reclaim.h"
#include "broker/routing/subscription_index.h"

namespace mortise::routing {

/// A few subscriptions in one allocation: the entries, then (if any of them has some) their filter rules. Immutable.
class EntryChunk {
 public:
  static const EntryChunk* make(std::span<const IndexedSubscription> subscriptions);
  /// For ReclaimDomain::retire.
  static void destroy(void* chunk);

  std::uint32_t size() const noexcept { return size_; }
  const MatchEntry& entry(std::uint32_t at) const noexcept { return entries()[at]; }
  /// Null: everything is allowed.
  const FilterRules* rules(std::uint32_t at) const noexcept { return has_rules_ ? all_rules()[at].get() : nullptr; }
  void append_to(std::vector<IndexedSubscription>& subscriptions) const;

 private:
  EntryChunk(std::uint32_t size, bool has_rules) : size_(size), has_rules_(has_rules) {}
  ~EntryChunk() = default;
  MatchEntry* entries() const noexcept;
  FilterRulesPtr* all_rules() const noexcept;

  const std::uint32_t size_;
  const bool has_rules_;
};

/// The subscriptions of one Topic Filter, by subscriber. Few are one chunk; many are spread over chunks by a hash, each
/// of them copied on write, so that the hundred-thousandth subscriber costs what the tenth does. One writer at a time;
/// readers take no lock and see of each subscription the old or the new.
class EntrySet {
 public:
  EntrySet() = default;
  /// Thread: no reader is left.
  ~EntrySet();
  EntrySet(const EntrySet&) = delete;
  EntrySet& operator=(const EntrySet&) = delete;

  bool is_empty() const noexcept { return state_.load(std::memory_order_acquire) == 0; }
  /// True when it replaced one. Thread: the writer's.
  bool put(const IndexedSubscription& subscription, ReclaimDomain& reclaim);
  /// False when there was none. Thread: the writer's.
  bool remove(mqtt::SessionId subscriber, ReclaimDomain& reclaim);

  /// How many there are. Thread: a loop's. Cost: of its chunks.
  std::size_t count() const noexcept {
    std::size_t entries = 0;
    for_each_chunk([&](const EntryChunk& chunk) { entries += chunk.size(); });
    return entries;
  }
  /// Calls visit(const EntryChunk&) for each chunk. Thread: a loop's.
  template <class Visit>
  void for_each_chunk(Visit&& visit) const {
    const std::uintptr_t state = state_.load(std::memory_order_acquire);
    if (state == 0) return;
    if ((state & kIsTable) == 0) return visit(*reinterpret_cast<const EntryChunk*>(state));
    const auto* table = reinterpret_cast<const Table*>(state & ~kIsTable);
    for (const Bucket& bucket : table->buckets()) {
      if (const EntryChunk* chunk = bucket.load(std::memory_order_acquire)) visit(*chunk);
    }
  }

 private:
  using Bucket = std::atomic<const EntryChunk*>;
  class Table {
   public:
    explicit Table(std::size_t buckets) : buckets_(buckets) {}
    std::span<const Bucket> buckets() const noexcept { return buckets_; }
    Bucket& bucket_of(mqtt::SessionId subscriber) noexcept;
    std::size_t size = 0;  // writer only

   private:
    std::vector<Bucket> buckets_;  // a power of two
  };
  static constexpr std::uintptr_t kIsTable = 1;
  static constexpr std::size_t kChunkLimit = 16;   // more are spread over a table
  static constexpr std::size_t kBucketTarget = 8;  // subscriptions of a bucket after a rebuild

  Table* table() const noexcept;
  const EntryChunk* chunk() const noexcept;
  bool put_in_bucket(Table& table, const IndexedSubscription& subscription, ReclaimDomain& reclaim);
  bool remove_from_bucket(Table& table, mqtt::SessionId subscriber, ReclaimDomain& reclaim);
  void rebuild(std::vector<IndexedSubscription> all, ReclaimDomain& reclaim);
  std::vector<IndexedSubscription> all() const;
  void set_state(const EntryChunk* chunk) noexcept;

  std::atomic<std::uintptr_t> state_{0};
};

}  // namespace mortise::routing
