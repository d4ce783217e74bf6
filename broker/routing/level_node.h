#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

#include "broker/base/check.h"
#include "broker/routing/child_place.h"

namespace mortise::routing {

template <class Value>
class ChildTable;

/// One level of a topic tree; its text follows it in the same allocation. The text is immutable, children and value are
/// atomics: written by one writer at a time, read by anybody.
template <class Value>
class LevelNode {
 public:
  using Table = ChildTable<Value>;

  static LevelNode* make(std::string_view text, bool is_plus) {
    CHECK(text.size() <= kMaximumText);
    void* memory = ::operator new(cost_of(text.size()));
    auto* node = new (memory) LevelNode(static_cast<std::uint16_t>(text.size()), is_plus);
    if (!text.empty()) std::memcpy(node->text_begin(), text.data(), text.size());
    return node;
  }
  static std::size_t cost_of(std::size_t text_size) noexcept {
    return std::max(sizeof(LevelNode), offsetof(LevelNode, text_) + text_size);
  }
  /// For ReclaimDomain::retire. Children are not destroyed with it.
  static void destroy(void* node) {
    static_cast<LevelNode*>(node)->~LevelNode();
    ::operator delete(node);
  }

  std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(this) + offsetof(LevelNode, text_), size_};
  }
  bool is_plus() const noexcept { return is_plus_; }

  /// What hangs below: nothing, one child, or a table of them.
  bool has_children() const noexcept { return children_.load(std::memory_order_acquire) != 0; }
  LevelNode* only_child() const noexcept {
    const std::uintptr_t children = children_.load(std::memory_order_acquire);
    return (children & kIsTable) != 0 ? nullptr : reinterpret_cast<LevelNode*>(children);
  }
  Table* table() const noexcept {
    const std::uintptr_t children = children_.load(std::memory_order_acquire);
    return (children & kIsTable) == 0 ? nullptr : reinterpret_cast<Table*>(children & ~kIsTable);
  }
  /// The same for readers: the table may take the place of the only child between two looks.
  struct Children {
    const Table* table;
    const LevelNode* only;
  };
  Children children() const noexcept {
    const std::uintptr_t children = children_.load(std::memory_order_acquire);
    if ((children & kIsTable) != 0) return {reinterpret_cast<const Table*>(children & ~kIsTable), nullptr};
    return {nullptr, reinterpret_cast<const LevelNode*>(children)};
  }
  void set_only_child(LevelNode* child) noexcept {
    children_.store(reinterpret_cast<std::uintptr_t>(child), std::memory_order_release);
  }
  void set_table(Table* table) noexcept {
    children_.store(reinterpret_cast<std::uintptr_t>(table) | kIsTable, std::memory_order_release);
  }

  /// The child for `level`, a literal; null when there is none.
  template <class Hash>
  LevelNode* child(std::string_view level, const Hash& hash) const noexcept {
    const std::uintptr_t children = children_.load(std::memory_order_acquire);
    if (children == 0) return nullptr;
    if ((children & kIsTable) != 0) {
      return reinterpret_cast<const Table*>(children & ~kIsTable)->find(level, static_cast<std::uint32_t>(hash(level)));
    }
    auto* only = reinterpret_cast<LevelNode*>(children);
    return !only->is_plus_ && only->text() == level ? only : nullptr;
  }
  /// The child for the wildcard `+`; null when there is none.
  LevelNode* plus_child() const noexcept {
    const std::uintptr_t children = children_.load(std::memory_order_acquire);
    if ((children & kIsTable) != 0) return reinterpret_cast<const Table*>(children & ~kIsTable)->plus();
    auto* only = reinterpret_cast<LevelNode*>(children);
    return only != nullptr && only->is_plus_ ? only : nullptr;
  }

  Value& value() noexcept { return value_; }
  const Value& value() const noexcept { return value_; }

 private:
  static constexpr std::uintptr_t kIsTable = 1;
  static constexpr std::size_t kMaximumText = 65535;

  LevelNode(std::uint16_t size, bool is_plus) : size_(size), is_plus_(is_plus) {}
  ~LevelNode() = default;
  char* text_begin() noexcept { return reinterpret_cast<char*>(this) + offsetof(LevelNode, text_); }

  std::atomic<std::uintptr_t> children_{0};
  Value value_;
  const std::uint16_t size_;
  const bool is_plus_;
  char text_[1];  // its first byte; kept inside the padding so that short levels cost nothing
};

/// The children of a level that has several: open addressing, append-only for readers (an entry never moves; a full or
/// sparse table is replaced by its owner). The first bits of the hash are the place where a child is looked for, so
/// that a walk in the order of hashes goes through memory once. One writer at a time, any number of readers.
template <class Value>
class ChildTable {
 public:
  using Node = LevelNode<Value>;

  static ChildTable* make(std::size_t children) {
    const std::size_t capacity = std::bit_ceil(std::max<std::size_t>(children * 2, kSmallest));
    void* memory = ::operator new(cost_of(capacity));
    return new (memory) ChildTable(static_cast<std::uint32_t>(capacity));
  }
  /// For ReclaimDomain::retire. The children live on.
  static void destroy(void* table) { ::operator delete(table); }

  Node* plus() const noexcept { return plus_.load(std::memory_order_acquire); }
  Node* find(std::string_view level, std::uint32_t hash) const noexcept {
    for (std::uint32_t probe = 0, at = bucket_of(hash); probe <= mask_; ++probe, at = (at + 1) & mask_) {
      const std::uintptr_t slot = slots()[at].load(std::memory_order_acquire);
      if (slot == kEmpty) return nullptr;
      if ((slot & kTagMask) != tag_of(hash)) continue;
      Node* node = node_of(slot);
      if (node != nullptr && node->text() == level) return node;
    }
    return nullptr;
  }
  /// The literal child that comes next behind `place`, which moves there; null at the end (ChildPlaceView::kEnd), or
  /// when so many `buckets` were looked into, of which it takes what it used. It looks into one at the least.
  Node* next(ChildPlaceView& place, std::size_t& buckets) const noexcept {
    while (place.hash < ChildPlaceView::kEnd) {
      const std::uint32_t bucket = bucket_of(static_cast<std::uint32_t>(place.hash));
      if (Node* found = first_behind(place, bucket)) return found;
      place = {(std::uint64_t{bucket} + 1) << shift_, std::nullopt};
      if (buckets == 0 || --buckets == 0) return nullptr;
    }
    return nullptr;
  }
  /// Calls visit(Node*) for each literal child, in no order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::uint32_t at = 0; at <= mask_; ++at) {
      if (Node* node = node_of(slots()[at].load(std::memory_order_acquire))) visit(node);
    }
  }

  // Thread: the writer's, from here on.
  bool is_empty() const noexcept { return literals_ == 0 && plus() == nullptr; }
  bool is_full() const noexcept { return (used_ + 1) * 4 > capacity() * 3; }
  bool is_sparse() const noexcept { return capacity() > 2 * kSmallest && literals_ * 8 < capacity(); }
  std::size_t literals() const noexcept { return literals_; }
  std::size_t cost() const noexcept { return cost_of(capacity()); }
  void set_plus(Node* node) noexcept { plus_.store(node, std::memory_order_release); }
  void add(Node* node, std::uint32_t hash) noexcept {
    std::uint32_t at = bucket_of(hash);
    while (slots()[at].load(std::memory_order_relaxed) != kEmpty) at = (at + 1) & mask_;
    hashes()[at] = hash;
    slots()[at].store(reinterpret_cast<std::uintptr_t>(node) | tag_of(hash), std::memory_order_release);
    ++used_;
    ++literals_;
  }
  void remove(const Node* node, std::uint32_t hash) noexcept {
    std::uint32_t at = bucket_of(hash);
    while (node_of(slots()[at].load(std::memory_order_relaxed)) != node) at = (at + 1) & mask_;
    slots()[at].store(kRemoved, std::memory_order_release);
    --literals_;
  }
  /// Adds everything of `other`.
  void add_all(const ChildTable& other) noexcept {
    set_plus(other.plus());
    for (std::uint32_t at = 0; at <= other.mask_; ++at) {
      if (Node* node = node_of(other.slots()[at].load(std::memory_order_relaxed))) add(node, other.hashes()[at]);
    }
  }

 private:
  // A slot is a node's address with four bits of the hash in the bits that alignment leaves zero: a probe that is not
  // the one hardly ever touches the node.
  using Slot = std::atomic<std::uintptr_t>;
  static constexpr std::uintptr_t kEmpty = 0;
  static constexpr std::uintptr_t kRemoved = 1;
  static constexpr std::uintptr_t kTagMask = 15;
  static constexpr std::size_t kSmallest = 4;
  static constexpr std::uint32_t kAhead = 8;
  static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ > kTagMask);

  explicit ChildTable(std::uint32_t capacity)
      : mask_(capacity - 1), shift_(static_cast<std::uint32_t>(std::countl_zero(capacity)) + 1) {
    std::uninitialized_value_construct_n(slots(), capacity);
  }
  static std::size_t cost_of(std::size_t capacity) noexcept {
    return sizeof(ChildTable) + capacity * (sizeof(Slot) + sizeof(std::uint32_t));
  }
  static std::uintptr_t tag_of(std::uint32_t hash) noexcept { return hash & kTagMask; }
  static Node* node_of(std::uintptr_t slot) noexcept { return reinterpret_cast<Node*>(slot & ~kTagMask); }
  std::uint32_t bucket_of(std::uint32_t hash) const noexcept { return hash >> shift_; }
  /// The first child of a bucket behind `place`, which moves there; null when there is none. The bucket's children
  /// stand, among those of others, from its own slot up to the next empty one.
  Node* first_behind(ChildPlaceView& place, std::uint32_t bucket) const noexcept {
    Node* first = nullptr;
    std::uint32_t first_hash = 0;
    for (std::uint32_t probe = 0, at = bucket; probe <= mask_; ++probe, at = (at + 1) & mask_) {
      const std::uintptr_t slot = slots()[at].load(std::memory_order_acquire);
      if (slot == kEmpty) break;
      Node* node = node_of(slot);
      const std::uint32_t hash = hashes()[at];  // written before the slot was, and never again
      if (node == nullptr || bucket_of(hash) != bucket || !place.is_before(hash, *node)) continue;
      if (first != nullptr && (hash > first_hash || (hash == first_hash && node->text() > first->text()))) continue;
      first = node;
      first_hash = hash;
    }
    if (first != nullptr) place = {first_hash, first->text()};
    // The walk comes there soon, and waits for memory more than for anything else.
    __builtin_prefetch(node_of(slots()[(bucket + kAhead) & mask_].load(std::memory_order_acquire)));
    return first;
  }
  std::uint32_t capacity() const noexcept { return mask_ + 1; }
  Slot* slots() const noexcept {
    return reinterpret_cast<Slot*>(const_cast<char*>(reinterpret_cast<const char*>(this)) + sizeof(ChildTable));
  }
  std::uint32_t* hashes() const noexcept { return reinterpret_cast<std::uint32_t*>(slots() + capacity()); }

  std::atomic<Node*> plus_{nullptr};
  const std::uint32_t mask_;
  const std::uint32_t shift_;   // leaves the bits of a hash that say where
  std::uint32_t used_ = 0;      // slots that are not empty
  std::uint32_t literals_ = 0;  // children but for `+`
};

}  // namespace mortise::routing
