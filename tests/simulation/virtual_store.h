#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "broker/storage/gatherer.h"
#include "broker/storage/lane.h"
#include "tests/unit/core/harness.h"
#include "tests/unit/storage/memory_store.h"

namespace mortise::simulation {

/// The durable side without its thread: the broker's own lanes, gathering, records, pages and recovery over tables in
/// memory, one commit at a time when the simulation says so. Unsynchronised.
class VirtualStore {
 public:
  /// Before a broker begins: lanes for so many loops, and what the last one left. What that one did not commit is gone.
  core::testing::StoredState begin(std::size_t loops, std::uint64_t credit_bytes);
  session::Journal* journal(LoopIndex loop) { return &lanes_[loop]->lane; }

  /// Makes one commit of what can be; with `fails` it does not work, and is tried again by the next. Nobody is told.
  void commit(core::testing::TestBroker& broker, bool fails);
  /// Tells one loop how far its journal is durable, and gives it the pages it waits for.
  void tell(core::testing::TestBroker& broker, LoopIndex loop);
  bool is_failing() const { return is_failing_; }
  /// Whatever the loops appended is durable.
  bool has_everything() const;
  /// No session, nor anything of one.
  bool is_empty() const;
  /// Something waits for what no loop will append.
  bool is_stuck() const { return gatherer_->waiting().has_value(); }
  /// How far it is, for whoever looks for what went wrong.
  std::string describe() const;
  std::uint64_t commits() const { return commits_; }

 private:
  struct LaneOfLoop {
    LaneOfLoop(LoopIndex loop, const storage::Lane::Options& options, storage::Lane::Shared& shared)
        : lane(loop, options, shared) {}
    storage::Lane lane;
    std::optional<storage::LaneAdvance> durable;  // not told yet
    std::uint64_t durable_position = 0;
  };

  storage::testing::MemoryStore tables_;
  std::unique_ptr<storage::Lane::Shared> shared_;
  std::vector<std::unique_ptr<LaneOfLoop>> lanes_;
  std::optional<storage::Gatherer> gatherer_;
  std::optional<storage::Gatherer::Gathered> pending_;  // was not committed yet
  std::uint64_t next_number_ = 1;
  session::SessionNumber marked_sessions_ = 1;
  std::uint64_t commits_ = 0;
  bool is_failing_ = false;
};

}  // namespace mortise::simulation
