#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "broker/base/result.h"
#include "broker/config/settings.h"
#include "broker/net/event_loop.h"
#include "broker/net/inherited_sockets.h"

namespace mortise::net {

/// All event loops of a broker: their threads, their listeners, their end. Used by one thread (the control thread).
///
/// Order: create, start, listen; stop. The shards, the mesh and the reclaim domain outlive it. Threads are started with
/// every signal blocked that is not about the thread itself.
class LoopGroup {
 public:
  /// One loop for each shard; shard i is loop i. Errors: no descriptor is left.
  static Result<std::unique_ptr<LoopGroup>> create(Mesh& mesh, routing::ReclaimDomain& reclaim,
                                                   const std::vector<core::Shard*>& shards, const LoopLimits& limits);
  /// Stops at once (without grace) if still running.
  ~LoopGroup();
  LoopGroup(const LoopGroup&) = delete;
  LoopGroup& operator=(const LoopGroup&) = delete;

  void start();

  /// Opens all listeners or none; then every loop accepts from all of them. After `start`, once.
  /// Errors: an address cannot be used: which, why and what to change.
  Result<void> listen(const std::vector<config::ListenerSettings>& settings,
                      std::vector<InheritedSocket> inherited = {});
  /// Every listener reads its certificates and keys again. Returns what went wrong, a line for each; those go on as
  /// they were.
  std::vector<std::string> reload_tls();
  /// What is open, in the order of the settings: for messages, and to learn the port where 0 was asked for.
  const std::vector<std::shared_ptr<Listener>>& listeners() const noexcept { return listeners_; }

  /// Stops accepting, lets every shard say good-bye, gives the last bytes up to `grace` to be written, and joins the
  /// threads. Returns the number of sockets that were closed before everything was written.
  std::size_t stop(Millis grace);

  std::size_t loops() const noexcept { return loops_.size(); }
  /// Thread: any.
  LoopTotals totals(LoopIndex loop) const noexcept { return loops_[loop]->counters().totals(); }
  LoopTotals totals() const noexcept;

 private:
  LoopGroup(Mesh& mesh, Descriptor progress) : mesh_(mesh), progress_(std::move(progress)) {}
  void wait_until_drained(SteadyTime deadline) const;
  void join();

  Mesh& mesh_;
  const Descriptor progress_;  // an event descriptor: each drained loop adds one
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::vector<std::thread> threads_;
  std::vector<std::shared_ptr<Listener>> listeners_;
};

}  // namespace mortise::net
