#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "broker/core/shard.h"
#include "broker/net/mesh.h"
#include "broker/storage/service.h"

namespace mortise::cli {

/// The store of a broker: its service, a journal for each loop, and the way of its answers to the loops. Used by the
/// control thread; the journals are their loops'.
class DurableSide final : private storage::StoreEvents {
 public:
  /// `store` and `mesh` outlive it.
  DurableSide(hooks::StoreHooks& store, net::Mesh& mesh, const session::SessionLimits& limits);

  session::Journal* journal(LoopIndex loop) noexcept { return &service_.lane(loop); }

  /// Opens the store and gives what it holds to the shards and the retained index. Before the loops run. Errors: the
  /// store's.
  Result<storage::RecoveryReport> recover(const core::Shared& shared,
                                          const std::vector<std::unique_ptr<core::Shard>>& shards);
  /// After the loops: commits what they left.
  void stop() { service_.stop(); }
  /// What is handed to the store is not made durable now. Thread: any.
  bool is_failing() const noexcept { return is_failing_.load(std::memory_order_relaxed); }

 private:
  void durable(LoopIndex loop, std::uint64_t position) override;
  void page(LoopIndex loop, storage::Page page) override;
  void state(bool is_failing) override;

  net::Mesh& mesh_;
  std::atomic<bool> is_failing_ = false;
  storage::Service service_;
};

}  // namespace mortise::cli
