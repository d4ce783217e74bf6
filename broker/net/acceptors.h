#pragma once

#include <memory>
#include <vector>

#include "broker/net/listener.h"
#include "broker/net/loop_counters.h"
#include "broker/net/loop_limits.h"
#include "broker/net/poller.h"

namespace mortise::net {

/// One loop's interest in the listeners. Out of descriptors, or where a listener takes no more for the moment, it stops
/// asking for a moment instead of being told of the same waiting connection again and again. Unsynchronised
/// (loop-owned).
class Acceptors {
 public:
  Acceptors(Poller& poller, LoopCounters& counters, const LoopLimits& limits)
      : poller_(poller), counters_(counters), limits_(limits) {}

  /// Where the loop has no room to watch it, it tries again.
  void add(std::shared_ptr<Listener> listener, SteadyTime now);
  /// Accepts from it no more; who came by it stays.
  void remove(const Listener& listener) noexcept;
  /// Somebody waits at listener `index`: calls accept(Stream, PeerInfo) for each, up to the limit; the rest is reported
  /// again.
  template <class Accept>
  void accept_from(std::uint32_t index, SteadyTime now, Accept&& accept) {
    if (index >= gates_.size() || !gates_[index].listener) return;  // removed in this iteration
    for (std::size_t count = 0; count < limits_.accepts_per_iteration; ++count) {
      Listener::Accepted accepted = gates_[index].listener->accept(now);
      if (accepted.status == Listener::Accepted::Status::kDone) {
        accept(std::move(accepted.stream), std::move(accepted.peer));
      } else if (!goes_on(index, accepted, now)) {
        return;
      }
    }
  }
  /// Asks again where the pause is over.
  void resume(SteadyTime now);
  SteadyTime next_deadline() const noexcept { return resume_at_; }
  /// Accepts nothing any more.
  void close() noexcept;

 private:
  struct Gate {
    std::shared_ptr<Listener> listener;  // null: a place for the next one
    bool is_paused = false;
  };
  /// Nothing was accepted: true when the next one may be.
  bool goes_on(std::uint32_t index, const Listener::Accepted& accepted, SteadyTime now);
  void pause(Gate& gate, SteadyTime until);
  void watch(std::uint32_t index, SteadyTime now);

  Poller& poller_;
  LoopCounters& counters_;
  const LoopLimits& limits_;
  std::vector<Gate> gates_;
  SteadyTime resume_at_ = kNever;  // of all that are paused
};

}  // namespace mortise::net
