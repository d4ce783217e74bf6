#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "broker/base/executor.h"
#include "broker/base/id.h"
#include "broker/base/result.h"
#include "broker/core/mail.h"
#include "broker/net/descriptor.h"
#include "broker/net/hand_over.h"

namespace mortise::net {

/// What one loop had for another at the end of one iteration. Goes there and comes back when it is handled: that
/// returns the credit and all memory to the thread that it is of.
struct MailBatch {
  std::vector<core::Mail> mail;
  std::size_t cost = 0;  // bytes of credit
  LoopIndex from = 0;
  LoopIndex to = 0;
  MailBatch* next = nullptr;
};

/// One mail of the reserved lane.
struct ReservedMail {
  core::Mail mail;
  std::size_t intent_bytes = 0;  // of a PluginIntent: what it counts against the bound
  ReservedMail* next = nullptr;
};

/// What reaches one loop from other threads, and its bell. Internally synchronised, without locks.
///
/// Design note, the bell. A loop that will wait says so (`is_asleep_`) and then looks whether something came; who posts
/// pushes first and then looks whether the loop said so. All four are sequentially consistent, so at least one of the
/// two sees the other. Whoever turns the flag back rings: one write per sleep, whatever is posted. The eventfd is
/// registered edge-triggered and never read: every write is an edge, and 2^64 of them are not reached.
class Mailbox final : public Executor {
 public:
  /// Errors: no descriptor is left.
  static Result<std::unique_ptr<Mailbox>> create(std::size_t tasks_max);

  // ---- Thread: any. Each answers whether the bell had to be rung. --------------------------------------------------
  bool post(std::unique_ptr<MailBatch> batch) noexcept;
  bool post(std::unique_ptr<ReservedMail> mail) noexcept;
  /// Returns a batch of this loop's own, handled. Rings only for a loop that waits for credit.
  bool give_back(std::unique_ptr<MailBatch> batch) noexcept;
  bool wake() noexcept;

  /// Executor: tasks for the loop's thread, bounded; run between mail and timers.
  bool post(Task task) override;
  /// The same beyond the bound: for what starts and stops the loops.
  void post_always(Task task);
  /// From now on `post(Task)` answers false.
  void close() noexcept { is_closed_.store(true); }

  // ---- Thread: the loop's
  // ---------------------------------------------------------------------------------------------
  int bell() const noexcept { return bell_.get(); }
  /// Says that the loop will wait. False: something came, it must not.
  bool prepare_to_sleep() noexcept;
  void woke_up() noexcept { is_asleep_.store(false, std::memory_order_relaxed); }
  void await_credit(bool awaits) noexcept { awaits_credit_.store(awaits); }

  Chain<MailBatch> take_batches() noexcept { return batches_.take(); }
  Chain<ReservedMail> take_reserved() noexcept { return reserved_.take(); }
  Chain<MailBatch> take_returned() noexcept { return returned_.take(); }
  /// Runs what was posted before the call; what these post runs the next time.
  void run_tasks();
  bool is_empty() const noexcept { return batches_.empty() && reserved_.empty() && tasks_.empty(); }

 private:
  struct PostedTask {
    Task task;
    bool is_counted = false;
    PostedTask* next = nullptr;
  };
  Mailbox(Descriptor bell, std::size_t tasks_max) : bell_(std::move(bell)), tasks_max_(tasks_max) {}

  // Constant after construction.
  const Descriptor bell_;
  const std::size_t tasks_max_;

  // Written by every thread; each on a line of its own, so that posting mail does not slow the loop's own state down.
  alignas(64) HandOver<MailBatch> batches_;
  alignas(64) HandOver<MailBatch> returned_;
  alignas(64) HandOver<ReservedMail> reserved_;
  alignas(64) HandOver<PostedTask> tasks_;
  std::atomic<std::size_t> tasks_waiting_{0};
  std::atomic<bool> is_closed_{false};
  alignas(64) std::atomic<bool> is_asleep_{false};
  std::atomic<bool> awaits_credit_{false};
};

}  // namespace mortise::net
