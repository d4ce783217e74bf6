#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "broker/base/time.h"
#include "broker/mqtt/message.h"
#include "broker/routing/reclaim.h"
#include "broker/routing/topic_level.h"

namespace mortise::routing {

/// Where a walk through the messages that one filter matches stands. It names topics and points at nothing, so that it
/// stays good whatever changes; a fresh one stands at the beginning.
struct RetainedCursor {
  std::string path;        // the levels passed last, each behind a slash
  std::uint64_t from = 0;  // children there with a smaller hash were passed, too
};

/// The retained messages: one for the whole broker, read without locks, written by one at a time. Internally
/// synchronised.
class RetainedIndex {
 public:
  struct Limits {
    std::size_t maximum_messages = 1'000'000;
    std::size_t maximum_bytes = std::size_t{1} << 30;
  };
  enum class SetOutcome : std::uint8_t { kAdded, kReplaced, kRemoved, kNothingToRemove, kFull, kFullAndRemoved };
  struct SetResult {
    SetOutcome outcome;
    std::uint64_t sequence;  // of this change; larger than of any change before
  };

  RetainedIndex(ReclaimDomain& reclaim, Limits limits);
  ~RetainedIndex();
  RetainedIndex(const RetainedIndex&) = delete;
  RetainedIndex& operator=(const RetainedIndex&) = delete;

  /// Stores `message` under its topic, or removes what is there when its payload is empty (MQTT-3.3.1-6). At the limit
  /// a new topic is refused (kFull) and what was stored stays; where the message of a topic would be replaced by one
  /// that has no room, it goes (kFullAndRemoved): nobody must take it for the current one. `$SYS` is not limited.
  /// Thread: any.
  SetResult set(const mqtt::MessagePtr& message);
  /// Removes what is stored under `topic` if its sequence number is still `sequence` (for expiry). Thread: any.
  bool remove_if(std::string_view topic, std::uint64_t sequence);

  /// Calls step(sequence number of the last change) while no change can happen; step must not call this index. Thread:
  /// any.
  void hold_still(const std::function<void(std::uint64_t sequence)>& step);

  /// The sequence number of the last change. Thread: any.
  std::uint64_t sequence() const noexcept;
  std::size_t messages() const noexcept;
  /// Of the messages and of the tree that finds them: deep topics are charged for what they take.
  std::size_t bytes() const noexcept;

  /// One page of a walk through the stored messages whose topic `filter` matches (`$` rule included), expired ones left
  /// out: calls visit(message, sequence) for each until it answers false, or about `nodes` nodes of the tree were
  /// looked at, found or not; takes from `nodes` what it used, one at the least. True when nothing is left; otherwise
  /// `cursor` is where the next page goes on, with the same filter. What is stored from before the first page until its
  /// turn is visited exactly once; what is set meanwhile may be visited or not, with its own sequence. The order is the
  /// same for all walks of this index. Thread: a loop of the ReclaimDomain. Cost: about 0.1 us for each node, and for
  /// each level of the topic where the page before ended.
  using Visit = std::function<bool(const mqtt::MessagePtr& message, std::uint64_t sequence)>;
  bool match(std::string_view filter, RetainedCursor& cursor, std::size_t& nodes, WallTime now,
             const Visit& visit) const;

  /// One page of the levels that stored topics have at one place. Thread: a loop of the ReclaimDomain. Cost: of its
  /// levels.
  LevelPage levels(const LevelQueryView& query) const;

  /// Removes up to `maximum` expired messages, calling removed(topic, sequence of the removal) for each; returns how
  /// many. Thread: a loop.
  using Removed = std::function<void(std::string_view topic, std::uint64_t sequence)>;
  std::size_t expire(WallTime now, std::size_t maximum, const Removed& removed);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mortise::routing
