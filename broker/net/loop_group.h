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
/// Order: create, start, prepare and use (again for a reload); stop. The shards, the mesh and the reclaim domain
/// outlive it. Threads are started with every signal blocked that is not about the thread itself.
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

  /// `prepare` and `use` at once. Errors: as prepare's.
  Result<void> listen(const std::vector<config::ListenerSettings>& settings,
                      std::vector<InheritedSocket> inherited = {});
  using Listeners = std::vector<std::shared_ptr<Listener>>;
  /// Makes what `settings` ask for: a listener that runs with the same url is renewed, others are opened. Nobody
  /// accepts from what is new before `use`. All or nothing: who is connected, and what listens, stays as it is. Errors:
  /// an address, an inherited socket or a certificate cannot be used: which, why and what to change.
  Result<Listeners> prepare(const std::vector<config::ListenerSettings>& settings,
                            std::vector<InheritedSocket> inherited = {}) const;
  /// From now on every loop accepts from these, which were prepared last, and from no others. After `start`.
  void use(Listeners listeners);
  /// What is open, in the order of the settings: for messages, and to learn the port where 0 was asked for.
  const Listeners& listeners() const noexcept { return listeners_; }

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
  Listeners listeners_;
};

}  // namespace mortise::net
