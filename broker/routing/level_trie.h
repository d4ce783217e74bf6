#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/mqtt/topic.h"
#include "broker/routing/level_hash.h"
#include "broker/routing/level_node.h"
#include "broker/routing/reclaim.h"

namespace mortise::routing {

/// A tree by topic levels, shared by the subscription and the retained index: `+` is a child of its own kind, `#` is up
/// to the Value. One writer at a time; readers take no lock and find, of what changes meanwhile, the old or the new.
/// Nothing in it recurses. `Value` is default constructible and says is_empty().
template <class Value>
class LevelTrie {
 public:
  using Node = LevelNode<Value>;
  /// From the root to a node, both included.
  using Path = std::vector<Node*>;

  explicit LevelTrie(ReclaimDomain& reclaim) : reclaim_(reclaim), root_(Node::make({}, false)) {}
  /// Thread: no reader is left.
  ~LevelTrie() {
    Path doomed{root_};
    while (!doomed.empty()) {
      Node* node = doomed.back();
      doomed.pop_back();
      add_children(*node, doomed);
      if (auto* table = node->table()) ChildTable<Value>::destroy(table);
      Node::destroy(node);
    }
  }
  LevelTrie(const LevelTrie&) = delete;
  LevelTrie& operator=(const LevelTrie&) = delete;

  /// What nodes and tables take at most for one more path.
  static std::size_t maximum_cost(std::string_view levels) noexcept {
    const auto count = static_cast<std::size_t>(std::count(levels.begin(), levels.end(), '/')) + 1;
    return count * (Node::cost_of(0) + kAllocation) + levels.size();
  }
  /// What nodes and tables take. Thread: any.
  std::size_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

  const Node& root() const noexcept { return *root_; }
  const LevelHash& hash() const noexcept { return hash_; }
  /// What children are ordered by.
  std::uint32_t hash_of(std::string_view level) const noexcept { return static_cast<std::uint32_t>(hash_(level)); }

  /// The node of `levels`, made if it is not there. Thread: the writer's.
  Node& insert(mqtt::LevelsView levels) {
    Node* node = root_;
    std::string_view level;
    while (levels.next(level)) {
      const bool is_plus = level == "+";
      Node* next = is_plus ? node->plus_child() : node->child(level, hash_);
      if (next == nullptr) {
        next = Node::make(level, is_plus);
        grew(Node::cost_of(level.size()));
        add_child(*node, next);
      }
      node = next;
    }
    return *node;
  }
  Node& insert_root() noexcept { return *root_; }

  /// The node of `levels`; null when there is none. Thread: the writer's, or a loop's for reading.
  Node* find(mqtt::LevelsView levels) const noexcept {
    Node* node = root_;
    std::string_view level;
    while (node != nullptr && levels.next(level)) node = next_of(*node, level);
    return node;
  }
  /// The way to the node of `levels`; empty when there is none. Thread: the writer's.
  Path find_path(mqtt::LevelsView levels) const {
    Path path{root_};
    std::string_view level;
    while (levels.next(level)) {
      Node* next = next_of(*path.back(), level);
      if (next == nullptr) return {};
      path.push_back(next);
    }
    return path;
  }
  Path root_path() const { return {root_}; }

  /// Calls visit(const Node&) for the children of `parent` behind the one called `after`, `+` first, until it answers
  /// false. True when none is left. Thread: a loop's. Cost: of a child, a few places of a table.
  template <class Visit>
  bool walk_children(const Node& parent, std::optional<std::string_view> after, Visit&& visit) const {
    if (!after) {
      const Node* plus = parent.plus_child();
      if (plus != nullptr && !visit(*plus)) return false;
    }
    const bool is_behind_literal = after && *after != "+";
    ChildPlaceView place = is_behind_literal ? ChildPlaceView{hash_of(*after), *after} : ChildPlaceView{};
    const auto [table, only] = parent.children();
    if (table == nullptr) {
      const bool is_due =
          only != nullptr && !only->is_plus() && (!is_behind_literal || place.is_before(hash_of(only->text()), *only));
      return !is_due || visit(*only);
    }
    // A table is never sparse, so a next child is near.
    for (std::size_t buckets = ~std::size_t{0}; const Node* child = table->next(place, buckets);) {
      if (!visit(*child)) return false;
    }
    return true;
  }

  /// Takes out the end of `path` as far as it holds nothing any more. Thread: the writer's.
  void prune(Path path) {
    for (; path.size() > 1; path.pop_back()) {
      Node* node = path.back();
      if (node->has_children() || !node->value().is_empty()) return;
      remove_child(*path[path.size() - 2], node);
      shrank(Node::cost_of(node->text().size()));
      reclaim_.retire(node, &Node::destroy);
    }
  }

 private:
  using Table = ChildTable<Value>;

  Node* next_of(const Node& node, std::string_view level) const noexcept {
    return level == "+" ? node.plus_child() : node.child(level, hash_);
  }

  static void add_children(const Node& node, Path& to) {
    if (const Table* table = node.table()) {
      table->for_each([&](Node* child) { to.push_back(child); });
      if (Node* plus = table->plus()) to.push_back(plus);
    } else if (Node* only = node.only_child()) {
      to.push_back(only);
    }
  }

  void put(Table& table, Node* child) noexcept {
    if (child->is_plus()) {
      table.set_plus(child);
    } else {
      table.add(child, hash_of(child->text()));
    }
  }

  void add_child(Node& parent, Node* child) {
    Table* table = parent.table();
    if (table == nullptr) {
      Node* only = parent.only_child();
      if (only == nullptr) return parent.set_only_child(child);
      table = make_table(2);
      put(*table, only);
      put(*table, child);
      return parent.set_table(table);
    }
    if (!child->is_plus() && table->is_full()) table = replace(parent, *table);
    put(*table, child);
  }

  void remove_child(Node& parent, const Node* child) {
    Table* table = parent.table();
    if (table == nullptr) return parent.set_only_child(nullptr);
    if (child->is_plus()) {
      table->set_plus(nullptr);
    } else {
      table->remove(child, hash_of(child->text()));
    }
    if (table->is_empty()) {
      parent.set_only_child(nullptr);
      retire(*table);
    } else if (table->is_sparse()) {
      replace(parent, *table);
    }
  }

  /// A table of the right size in place of `table`.
  Table* replace(Node& parent, Table& table) {
    Table* fitting = make_table(table.literals() + 1);
    fitting->add_all(table);
    parent.set_table(fitting);
    retire(table);
    return fitting;
  }

  Table* make_table(std::size_t children) {
    Table* table = Table::make(children);
    grew(table->cost());
    return table;
  }
  void retire(Table& table) {
    shrank(table.cost());
    reclaim_.retire(&table, &Table::destroy);
  }

  void grew(std::size_t bytes) noexcept { bytes_.fetch_add(bytes + kAllocation, std::memory_order_relaxed); }
  void shrank(std::size_t bytes) noexcept { bytes_.fetch_sub(bytes + kAllocation, std::memory_order_relaxed); }

  static constexpr std::size_t kAllocation = 16;  // what an allocation takes besides, about

  ReclaimDomain& reclaim_;
  const LevelHash hash_;
  Node* const root_;
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace mortise::routing
