#include "broker/routing/retained_index.h"

#include <atomic>
#include <optional>
#include <utility>
#include <vector>

#include "broker/base/check.h"
#include "broker/base/mutex.h"
#include "broker/routing/expiry_heap.h"
#include "broker/routing/filter_path.h"
#include "broker/routing/level_trie.h"

// Design notes.
// The same tree as the subscriptions', turned round: topics inside, a filter walks. The walk keeps its own stack of
// positions in child tables, one per level, so that neither depth nor the number of children costs memory. What expires
// sits in a heap that names its place in each item, so that a replaced message leaves at once instead of being kept
// until its time.

namespace mortise::routing {

namespace {

/// One stored message. Immutable for readers; `heap_place` is the writer's.
struct Stored {
  mqtt::MessagePtr message;
  std::uint64_t sequence;
  std::size_t heap_place = ExpiryHeap<Stored>::kNoPlace;

  WallTime expires_at() const noexcept { return message->expires_at(); }
  static void destroy(void* stored) { delete static_cast<Stored*>(stored); }
};

struct Slot {
  std::atomic<Stored*> stored{nullptr};
  ~Slot() { delete stored.load(std::memory_order_relaxed); }
  bool is_empty() const noexcept { return stored.load(std::memory_order_relaxed) == nullptr; }
};

using Trie = LevelTrie<Slot>;
using Node = Trie::Node;

/// Walks the tree along a filter, without recursion. Borrowed, for the call.
class FilterWalkView {
 public:
  FilterWalkView(const Trie& trie, std::string_view filter) : trie_(trie), filter_(filter) {}

  /// Calls emit(const Stored&) for each match until it answers false.
  template <class Emit>
  void run(Emit&& emit) {
    // [MQTT-4.7.2-1] A filter that begins with a wildcard does not match a topic that begins with `$`.
    if (!enter(trie_.root(), 0, emit)) return;
    while (!branches_.empty()) {
      Branch& branch = branches_.back();
      const Node* child = branch.next();
      if (child == nullptr) {
        branches_.pop_back();
        continue;
      }
      if (branch.is_first_level && child->text().starts_with('$')) continue;
      if (!enter(*child, branch.at, emit)) return;
    }
  }

 private:
  static constexpr std::size_t kEnd = std::string_view::npos;

  /// The children of one node still to be visited, and where in the filter they stand.
  struct Branch {
    const ChildTable<Slot>* table;
    const Node* only;
    std::uint32_t place;
    std::size_t at;
    bool is_first_level;

    const Node* next() noexcept { return table != nullptr ? table->next(place) : std::exchange(only, nullptr); }
  };

  /// Visits `node`, whose children are what stands at `at` in the filter; follows literal levels, remembers wildcards.
  template <class Emit>
  bool enter(const Node& start, std::size_t at, Emit& emit) {
    const Node* node = &start;
    while (at != kEnd) {
      const std::size_t slash = filter_.find('/', at);
      const std::size_t next = slash == std::string_view::npos ? kEnd : slash + 1;
      const std::string_view level = filter_.substr(at, next == kEnd ? kEnd : slash - at);
      if (level == "#") {
        remember(*node, at);
        break;  // `#` includes the parent level
      }
      if (level == "+") {
        remember(*node, next);
        return true;
      }
      node = node->child(level, trie_.hash());
      if (node == nullptr) return true;
      at = next;
    }
    const Stored* stored = node->value().stored.load(std::memory_order_acquire);
    return stored == nullptr || emit(*stored);
  }

  void remember(const Node& node, std::size_t at) {
    const bool is_first_level = &node == &trie_.root();
    const ChildTable<Slot>* table = node.table();
    const Node* only = table != nullptr ? nullptr : node.only_child();
    if (table != nullptr || only != nullptr) branches_.push_back({table, only, 0, at, is_first_level});
  }

  const Trie& trie_;
  const std::string_view filter_;
  std::vector<Branch> branches_;
};

}  // namespace

struct RetainedIndex::State {
  State(ReclaimDomain& domain, Limits limits_to_keep) : reclaim(domain), limits(limits_to_keep), trie(domain) {}

  ReclaimDomain& reclaim;
  const Limits limits;
  std::atomic<std::uint64_t> sequence{0};
  std::atomic<std::size_t> messages{0};
  std::atomic<std::size_t> message_bytes{0};

  Mutex mutex;  // among writers; readers only read `trie`
  Trie trie;
  ExpiryHeap<Stored> expiring MORTISE_GUARDED_BY(mutex);

  std::size_t bytes() const noexcept { return message_bytes.load(std::memory_order_relaxed) + trie.bytes(); }

  /// After the change is visible: who knows its number finds it.
  std::uint64_t count_change() MORTISE_REQUIRES(mutex) {
    const std::uint64_t now = sequence.load(std::memory_order_relaxed) + 1;
    sequence.store(now, std::memory_order_release);
    return now;
  }

  bool has_room(const Stored* old, const mqtt::Message& message) const MORTISE_REQUIRES(mutex) {
    const std::size_t freed = old != nullptr ? old->message->cost() : 0;
    const std::size_t tree = old != nullptr ? 0 : Trie::maximum_cost(message.topic());
    const std::size_t added = old != nullptr ? 0 : 1;
    return messages.load(std::memory_order_relaxed) + added <= limits.maximum_messages &&
           bytes() - freed + message.cost() + tree <= limits.maximum_bytes;
  }

  /// Lets go of what a slot held.
  void retire(Stored* old) MORTISE_REQUIRES(mutex) {
    expiring.remove(*old);
    messages.fetch_sub(1, std::memory_order_relaxed);
    message_bytes.fetch_sub(old->message->cost(), std::memory_order_relaxed);
    reclaim.retire(old, &Stored::destroy);
  }

  SetResult store(const mqtt::MessagePtr& message) MORTISE_REQUIRES(mutex) {
    const Node* found = trie.find(mqtt::LevelsView(message->topic()));
    Stored* old = found != nullptr ? found->value().stored.load(std::memory_order_relaxed) : nullptr;
    if (!has_room(old, *message)) return {SetOutcome::kFull, sequence.load(std::memory_order_relaxed)};
    auto* stored = new Stored{message, sequence.load(std::memory_order_relaxed) + 1};
    trie.insert(mqtt::LevelsView(message->topic())).value().stored.store(stored, std::memory_order_release);
    if (message->has_expiry()) expiring.add(*stored);
    messages.fetch_add(1, std::memory_order_relaxed);
    message_bytes.fetch_add(message->cost(), std::memory_order_relaxed);
    if (old != nullptr) retire(old);
    return {old != nullptr ? SetOutcome::kReplaced : SetOutcome::kAdded, count_change()};
  }

  /// Takes out what is stored under `topic`; with `only`, if that is its number.
  bool remove(std::string_view topic, std::optional<std::uint64_t> only) MORTISE_REQUIRES(mutex) {
    Trie::Path path = trie.find_path(mqtt::LevelsView(topic));
    if (path.empty()) return false;
    Slot& slot = path.back()->value();
    Stored* old = slot.stored.load(std::memory_order_relaxed);
    if (old == nullptr || (only && old->sequence != *only)) return false;
    slot.stored.store(nullptr, std::memory_order_release);
    trie.prune(std::move(path));
    retire(old);
    return true;
  }
};

RetainedIndex::RetainedIndex(ReclaimDomain& reclaim, Limits limits)
    : state_(std::make_unique<State>(reclaim, limits)) {}
RetainedIndex::~RetainedIndex() = default;

RetainedIndex::SetResult RetainedIndex::set(const mqtt::MessagePtr& message) {
  SetResult result{};
  {
    const MutexLock lock(state_->mutex);
    if (message->payload().empty()) {
      const bool removed = state_->remove(message->topic(), std::nullopt);
      result = {removed ? SetOutcome::kRemoved : SetOutcome::kNothingToRemove, state_->count_change()};
    } else {
      result = state_->store(message);
    }
  }
  // The publisher goes on to match: a subscriber that does not see this message must then be seen (see subscribe).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  state_->reclaim.reclaim();
  return result;
}

bool RetainedIndex::remove_if(std::string_view topic, std::uint64_t sequence) {
  bool removed;
  {
    const MutexLock lock(state_->mutex);
    removed = state_->remove(topic, sequence);
    if (removed) state_->count_change();
  }
  state_->reclaim.reclaim();
  return removed;
}

void RetainedIndex::hold_still(const std::function<void(std::uint64_t)>& step) {
  const MutexLock lock(state_->mutex);
  step(state_->sequence.load(std::memory_order_relaxed));
}

std::uint64_t RetainedIndex::sequence() const noexcept { return state_->sequence.load(std::memory_order_acquire); }
std::size_t RetainedIndex::messages() const noexcept { return state_->messages.load(std::memory_order_relaxed); }
std::size_t RetainedIndex::bytes() const noexcept { return state_->bytes(); }

void RetainedIndex::match(std::string_view filter, WallTime now, const Visit& visit) const {
  FilterWalkView walk(state_->trie, filter);
  walk.run(
      [&](const Stored& stored) { return stored.message->is_expired(now) || visit(stored.message, stored.sequence); });
}

std::size_t RetainedIndex::expire(WallTime now, std::size_t maximum,
                                  const std::function<void(std::string_view)>& removed) {
  std::vector<mqtt::MessagePtr> expired;
  {
    const MutexLock lock(state_->mutex);
    while (expired.size() < maximum) {
      const Stored* first = state_->expiring.first();
      if (first == nullptr || !first->message->is_expired(now)) break;
      expired.push_back(first->message);
      const bool was_there = state_->remove(expired.back()->topic(), first->sequence);
      CHECK(was_there);
      state_->count_change();
    }
  }
  for (const mqtt::MessagePtr& message : expired) removed(message->topic());
  state_->reclaim.reclaim();
  return expired.size();
}

}  // namespace mortise::routing
