#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "broker/base/id.h"

namespace mortise::routing {

/// Frees what writers took out of the indexes once every loop has passed an iteration since (quiescent-state
/// reclamation): readers therefore take no lock and never wait. Internally synchronised.
class ReclaimDomain {
 public:
  explicit ReclaimDomain(std::size_t loops);
  ~ReclaimDomain();
  ReclaimDomain(const ReclaimDomain&) = delete;
  ReclaimDomain& operator=(const ReclaimDomain&) = delete;

  /// The loop holds no pointer into an index right now. Called once per iteration. Thread: that loop's.
  void passed_iteration(LoopIndex loop) noexcept;
  /// Around sleeping: a loop that sleeps holds nothing and delays nobody. Thread: that loop's.
  void went_to_sleep(LoopIndex loop) noexcept;
  void woke_up(LoopIndex loop) noexcept;

  /// Hands over something no new reader can find any more. Thread: any (writers hold their index's writer lock).
  void retire(void* object, void (*destroy)(void*));
  /// Frees what may be freed; called by writers and by passed_iteration. Returns the number still waiting.
  std::size_t reclaim();
  /// How many still wait. Thread: any.
  std::size_t waiting() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mortise::routing
