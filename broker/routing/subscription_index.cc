#include "broker/routing/subscription_index.h"

#include <atomic>
#include <utility>
#include <vector>

#include "broker/base/mutex.h"
#include "broker/routing/entry_set.h"
#include "broker/routing/filter_path.h"
#include "broker/routing/filter_versions.h"
#include "broker/routing/level_trie.h"
#include "broker/routing/retained_index.h"

// Design notes.
// A tree by levels. A node holds the subscriptions of the filter that ends there, and apart from them those of that
// filter with `/#`. Readers load atomic pointers; what writers replace is retired (reclaim.h). A match visits, besides
// the literal way, one branch per `+` child it passes: every node at most once, so its cost is bounded by the filters
// that begin like the topic and never depends on the others. A change is visible in the tree before its version counter
// moves: who reads the version first and then matches can at worst remember a fresh result as stale.

namespace mortise::routing {

namespace {

struct Subscriptions {
  EntrySet exact;
  EntrySet below;  // with `/#`
  bool is_empty() const noexcept { return exact.is_empty() && below.is_empty(); }
};

using Trie = LevelTrie<Subscriptions>;
using Node = Trie::Node;

/// Adds the entries of `set`, without those whose filter rules deny the topic.
void collect(const EntrySet& set, std::string_view topic, std::vector<MatchEntry>& found) {
  set.for_each_chunk([&](const EntryChunk& chunk) {
    for (std::uint32_t i = 0; i < chunk.size(); ++i) {
      const FilterRules* rules = chunk.rules(i);
      if (rules == nullptr || rules->allows(topic)) found.push_back(chunk.entry(i));
    }
  });
}

/// A node, and where in the topic its next level begins; kEnd behind the last.
struct Position {
  const Node* node;
  std::size_t at;
};
constexpr std::size_t kEnd = std::string_view::npos;

std::size_t behind(std::string_view topic, std::size_t at) noexcept {
  const std::size_t slash = topic.find('/', at);
  return slash == std::string_view::npos ? kEnd : slash + 1;
}

/// What is shared by all empty results.
const MatchResultPtr& nobody() {
  static const MatchResultPtr kNobody = MatchResultPtr::adopt(new MatchResult({}));
  return kNobody;
}

}  // namespace

struct SubscriptionIndex::State {
  State(ReclaimDomain& domain, Limits limits_to_keep) : reclaim(domain), limits(limits_to_keep), trie(domain) {}

  ReclaimDomain& reclaim;
  const Limits limits;
  FilterVersions versions;
  std::atomic<std::size_t> size{0};
  std::atomic<std::size_t> session_bytes{0};

  Mutex mutex;  // among writers; readers only read `trie`
  Trie trie;

  Node& insert(const FilterPathView& path) MORTISE_REQUIRES(mutex) {
    return path.is_root ? trie.insert_root() : trie.insert(mqtt::LevelsView(path.levels));
  }
  Trie::Path find_path(const FilterPathView& path) const MORTISE_REQUIRES(mutex) {
    return path.is_root ? trie.root_path() : trie.find_path(mqtt::LevelsView(path.levels));
  }

  /// Makes a change known: to caches, and to who looks at the retained messages next (the fence orders the two).
  void announce(std::string_view filter) noexcept {
    versions.changed(filter);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    reclaim.reclaim();
  }

  /// Follows the literal way from `position` to its end, and leaves the branches through `+` in `branches`.
  void follow(std::string_view topic, Position position, std::vector<Position>& branches,
              std::vector<MatchEntry>& found) const {
    // [MQTT-4.7.2-1] A filter that begins with a wildcard does not match a topic that begins with `$`.
    bool wildcards = !(position.at == 0 && topic.starts_with('$'));
    while (position.node != nullptr) {
      if (wildcards) collect(position.node->value().below, topic, found);
      if (position.at == kEnd) return collect(position.node->value().exact, topic, found);
      const std::size_t next = behind(topic, position.at);
      const std::size_t length = next == kEnd ? kEnd : next - 1 - position.at;
      if (const Node* plus = wildcards ? position.node->plus_child() : nullptr) branches.push_back({plus, next});
      position = {position.node->child(topic.substr(position.at, length), trie.hash()), next};
      wildcards = true;
    }
  }
};

SubscriptionIndex::SubscriptionIndex(ReclaimDomain& reclaim, Limits limits)
    : state_(std::make_unique<State>(reclaim, limits)) {}
SubscriptionIndex::~SubscriptionIndex() = default;

bool SubscriptionIndex::subscribe(std::string_view filter, const IndexedSubscription& subscription) {
  const FilterPathView path(filter);
  bool replaced;
  {
    const MutexLock lock(state_->mutex);
    Subscriptions& at = state_->insert(path).value();
    replaced = (path.below ? at.below : at.exact).put(subscription, state_->reclaim);
    if (!replaced) state_->size.fetch_add(1, std::memory_order_relaxed);
  }
  state_->announce(filter);
  return replaced;
}

SubscriptionIndex::WithBoundary SubscriptionIndex::subscribe(std::string_view filter, IndexedSubscription subscription,
                                                             RetainedIndex& retained) {
  WithBoundary result{};
  retained.hold_still([&](std::uint64_t sequence) {
    subscription.entry.retained_boundary = sequence;
    result = {subscribe(filter, subscription), sequence};
  });
  return result;
}

bool SubscriptionIndex::unsubscribe(std::string_view filter, mqtt::SessionId subscriber) {
  const FilterPathView path(filter);
  {
    const MutexLock lock(state_->mutex);
    Trie::Path way = state_->find_path(path);
    if (way.empty()) return false;
    Subscriptions& at = way.back()->value();
    if (!(path.below ? at.below : at.exact).remove(subscriber, state_->reclaim)) return false;
    state_->size.fetch_sub(1, std::memory_order_relaxed);
    state_->trie.prune(std::move(way));
  }
  state_->announce(filter);
  return true;
}

std::size_t SubscriptionIndex::size() const noexcept { return state_->size.load(std::memory_order_relaxed); }

std::size_t SubscriptionIndex::bytes() const noexcept {
  return state_->trie.bytes() + size() * (sizeof(EntryChunk) + sizeof(MatchEntry));
}

std::atomic<std::size_t>& SubscriptionIndex::session_bytes() noexcept { return state_->session_bytes; }

bool SubscriptionIndex::has_room(std::string_view filter, std::size_t session_bytes) const noexcept {
  const std::size_t wanted = Trie::maximum_cost(filter) + sizeof(EntryChunk) + sizeof(MatchEntry) + session_bytes;
  return bytes() + state_->session_bytes.load(std::memory_order_relaxed) + wanted <= state_->limits.maximum_bytes;
}

LevelPage SubscriptionIndex::levels(const LevelQueryView& query) const {
  const Trie& trie = state_->trie;
  const Node* parent = query.under ? trie.find(mqtt::LevelsView(*query.under)) : &trie.root();
  LevelPage page;
  if (parent == nullptr) return page;
  PageRoom room = query.room;
  const auto add = [&](std::string_view text, const EntrySet& set, bool has_more_below) {
    if (room.is_full()) return false;
    room.take(text.size());
    page.levels.push_back({std::string(text), set.count(), has_more_below});
    return true;
  };
  const EntrySet& all_below = parent->value().below;
  if (!query.after && !all_below.is_empty() && !add("#", all_below, false)) {
    page.is_last = false;
    return page;
  }
  const std::optional<std::string_view> after = query.after == "#" ? std::nullopt : query.after;
  page.is_last = trie.walk_children(*parent, after, [&](const Node& child) {
    const bool has_more_below = child.has_children() || !child.value().below.is_empty();
    return add(child.text(), child.value().exact, has_more_below);
  });
  return page;
}

MatchResultPtr SubscriptionIndex::match(std::string_view topic) const {
  std::vector<MatchEntry> found;
  std::vector<Position> branches;
  Position position{&state_->trie.root(), 0};
  for (;;) {
    state_->follow(topic, position, branches, found);
    if (branches.empty()) break;
    position = branches.back();
    branches.pop_back();
  }
  return found.empty() ? nobody() : MatchResultPtr::adopt(new MatchResult(std::move(found)));
}

std::uint64_t SubscriptionIndex::version_of(std::string_view topic) const noexcept {
  return state_->versions.at(state_->versions.slots_of(topic));
}

const FilterVersions& SubscriptionIndex::versions() const noexcept { return state_->versions; }

}  // namespace mortise::routing
