#pragma once

#include <mortise/abi.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "broker/base/mutex.h"
#include "broker/base/time.h"
#include "broker/hooks/decisions.h"
#include "broker/plugin_host/deadline_clock.h"
#include "broker/plugin_host/handle_slots.h"

namespace mortise::plugin_host {

/// The questions of an instance that are answered later, and the tokens that answer them (R6). A token goes from
/// created (its hook still runs) to pending to exactly one end: completed, timed out or cancelled. Internally
/// synchronised; nobody is called with the lock held.
class PendingTable {
 public:
  /// `limit`: tokens, and questions, at once.
  PendingTable(std::uint32_t owner, std::size_t limit) : owner_(owner), limit_(limit), indexes_(owner) {}

  // ---- Questions that wait for their call on another thread -------------------------------------------------------
  /// False: too many wait.
  bool open(const hooks::Ticket& ticket);
  /// Whether somebody still waits for the answer.
  bool is_open(const hooks::Ticket& ticket) const;
  /// Ends a question with an answer: true exactly once, for whoever may hand the answer on.
  bool finish(const hooks::Ticket& ticket);

  // ---- Tokens -----------------------------------------------------------------------------------------------------
  /// A token for a hook that is running. `accepts_rules`: its answer may carry filter rules. Errors: E_QUOTA, E_CLOSED.
  std::uint32_t create(std::size_t point, SteadyTime deadline, bool accepts_rules, mortise_handle& token);

  /// What became of a token when its hook answered PENDING.
  struct Armed {
    enum class State : std::uint8_t { kPending, kCompleted, kNobodyWaits } state = State::kPending;
    SteadyTime deadline{};
    hooks::Resolution early;  // of kCompleted: the answer came before the hook returned
  };
  /// `was_opened`: the question was opened above (the call ran on another thread than the asker's).
  Armed arm(mortise_handle token, const hooks::Ticket& ticket, bool was_opened);
  /// The clock's entry that expires a pending question by itself; forgotten when the question ends.
  void set_alarm(const hooks::Ticket& ticket, DeadlineClock& clock, const DeadlineClock::Entry& alarm);
  /// The hook did not answer PENDING with it.
  void abandon(mortise_handle token);

  /// Whether the token can still be completed for this kind of question. Errors: those of complete_*, the decision's
  /// apart.
  std::uint32_t check(mortise_handle token, std::size_t point, bool& accepts_rules) const;
  struct Completed {
    std::uint32_t status = MORTISE_OK;
    std::optional<hooks::Ticket> deliver_to;  // the caller hands the resolution on to it, without the lock
    hooks::Resolution resolution{};
  };
  /// Exactly one caller gets OK. While the token's hook still runs the table keeps `resolution`; arm() then gives it.
  Completed complete(mortise_handle token, std::size_t point, hooks::Resolution resolution);

  /// hooks::Questions.
  bool expire(const hooks::Ticket& ticket);
  void cancel(const hooks::Ticket& ticket);

  /// Cancels everything, nothing is accepted any more; returns how many tokens were pending.
  std::size_t close();
  std::size_t size() const;

 private:
  enum class End : std::uint8_t { kUnknown = 0, kCompleted = 1, kTimedOut = 2, kCancelled = 3 };
  enum class State : std::uint8_t { kFree, kCreated, kCompletedEarly, kPending };
  struct Slot {
    std::uint32_t generation;
    std::uint32_t floor;
    State state = State::kFree;
    std::size_t point = 0;
    SteadyTime deadline{};
    bool accepts_rules = false;
    hooks::Ticket ticket;
    hooks::Resolution early;
    // How the last 32 tokens of this slot ended, two bits each, the latest lowest.
    std::uint64_t ends = 0;
    DeadlineClock* clock = nullptr;  // that holds `alarm`
    DeadlineClock::Entry alarm;
  };
  struct TicketHash {
    std::size_t operator()(const hooks::Ticket& ticket) const noexcept {
      return std::hash<Id<hooks::ConnectionTag>>{}(ticket.connection) * 31 + ticket.question * 7 + ticket.loop;
    }
  };
  static constexpr std::uint32_t kNoToken = 0xFFFFFFFF;

  std::uint32_t find(mortise_handle token, std::uint32_t& local) const MORTISE_REQUIRES(mutex_);
  std::uint32_t how_it_ended(const Slot& slot, std::uint32_t generation) const noexcept;
  void end(std::uint32_t local, End how) MORTISE_REQUIRES(mutex_);
  bool end_question(const hooks::Ticket& ticket, End how) MORTISE_REQUIRES(mutex_);

  const std::uint32_t owner_;
  const std::size_t limit_;
  mutable Mutex mutex_;
  HandleSlots indexes_ MORTISE_GUARDED_BY(mutex_);
  std::deque<Slot> slots_ MORTISE_GUARDED_BY(mutex_);
  std::deque<std::uint32_t> free_
      MORTISE_GUARDED_BY(mutex_);  // first in, first out: an ended token is remembered for longest
  std::size_t tokens_ MORTISE_GUARDED_BY(mutex_) = 0;
  std::unordered_map<hooks::Ticket, std::uint32_t, TicketHash> questions_
      MORTISE_GUARDED_BY(mutex_);  // the token's slot, or kNoToken
  bool is_closed_ MORTISE_GUARDED_BY(mutex_) = false;
};

}  // namespace mortise::plugin_host
