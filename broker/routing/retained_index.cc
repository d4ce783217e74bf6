#include "broker/routing/retained_index.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/check.h"
#include "broker/base/mutex.h"
#include "broker/routing/expiry_heap.h"
#include "broker/routing/filter_path.h"
#include "broker/routing/level_trie.h"

// Design notes.
// The same tree as the subscriptions', turned round: topics inside, a filter walks. The walk keeps its own stack of
// positions in child tables, one per level, so that neither depth nor the number of children costs memory. Between two
// pages it is nothing but the path of the node it passed last: a node comes before what is below it, and children come
// in the order of their keyed hash (with their text behind it), which depends on no table. So wherever the tree grew,
// shrank or was rebuilt meanwhile, what stands behind that path is what the walk has not passed. What expires sits in a
// heap that names its place in each item, so that a replaced message leaves at once instead of being kept until its
// time.

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

/// One page of a walk through the tree along a filter, without recursion. Borrowed, for the call.
class FilterWalkView {
 public:
  FilterWalkView(const Trie& trie, std::string_view filter, std::size_t nodes)
      : trie_(trie), filter_(filter), buckets_left_(nodes * kBucketsPerNode) {}

  /// Goes on where `cursor` stands, and leaves it where the next page does: calls emit(const Stored&) for each match
  /// until it answers false. True when nothing is left.
  template <class Emit>
  bool run(RetainedCursor& cursor, Emit&& emit) {
    bool goes_on = resume(cursor, emit);
    while (goes_on && !branches_.empty()) {
      Branch& branch = branches_.back();
      path_.resize(branch.path_size);
      const Node* child = next(branch);
      if (child != nullptr) {
        goes_on = enter(*child, branch.at, emit);
      } else if (branch.place.hash < ChildPlaceView::kEnd) {  // not before it has looked at much
        return leave(cursor, branch.place.hash);
      } else {
        branches_.pop_back();
      }
    }
    return goes_on || leave(cursor, 0);
  }

  std::size_t nodes_left() const noexcept { return buckets_left_ / kBucketsPerNode; }

 private:
  static constexpr std::size_t kEnd = std::string_view::npos;
  /// Looking for the next child takes about so much less than visiting it.
  static constexpr std::size_t kBucketsPerNode = 8;

  /// The children of one node still to be visited, and where in the filter they stand.
  struct Branch {
    const ChildTable<Slot>* table;
    const Node* only;
    ChildPlaceView place;
    std::size_t at;
    std::size_t path_size;
  };
  /// What the filter says of one level, and where its next one begins; kEnd behind the last.
  struct LevelView {
    std::string_view text;
    std::size_t next;
    bool is_wildcard() const noexcept { return text == "+" || text == "#"; }
  };

  LevelView level_at(std::size_t at) const noexcept {
    const std::size_t slash = filter_.find('/', at);
    if (slash != std::string_view::npos) return {filter_.substr(at, slash - at), slash + 1};
    const std::string_view text = filter_.substr(at);
    return {text, text == "#" ? at : kEnd};  // `#` is every level from here on
  }

  /// Follows the path of `cursor` as far as it is still there, and remembers what stands behind it.
  template <class Emit>
  bool resume(const RetainedCursor& cursor, Emit& emit) {
    const Node* node = &trie_.root();
    std::size_t at = 0;
    for (std::string_view left = cursor.path; !left.empty();) {
      CHECK(at != kEnd);  // or it is another filter's
      const std::string_view text = left.substr(1, left.find('/', 1) - 1);
      const LevelView level = level_at(at);
      if (level.is_wildcard()) {
        remember(*node, level.next, {trie_.hash_of(text), text});
        if (is_hidden(text)) return true;
      }
      node = node->child(text, trie_.hash());
      if (node == nullptr) return true;
      path_.append("/").append(text);
      left.remove_prefix(text.size() + 1);
      at = level.next;
    }
    return go_below(node, at, cursor.from, emit);
  }

  bool leave(RetainedCursor& cursor, std::uint64_t from) {
    cursor = {std::move(path_), from};
    return false;
  }

  /// [MQTT-4.7.2-1] A filter that begins with a wildcard does not match a topic that begins with `$`. Asked about a
  /// child that a wildcard would stand for, of the node where the walk stands.
  bool is_hidden(std::string_view text) const noexcept { return path_.empty() && text.starts_with('$'); }

  const Node* next(Branch& branch) noexcept {
    if (branch.table != nullptr) return branch.table->next(branch.place, buckets_left_);
    const ChildPlaceView place = std::exchange(branch.place, {ChildPlaceView::kEnd, std::nullopt});
    const Node* only = std::exchange(branch.only, nullptr);
    if (only == nullptr || (place.hash == 0 && !place.behind)) return only;
    return place.is_before(trie_.hash_of(only->text()), *only) ? only : nullptr;
  }

  /// A child that a wildcard stands for; `at` is behind it. False: enough.
  template <class Emit>
  bool enter(const Node& child, std::size_t at, Emit& emit) {
    const bool hidden = is_hidden(child.text());
    pass(child.text());
    if (hidden) return buckets_left_ > 0;
    return visit(child, at, emit) && go_below(&child, at, 0, emit);
  }

  /// Goes on below `node`, which was visited: follows literal levels, remembers wildcards. False: enough.
  template <class Emit>
  bool go_below(const Node* node, std::size_t at, std::uint64_t from, Emit& emit) {
    for (; at != kEnd; from = 0) {
      const LevelView level = level_at(at);
      if (level.is_wildcard()) {
        remember(*node, level.next, {from, std::nullopt});
        return true;
      }
      node = node->child(level.text, trie_.hash());
      if (node == nullptr) return true;
      pass(level.text);
      at = level.next;
      if (!visit(*node, at, emit)) return false;
    }
    return true;
  }

  /// The walk stands at one more node.
  void pass(std::string_view text) {
    path_.append("/").append(text);
    buckets_left_ -= std::min(buckets_left_, kBucketsPerNode);
  }

  /// False: enough.
  template <class Emit>
  bool visit(const Node& node, std::size_t at, Emit& emit) {
    // `#` includes the parent level.
    if (at == kEnd || filter_.substr(at) == "#") {
      const Stored* stored = node.value().stored.load(std::memory_order_acquire);
      if (stored != nullptr && !emit(*stored)) return false;
    }
    return buckets_left_ > 0;
  }

  void remember(const Node& node, std::size_t at, ChildPlaceView place) {
    const auto [table, only] = node.children();
    if (table != nullptr || only != nullptr) branches_.push_back({table, only, place, at, path_.size()});
  }

  const Trie& trie_;
  const std::string_view filter_;
  std::size_t buckets_left_;
  std::string path_;  // of the node where the walk stands
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
    // A broker that is full says so, too: its own topics are few and short.
    if (mqtt::is_sys_topic(message.topic())) return true;
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
    if (!has_room(old, *message)) {
      if (old == nullptr) return {SetOutcome::kFull, sequence.load(std::memory_order_relaxed)};
      remove(message->topic(), std::nullopt);
      return {SetOutcome::kFullAndRemoved, count_change()};
    }
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

bool RetainedIndex::match(std::string_view filter, RetainedCursor& cursor, std::size_t& nodes, WallTime now,
                          const Visit& visit) const {
  FilterWalkView walk(state_->trie, filter, nodes);
  const bool is_over = walk.run(cursor, [&](const Stored& stored) {
    return stored.message->is_expired(now) || visit(stored.message, stored.sequence);
  });
  nodes = std::min(nodes - std::min<std::size_t>(nodes, 1), walk.nodes_left());
  return is_over;
}

LevelPage RetainedIndex::levels(const LevelQueryView& query) const {
  const Trie& trie = state_->trie;
  const Node* parent = query.under ? trie.find(mqtt::LevelsView(*query.under)) : &trie.root();
  LevelPage page;
  if (parent == nullptr) return page;
  PageRoom room = query.room;
  page.is_last = trie.walk_children(*parent, query.after, [&](const Node& child) {
    if (room.is_full()) return false;
    room.take(child.text().size());
    page.levels.push_back({std::string(child.text()), child.value().is_empty() ? 0U : 1U, child.has_children()});
    return true;
  });
  return page;
}

std::size_t RetainedIndex::expire(WallTime now, std::size_t maximum, const Removed& removed) {
  std::vector<std::pair<mqtt::MessagePtr, std::uint64_t>> expired;
  {
    const MutexLock lock(state_->mutex);
    while (expired.size() < maximum) {
      const Stored* first = state_->expiring.first();
      if (first == nullptr || !first->message->is_expired(now)) break;
      const mqtt::MessagePtr message = first->message;
      const bool was_there = state_->remove(message->topic(), first->sequence);
      CHECK(was_there);
      expired.emplace_back(message, state_->count_change());
    }
  }
  for (const auto& [message, sequence] : expired) removed(message->topic(), sequence);
  state_->reclaim.reclaim();
  return expired.size();
}

}  // namespace mortise::routing
