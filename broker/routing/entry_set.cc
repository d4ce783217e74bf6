#include "broker/routing/entry_set.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <new>
#include <utility>

namespace mortise::routing {

namespace {

static_assert(sizeof(EntryChunk) % alignof(MatchEntry) == 0);
static_assert(sizeof(MatchEntry) % alignof(FilterRulesPtr) == 0);
static_assert(std::is_trivially_destructible_v<MatchEntry>);

std::size_t hash_of(mqtt::SessionId subscriber) {
  // The broker hands these numbers out, so nobody chooses collisions.
  const std::uint64_t number = (std::uint64_t{subscriber.loop} << 32) ^ subscriber.slot.index;
  return static_cast<std::size_t>((number * 0x9E3779B97F4A7C15u) >> 32);
}

auto find(std::vector<IndexedSubscription>& subscriptions, mqtt::SessionId subscriber) {
  return std::find_if(subscriptions.begin(), subscriptions.end(),
                      [&](const IndexedSubscription& one) { return one.entry.subscriber == subscriber; });
}

std::vector<IndexedSubscription> contents(const EntryChunk* chunk, std::size_t spare) {
  std::vector<IndexedSubscription> subscriptions;
  if (chunk == nullptr) return subscriptions;
  subscriptions.reserve(chunk->size() + spare);
  chunk->append_to(subscriptions);
  return subscriptions;
}

/// True when it replaced one, whose boundary stays: what was retained up to there comes by its replay, or came.
bool put_into(std::vector<IndexedSubscription>& subscriptions, const IndexedSubscription& subscription) {
  const auto old = find(subscriptions, subscription.entry.subscriber);
  if (old != subscriptions.end()) {
    const std::uint64_t boundary = std::max(old->entry.retained_boundary, subscription.entry.retained_boundary);
    *old = subscription;
    old->entry.retained_boundary = boundary;
    return true;
  }
  subscriptions.push_back(subscription);
  return false;
}

void retire(const EntryChunk* chunk, ReclaimDomain& reclaim) {
  if (chunk != nullptr) reclaim.retire(const_cast<EntryChunk*>(chunk), &EntryChunk::destroy);
}

}  // namespace

// ---- EntryChunk --------------------------------------------------------------------------------------------------

MatchEntry* EntryChunk::entries() const noexcept {
  return reinterpret_cast<MatchEntry*>(const_cast<EntryChunk*>(this) + 1);
}

FilterRulesPtr* EntryChunk::all_rules() const noexcept { return reinterpret_cast<FilterRulesPtr*>(entries() + size_); }

const EntryChunk* EntryChunk::make(std::span<const IndexedSubscription> subscriptions) {
  if (subscriptions.empty()) return nullptr;
  const bool has_rules =
      std::any_of(subscriptions.begin(), subscriptions.end(), [](const auto& one) { return one.rules; });
  const std::size_t each = sizeof(MatchEntry) + (has_rules ? sizeof(FilterRulesPtr) : 0);
  void* memory = ::operator new(sizeof(EntryChunk) + subscriptions.size() * each);
  auto* chunk = new (memory) EntryChunk(static_cast<std::uint32_t>(subscriptions.size()), has_rules);
  for (std::size_t i = 0; i < subscriptions.size(); ++i) {
    new (chunk->entries() + i) MatchEntry(subscriptions[i].entry);
    if (has_rules) new (chunk->all_rules() + i) FilterRulesPtr(subscriptions[i].rules);
  }
  return chunk;
}

void EntryChunk::destroy(void* chunk) {
  auto* self = static_cast<EntryChunk*>(chunk);
  if (self->has_rules_) std::destroy_n(self->all_rules(), self->size_);
  self->~EntryChunk();
  ::operator delete(chunk);
}

void EntryChunk::append_to(std::vector<IndexedSubscription>& subscriptions) const {
  for (std::uint32_t i = 0; i < size_; ++i) {
    subscriptions.push_back({entries()[i], has_rules_ ? all_rules()[i] : FilterRulesPtr()});
  }
}

// ---- EntrySet ----------------------------------------------------------------------------------------------------

EntrySet::Bucket& EntrySet::Table::bucket_of(mqtt::SessionId subscriber) noexcept {
  return buckets_[hash_of(subscriber) & (buckets_.size() - 1)];
}

EntrySet::~EntrySet() {
  for_each_chunk([](const EntryChunk& chunk) { EntryChunk::destroy(const_cast<EntryChunk*>(&chunk)); });
  delete table();
}

EntrySet::Table* EntrySet::table() const noexcept {
  const std::uintptr_t state = state_.load(std::memory_order_relaxed);
  return (state & kIsTable) != 0 ? reinterpret_cast<Table*>(state & ~kIsTable) : nullptr;
}

const EntryChunk* EntrySet::chunk() const noexcept {
  const std::uintptr_t state = state_.load(std::memory_order_relaxed);
  return (state & kIsTable) != 0 ? nullptr : reinterpret_cast<const EntryChunk*>(state);
}

void EntrySet::set_state(const EntryChunk* chunk) noexcept {
  state_.store(reinterpret_cast<std::uintptr_t>(chunk), std::memory_order_release);
}

std::vector<IndexedSubscription> EntrySet::all() const {
  std::vector<IndexedSubscription> subscriptions;
  for_each_chunk([&](const EntryChunk& chunk) { chunk.append_to(subscriptions); });
  return subscriptions;
}

bool EntrySet::put(const IndexedSubscription& subscription, ReclaimDomain& reclaim) {
  if (Table* spread = table()) return put_in_bucket(*spread, subscription, reclaim);
  const EntryChunk* old = chunk();
  std::vector<IndexedSubscription> subscriptions = contents(old, 1);
  const bool replaced = put_into(subscriptions, subscription);
  if (subscriptions.size() > kChunkLimit) {
    rebuild(std::move(subscriptions), reclaim);
    return replaced;
  }
  set_state(EntryChunk::make(subscriptions));
  retire(old, reclaim);
  return replaced;
}

bool EntrySet::put_in_bucket(Table& table, const IndexedSubscription& subscription, ReclaimDomain& reclaim) {
  Bucket& bucket = table.bucket_of(subscription.entry.subscriber);
  const EntryChunk* old = bucket.load(std::memory_order_relaxed);
  std::vector<IndexedSubscription> subscriptions = contents(old, 1);
  const bool replaced = put_into(subscriptions, subscription);
  bucket.store(EntryChunk::make(subscriptions), std::memory_order_release);
  retire(old, reclaim);
  if (!replaced) ++table.size;
  if (table.size > table.buckets().size() * kBucketTarget * 2) rebuild(all(), reclaim);
  return replaced;
}

bool EntrySet::remove(mqtt::SessionId subscriber, ReclaimDomain& reclaim) {
  if (Table* spread = table()) return remove_from_bucket(*spread, subscriber, reclaim);
  const EntryChunk* old = chunk();
  std::vector<IndexedSubscription> subscriptions = contents(old, 0);
  const auto found = find(subscriptions, subscriber);
  if (found == subscriptions.end()) return false;
  subscriptions.erase(found);
  set_state(EntryChunk::make(subscriptions));
  retire(old, reclaim);
  return true;
}

bool EntrySet::remove_from_bucket(Table& table, mqtt::SessionId subscriber, ReclaimDomain& reclaim) {
  Bucket& bucket = table.bucket_of(subscriber);
  const EntryChunk* old = bucket.load(std::memory_order_relaxed);
  std::vector<IndexedSubscription> subscriptions = contents(old, 0);
  const auto found = find(subscriptions, subscriber);
  if (found == subscriptions.end()) return false;
  subscriptions.erase(found);
  bucket.store(EntryChunk::make(subscriptions), std::memory_order_release);
  retire(old, reclaim);
  --table.size;
  const bool is_sparse = table.size * 4 < table.buckets().size() * kBucketTarget;
  if (is_sparse || table.size <= kChunkLimit / 2) rebuild(all(), reclaim);
  return true;
}

void EntrySet::rebuild(std::vector<IndexedSubscription> all, ReclaimDomain& reclaim) {
  Table* const old_table = table();
  const EntryChunk* const old_chunk = chunk();
  if (all.size() <= kChunkLimit) {
    set_state(EntryChunk::make(all));
  } else {
    auto spread = std::make_unique<Table>(std::bit_ceil(all.size() / kBucketTarget + 1));
    spread->size = all.size();
    // Sorted by bucket, each bucket's subscriptions stand together.
    const auto bucket_of = [&](const IndexedSubscription& one) { return &spread->bucket_of(one.entry.subscriber); };
    std::sort(all.begin(), all.end(),
              [&](const auto& one, const auto& other) { return bucket_of(one) < bucket_of(other); });
    for (auto from = all.begin(); from != all.end();) {
      const auto to =
          std::find_if(from, all.end(), [&](const auto& one) { return bucket_of(one) != bucket_of(*from); });
      bucket_of(*from)->store(EntryChunk::make({from, to}), std::memory_order_relaxed);
      from = to;
    }
    state_.store(reinterpret_cast<std::uintptr_t>(spread.release()) | kIsTable, std::memory_order_release);
  }
  retire(old_chunk, reclaim);
  if (old_table == nullptr) return;
  for (const Bucket& bucket : old_table->buckets()) retire(bucket.load(std::memory_order_relaxed), reclaim);
  reclaim.retire(old_table, [](void* table) { delete static_cast<Table*>(table); });
}

}  // namespace mortise::routing
