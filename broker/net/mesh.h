#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "broker/core/shard.h"
#include "broker/hooks/instances.h"
#include "broker/net/mailbox.h"

namespace mortise::net {

struct MeshLimits {
  std::size_t credit_bytes = 4u << 20;  // in flight from one loop to another
  std::size_t intents_max = 10'000;     // of plugins, waiting
  std::size_t intents_max_bytes = 16u << 20;
  std::size_t tasks_max = 4096;  // of an executor, waiting
};

/// What Mesh counted; a snapshot.
struct MeshTotals {
  std::uint64_t completions = 0;
  std::uint64_t intents = 0;
  std::uint64_t dropped_intents = 0;
};

/// Every loop's mailbox, and the doors by which plugins and the store reach loops. Made before the loops and plugins,
/// ends after them. Internally synchronised; nothing here ever blocks.
class Mesh final : public hooks::Completions, public hooks::Intents {
 public:
  /// `shared` outlives the mesh. Errors: no descriptor is left.
  static Result<std::unique_ptr<Mesh>> create(const core::Shared& shared, MeshLimits limits);

  // ---- Thread: any ------------------------------------------------------------------------------------------------
  /// To the loop that the ticket names.
  void complete(const hooks::Ticket& ticket, hooks::Resolution resolution) override;
  /// A publish goes to the calling loop, from other threads to loop 0; the others to the client's home loop. False:
  /// closed, or too many are waiting.
  bool perform(std::string_view plugin, hooks::Intent intent) override;
  /// Completion, PluginIntent, Durable, QueuePage, StoreState: needs no credit and keeps the order of each poster.
  void post_reserved(LoopIndex to, core::Mail mail);
  /// Runs task(loop) on every loop's thread, whatever else waits there: for what starts, stops and changes all of them.
  void post_to_all(const std::function<void(LoopIndex)>& task);
  /// Runs tasks on a loop's thread, for what must happen on one thread only (a `serial` plugin instance).
  Executor& executor(LoopIndex loop) noexcept { return mailbox(loop); }
  /// The loops stop: executors and intents answer false from now on.
  void close() noexcept;
  MeshTotals totals() const noexcept;

  // ---- Thread: for the loops ---------------------------------------------------------------------------------------
  std::size_t loops() const noexcept { return mailboxes_.size(); }
  const MeshLimits& limits() const noexcept { return limits_; }
  Mailbox& mailbox(LoopIndex loop) noexcept { return *mailboxes_[loop]; }
  /// This thread is `loop` of this mesh until `leave_loop`.
  void enter_loop(LoopIndex loop) noexcept;
  void leave_loop() noexcept;
  /// A reserved mail is about to be handled: what it counted against a bound is free again.
  void settle(const ReservedMail& mail) noexcept;

 private:
  Mesh(const core::Shared& shared, MeshLimits limits) : shared_(shared), limits_(limits) {}
  LoopIndex loop_for(const hooks::Intent& intent) const noexcept;

  // Constant after construction.
  const core::Shared& shared_;
  const MeshLimits limits_;
  std::vector<std::unique_ptr<Mailbox>> mailboxes_;

  std::atomic<bool> is_closed_{false};
  std::atomic<std::size_t> intents_waiting_{0};
  std::atomic<std::size_t> intent_bytes_waiting_{0};
  std::atomic<std::uint64_t> completions_{0}, intents_{0}, dropped_intents_{0};
};

/// One loop's side of sending: credits towards every other loop. Unsynchronised (loop-owned).
///
/// In flight from one loop to another are at most `credit_bytes` and what one iteration adds after they ran out: the
/// shard is told only between iterations, and what it has by then still goes. So the overshoot is what one iteration
/// can read (LoopLimits::read_per_iteration and one read buffer) in the cost of its messages, and what it forwards of
/// handled mail.
class OutgoingMail {
 public:
  OutgoingMail(Mesh& mesh, LoopIndex self);

  /// Hands every non-empty batch for another loop over; the vectors come back empty with memory of earlier ones.
  /// Returns how many loops had to be woken.
  std::size_t hand_over(std::vector<std::vector<core::Mail>>& by_loop);
  /// Takes returned credit in, and gives `shard` what it can use again.
  void collect_returns(core::Shard& shard);
  /// False while a pair of loops has no credit. It returns when half of it is free.
  bool has_credit() const noexcept { return exhausted_ == 0; }
  /// Times a pair ran out.
  std::uint64_t times_exhausted() const noexcept { return times_exhausted_; }

 private:
  struct Pair {
    std::size_t in_flight = 0;
    bool is_exhausted = false;
    std::unique_ptr<MailBatch> spare;
  };
  bool send(LoopIndex to, std::vector<core::Mail>& mail);

  Mesh& mesh_;
  const LoopIndex self_;
  std::vector<Pair> pairs_;
  std::size_t exhausted_ = 0;
  std::uint64_t times_exhausted_ = 0;
};

}  // namespace mortise::net
