#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "broker/base/id.h"
#include "broker/base/result.h"
#include "broker/base/time.h"
#include "broker/hooks/instances.h"
#include "broker/session/limits.h"
#include "broker/storage/gatherer.h"
#include "broker/storage/lane.h"
#include "broker/storage/page.h"
#include "broker/storage/recovery.h"

namespace mortise::storage {

/// Hears of the store's progress. Thread of every function: the store's; must not block for long.
class StoreEvents {
 public:
  virtual ~StoreEvents() = default;
  /// Everything that `loop` appended up to `position` is durable; told after Lane::is_durable says so, and with every
  /// durability, because credit comes back with it.
  virtual void durable(LoopIndex loop, std::uint64_t position) = 0;
  /// The answer to a fetch of `loop`.
  virtual void page(LoopIndex loop, Page page) = 0;
  /// The store began to fail, or works again.
  virtual void state(bool is_failing) = 0;
};

/// The durable side: gathers what all loops appended since the last commit and commits it in one go, on a thread of its
/// own. Internally synchronised, each lane aside, which is its loop's.
///
/// `commit`: an acknowledgement waits for its commit, and commits follow each other as fast as the store makes them.
/// `interval`: nothing waits; what was appended is committed at most every `interval`, so that neither a crash nor a
/// loss of power costs more than that. `none`: as interval, and the store does not even wait for the disk.
class Service {
 public:
  struct Options {
    std::size_t loops = 1;
    session::Durability durability = session::Durability::kCommit;
    Millis interval{1000};  // of kInterval and kNone
    std::uint64_t credit_bytes =
        16u << 20;            // appended and not yet durable, per lane, before has_credit says no; less with many loops
    Millis retry_first{100};  // after a failed commit; doubled each time
    Millis retry_max{5'000};
  };

  /// `store` and `events` outlive the service.
  Service(hooks::StoreHooks& store, StoreEvents& events, const Options& options);
  /// Stops.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Lifetime: the service's.
  Lane& lane(LoopIndex loop) noexcept { return *lanes_[loop]; }

  /// Starts the store's thread, opens the store and hands what survived to `visitor`, all before it returns. Once.
  /// Errors: what the store says; then the service has stopped.
  Result<RecoveryReport> start(RecoveryVisitor& visitor);

  /// Commits what lanes have handed over (one more attempt when the store fails), and ends the thread. Loops have
  /// stopped and flushed before. What is not durable then is named in the log. Idempotent.
  void stop();

 private:
  struct Pending {
    Gatherer::Gathered gathered;
    SteadyTime retry_at{};
  };
  void run();
  Result<RecoveryReport> open_and_recover(RecoveryVisitor& visitor);
  void take_handed_over();
  void commit_what_can_be();
  void gather();
  bool try_commit();
  void advance(const std::vector<LaneAdvance>& advances);
  void run_ready_fetches();
  void commit_failed(const std::string& why);
  void commit_succeeded();
  void warn_of_stuck_group();
  void finish();
  bool is_gathering_slowly() const noexcept { return options_.durability != session::Durability::kCommit; }

  // Constant after construction.
  hooks::StoreHooks& store_;
  StoreEvents& events_;
  const Options options_;
  // Internally synchronised.
  Lane::Shared shared_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  // The store thread's only.
  Gatherer gatherer_;
  std::optional<Pending> pending_;
  std::vector<std::uint64_t> durable_;  // by loop
  std::uint64_t next_number_ = 1;
  session::SessionNumber marked_sessions_ = 1;  // numbers below it are noted in the store as given
  SteadyTime next_commit_{};                    // not before, when gathering slowly
  bool is_failing_ = false;
  Millis retry_in_{};
  std::uint64_t stuck_group_ = 0;
  SteadyTime stuck_since_{};
  bool stuck_is_named_ = false;
  // The control thread's only.
  std::thread thread_;
};

}  // namespace mortise::storage
