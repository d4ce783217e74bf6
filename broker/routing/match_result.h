#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "broker/base/ref.h"
#include "broker/mqtt/types.h"

namespace mortise::routing {

/// One subscription that a Topic Name matched. Several of one session stand next to each other. The ids of sessions and
/// groups never coincide.
struct MatchEntry {
  mqtt::SessionId subscriber;                 // a session, or with is_group a group on its home loop
  std::uint64_t retained_boundary = 0;        // a retained message with a number up to this one was or will be replayed
  std::uint32_t subscription_identifier = 0;  // 0: none
  mqtt::QoS maximum_qos = mqtt::QoS::kAtMostOnce;
  bool is_group : 1 = false;
  bool is_durable : 1 = false;  // the subscriber keeps what it gets by it in the store
  bool no_local : 1 = false;
  bool retain_as_published : 1 = false;

  /// Of a session, and without any say in what it gets or how, at QoS 0 and without RETAIN.
  bool is_plain() const noexcept { return !is_group && !no_local && subscription_identifier == 0; }
};
// There may be a million of them.
static_assert(sizeof(MatchEntry) == 32);

/// Who gets a Topic Name, ordered by home loop and then by subscriber; entries whose filter rules deny the topic are
/// already left out. Immutable after it is made and counted: any thread may hold one.
class MatchResult {
 public:
  explicit MatchResult(std::vector<MatchEntry> entries);  // sorts
  std::span<const MatchEntry> entries() const noexcept { return entries_; }
  /// What one loop has of the entries.
  struct Part {
    LoopIndex loop = 0;
    bool has_groups = false;
    bool has_durable = false;
    std::uint32_t first = 0;
    std::uint32_t end = 0;
  };
  /// Of the loops that have an entry, by loop.
  std::span<const Part> parts() const noexcept { return parts_; }
  /// An empty part when the loop has none. Cost: linear in the number of loops.
  Part part_of(LoopIndex loop) const noexcept {
    for (const Part& part : parts_) {
      if (part.loop == loop) return part;
    }
    return {.loop = loop};
  }
  std::span<const MatchEntry> entries_of(const Part& part) const noexcept {
    return {entries_.data() + part.first, entries_.data() + part.end};
  }
  std::span<const MatchEntry> on_loop(LoopIndex loop) const noexcept { return entries_of(part_of(loop)); }

  /// What a cache charges for holding it, in bytes.
  std::size_t cost() const noexcept;

  void add_ref() const noexcept { count_.add(); }
  void drop_ref() const noexcept {
    if (count_.drop()) delete this;
  }

 private:
  ~MatchResult() = default;
  RefCount count_;
  const std::vector<MatchEntry> entries_;  // sorted
  std::vector<Part> parts_;
};

using MatchResultPtr = Ref<const MatchResult>;

}  // namespace mortise::routing
