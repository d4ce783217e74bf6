#include "broker/plugin_host/pending_table.h"

#include <limits>
#include <utility>

#include "broker/plugin_host/handle.h"
#include "broker/plugin_host/owned_table.h"

namespace mortise::plugin_host {

// ---- Questions ------------------------------------------------------------------------------------------------------

bool PendingTable::open(const hooks::Ticket& ticket) {
  const MutexLock lock(mutex_);
  if (is_closed_ || questions_.size() >= limit_) return false;
  questions_.insert_or_assign(ticket, kNoToken);
  return true;
}

bool PendingTable::is_open(const hooks::Ticket& ticket) const {
  const MutexLock lock(mutex_);
  return questions_.contains(ticket);
}

bool PendingTable::finish(const hooks::Ticket& ticket) {
  const MutexLock lock(mutex_);
  return questions_.erase(ticket) != 0;
}

// ---- Tokens ---------------------------------------------------------------------------------------------------------

std::uint32_t PendingTable::create(std::size_t point, SteadyTime deadline, bool accepts_rules, mortise_handle& token) {
  const MutexLock lock(mutex_);
  if (is_closed_) return MORTISE_E_CLOSED;
  if (tokens_ >= limit_) return MORTISE_E_QUOTA;
  std::uint32_t local;
  if (free_.empty()) {
    const auto added = indexes_.add();
    if (!added) return MORTISE_E_QUOTA;
    local = added->local;
    Slot slot{};
    slot.generation = slot.floor = added->generation_floor;
    slots_.push_back(std::move(slot));
  } else {
    local = free_.front();
    free_.pop_front();
  }
  Slot& slot = slots_[local];
  ++slot.generation;
  indexes_.note_generation(slot.generation);
  slot.state = State::kCreated;
  slot.point = point;
  slot.deadline = deadline;
  slot.accepts_rules = accepts_rules;
  ++tokens_;
  token = handle::owned(MORTISE_KIND_TOKEN, indexes_.index_of(local), slot.generation);
  return MORTISE_OK;
}

std::uint32_t PendingTable::how_it_ended(const Slot& slot, std::uint32_t generation) const noexcept {
  const std::uint32_t ago = slot.generation - generation - (slot.state == State::kFree ? 0 : 1);
  const auto how = ago < 32 ? static_cast<End>((slot.ends >> (2 * ago)) & 3) : End::kUnknown;
  if (how == End::kTimedOut) return MORTISE_E_TIMED_OUT;
  if (how == End::kCancelled) return MORTISE_E_CANCELLED;
  return MORTISE_E_ALREADY;  // also what nobody remembers: 32 tokens of the same slot have come and gone since
}

std::uint32_t PendingTable::find(mortise_handle token, std::uint32_t& local) const {
  if (token == 0) return MORTISE_E_NULL;
  if (!handle::is_owned(token)) return MORTISE_E_WRONG_KIND;
  if (handle::kind_of(token) != MORTISE_KIND_TOKEN) return MORTISE_E_WRONG_KIND;
  const std::uint32_t index = handle::index_of(token);
  if (HandleSlots::owner_of(index) != owner_) {
    const std::uint32_t status = classify_owned_elsewhere(index);
    return status == MORTISE_E_RELEASED ? MORTISE_E_CANCELLED : status;  // of an instance that has stopped
  }
  const auto found = indexes_.find(index);
  if (!found || *found >= slots_.size()) return MORTISE_E_FORGED;
  const Slot& slot = slots_[*found];
  const std::uint32_t generation = handle::generation_of(token);
  if (generation == 0 || generation > slot.generation) return MORTISE_E_FORGED;
  if (generation <= slot.floor) return MORTISE_E_CANCELLED;
  local = *found;
  if (generation == slot.generation && slot.state != State::kFree) return MORTISE_OK;
  return how_it_ended(slot, generation);
}

void PendingTable::end(std::uint32_t local, End how) {
  Slot& slot = slots_[local];
  slot.state = State::kFree;
  slot.early = hooks::FailureKind::kError;
  if (slot.clock != nullptr) std::exchange(slot.clock, nullptr)->cancel(slot.alarm);
  slot.ends = slot.ends << 2 | static_cast<std::uint64_t>(how);
  --tokens_;
  if (slot.generation != std::numeric_limits<std::uint32_t>::max()) free_.push_back(local);
}

PendingTable::Armed PendingTable::arm(mortise_handle token, const hooks::Ticket& ticket, bool was_opened) {
  Armed armed;
  const MutexLock lock(mutex_);
  std::uint32_t local = 0;
  if (find(token, local) != MORTISE_OK) {  // closed meanwhile
    armed.state = Armed::State::kNobodyWaits;
    return armed;
  }
  Slot& slot = slots_[local];
  armed.deadline = slot.deadline;
  if (was_opened && !questions_.contains(ticket)) {
    end(local, End::kCancelled);
    armed.state = Armed::State::kNobodyWaits;
  } else if (slot.state == State::kCompletedEarly) {
    armed.state = Armed::State::kCompleted;
    armed.early = std::move(slot.early);
    end(local, End::kCompleted);
  } else {
    slot.state = State::kPending;
    slot.ticket = ticket;
    questions_.insert_or_assign(ticket, local);
  }
  return armed;
}

void PendingTable::set_alarm(const hooks::Ticket& ticket, DeadlineClock& clock, const DeadlineClock::Entry& alarm) {
  const MutexLock lock(mutex_);
  const auto question = questions_.find(ticket);
  if (question == questions_.end() || question->second == kNoToken) {
    clock.cancel(alarm);
    return;
  }
  slots_[question->second].clock = &clock;
  slots_[question->second].alarm = alarm;
}

void PendingTable::abandon(mortise_handle token) {
  const MutexLock lock(mutex_);
  std::uint32_t local = 0;
  if (find(token, local) == MORTISE_OK) end(local, End::kCancelled);
}

std::uint32_t PendingTable::check(mortise_handle token, std::size_t point, bool& accepts_rules) const {
  const MutexLock lock(mutex_);
  if (is_closed_) return MORTISE_E_CLOSED;
  std::uint32_t local = 0;
  if (const std::uint32_t status = find(token, local); status != MORTISE_OK) return status;
  const Slot& slot = slots_[local];
  if (slot.state == State::kCompletedEarly) return MORTISE_E_ALREADY;
  accepts_rules = slot.accepts_rules;
  return slot.point == point ? MORTISE_OK : MORTISE_E_ILLEGAL;
}

PendingTable::Completed PendingTable::complete(mortise_handle token, std::size_t point, hooks::Resolution resolution) {
  const MutexLock lock(mutex_);
  if (is_closed_) return {MORTISE_E_CLOSED, std::nullopt};
  std::uint32_t local = 0;
  if (const std::uint32_t status = find(token, local); status != MORTISE_OK) return {status, std::nullopt};
  Slot& slot = slots_[local];
  if (slot.state == State::kCompletedEarly) return {MORTISE_E_ALREADY, std::nullopt};
  if (slot.point != point) return {MORTISE_E_ILLEGAL, std::nullopt};
  if (slot.state == State::kCreated) {
    slot.early = std::move(resolution);
    slot.state = State::kCompletedEarly;
    return {};
  }
  const hooks::Ticket ticket = slot.ticket;
  questions_.erase(ticket);
  end(local, End::kCompleted);
  return {MORTISE_OK, ticket, std::move(resolution)};
}

// ---- Ends -----------------------------------------------------------------------------------------------------------

bool PendingTable::end_question(const hooks::Ticket& ticket, End how) {
  const auto question = questions_.find(ticket);
  if (question == questions_.end()) return false;
  if (question->second != kNoToken) end(question->second, how);
  questions_.erase(question);
  return true;
}

bool PendingTable::expire(const hooks::Ticket& ticket) {
  const MutexLock lock(mutex_);
  return end_question(ticket, End::kTimedOut);
}

void PendingTable::cancel(const hooks::Ticket& ticket) {
  const MutexLock lock(mutex_);
  end_question(ticket, End::kCancelled);
}

std::size_t PendingTable::close() {
  const MutexLock lock(mutex_);
  is_closed_ = true;
  const std::size_t pending = tokens_;
  for (std::uint32_t local = 0; local < slots_.size(); ++local) {
    if (slots_[local].state != State::kFree) end(local, End::kCancelled);
  }
  questions_.clear();
  return pending;
}

std::size_t PendingTable::size() const {
  const MutexLock lock(mutex_);
  return tokens_;
}

}  // namespace mortise::plugin_host
