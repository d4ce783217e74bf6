#include "broker/cli/durable_side.h"

#include <algorithm>

namespace mortise::cli {

namespace {

storage::Service::Options options_of(const session::SessionLimits& limits, std::size_t loops) {
  storage::Service::Options options;
  options.loops = loops;
  options.durability = limits.durability;
  options.interval = limits.durability_interval;
  return options;
}

/// Retained messages go into the index at once; sessions wait until all are there.
class Restorer final : public storage::RecoveryVisitor {
 public:
  explicit Restorer(routing::RetainedIndex& retained) : retained_(retained) {}

  void session(storage::StoredSession session) override { sessions_.push_back(std::move(session)); }
  void retained(mqtt::MessagePtr message) override { retained_.set(message); }

  /// Queues of shared subscriptions first: a member that subscribes again finds its group's.
  std::vector<storage::StoredSession> take_sessions() {
    std::stable_partition(sessions_.begin(), sessions_.end(),
                          [](const storage::StoredSession& stored) { return !stored.session.share_group.empty(); });
    return std::move(sessions_);
  }

 private:
  routing::RetainedIndex& retained_;
  std::vector<storage::StoredSession> sessions_;
};

}  // namespace

DurableSide::DurableSide(hooks::StoreHooks& store, net::Mesh& mesh, const session::SessionLimits& limits)
    : mesh_(mesh), service_(store, *this, options_of(limits, mesh.loops())) {}

Result<storage::RecoveryReport> DurableSide::recover(const core::Shared& shared,
                                                     const std::vector<std::unique_ptr<core::Shard>>& shards) {
  Restorer restorer(*shared.retained);
  Result<storage::RecoveryReport> report = service_.start(restorer);
  if (!report) return report;
  const Now moment = now();
  for (storage::StoredSession& stored : restorer.take_sessions()) {
    core::Shard& home = *shards[core::home_loop(shared, stored.session)];
    home.recover({std::move(stored.session), std::move(stored.subscriptions), std::move(stored.inbound), stored.queue,
                  std::move(stored.will), stored.will_due_at},
                 moment);
  }
  core::Shard::all_recovered(shards, moment);
  return report;
}

void DurableSide::durable(LoopIndex loop, std::uint64_t position) {
  mesh_.post_reserved(loop, core::Durable{position});
}

void DurableSide::page(LoopIndex loop, storage::Page page) {
  mesh_.post_reserved(loop,
                      core::QueuePage{page.session, std::move(page.records), page.after, page.is_last, page.failed});
}

void DurableSide::state(bool is_failing) {
  is_failing_.store(is_failing, std::memory_order_relaxed);
  for (std::size_t loop = 0; loop < mesh_.loops(); ++loop) {
    mesh_.post_reserved(static_cast<LoopIndex>(loop), core::StoreState{is_failing});
  }
}

}  // namespace mortise::cli
