#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "broker/base/id.h"
#include "broker/storage/batch.h"
#include "broker/storage/block.h"

namespace mortise::storage {

/// How far a lane is when a batch is durable.
struct LaneAdvance {
  LoopIndex loop = 0;
  std::uint64_t position = 0;
  std::uint64_t appended = 0;
};

/// Holds what lanes handed over until it may be committed, and chooses what goes into the next batch: the longest
/// beginning of every lane such that no group is split. No thread, no clock. Unsynchronised (the store thread's).
class Gatherer {
 public:
  struct Gathered {
    Batch batch;                        // empty when what goes on needs no writing
    std::vector<LaneAdvance> advances;  // of the lanes that go on when it is durable
  };
  /// A group that is waited for, for the log.
  struct Waiting {
    std::uint64_t group = 0;
    std::uint64_t announced = 0;
    std::uint64_t arrived = 0;
  };

  explicit Gatherer(std::size_t loops) : lanes_(loops) {}

  void accept(LoopIndex loop, Block block);
  /// Takes the next batch. Its numbers begin at `next_number`; `mark`: see BatchBuilder. Emptied blocks go to
  /// `recycle`.
  Gathered gather(std::uint64_t next_number, std::uint64_t mark, const std::function<void(Block)>& recycle);
  /// The fetches of this lane that what is durable allows.
  std::vector<FetchRequest> ready_fetches(LoopIndex loop, std::uint64_t durable_position);
  /// A group that holds something up; nothing when everything handed over is complete.
  std::optional<Waiting> waiting() const;
  bool has_fetches() const noexcept { return fetches_waiting_ != 0; }
  std::uint64_t elided() const noexcept { return builder_.elided(); }

 private:
  /// A piece: the lane and the number of the segment in it, counted from the lane's beginning.
  struct Piece {
    LoopIndex loop = 0;
    std::uint64_t segment = 0;
  };
  struct Group {
    std::uint64_t announced = 0;
    std::uint64_t arrived = 0;
    std::vector<Piece> pieces;
    bool is_complete() const noexcept { return announced == arrived; }
  };
  struct Held {
    Block block;
    std::size_t segments_taken = 0;
  };
  struct LaneQueue {
    std::deque<Held> held;
    std::deque<std::uint64_t> groups;  // of the segments not taken yet; 0: no group
    std::uint64_t taken = 0;           // segments ever taken
    std::deque<FetchRequest> fetches;
    std::uint64_t end() const noexcept { return taken + groups.size(); }
  };
  void join_group(LoopIndex loop, std::uint64_t segment, const Segment& piece);
  /// Per lane, the number of the first segment that must stay.
  std::vector<std::uint64_t> choose_cuts() const;
  void take(LoopIndex loop, std::uint64_t cut, std::vector<RunView>& runs, std::vector<LaneAdvance>& advances);
  void drop_emptied(const std::function<void(Block)>& recycle);

  std::vector<LaneQueue> lanes_;
  std::unordered_map<std::uint64_t, Group> groups_;
  std::size_t incomplete_ = 0;
  std::size_t fetches_waiting_ = 0;
  BatchBuilder builder_;
};

}  // namespace mortise::storage
