#include <algorithm>

#include "broker/plugin_host/decision_kinds.h"
#include "broker/plugin_host/handle_check.h"
#include "broker/plugin_host/services.h"

// mortise.token/1: answers that come later, from any thread. Each of the late ones is normal and has a status of its
// own.
namespace mortise::plugin_host {

namespace {

constexpr std::size_t kCreate = function_index(MORTISE_SERVICE_TOKEN, "create");

std::uint32_t create(mortise_handle call, std::uint32_t deadline_ms, mortise_handle* token) noexcept {
  if (token == nullptr) return MORTISE_E_NULL;
  *token = 0;
  if (call == 0) return MORTISE_E_NULL;
  if (!is_right_thread<kCreate>()) return refuse(MORTISE_E_WRONG_THREAD, kCreate, "was called outside of a hook");
  const Borrowed found = resolve_borrowed(call, kCreate);
  if (found.status != MORTISE_OK) return found.status;
  if (found.slot != 0) return refuse(MORTISE_E_WRONG_KIND, kCreate, "wants the running call, not a child of it");
  CallFrame& frame = *found.frame;
  if (!kCallPoints[frame.point()].accepts_pending)
    return refuse(MORTISE_E_ILLEGAL, kCreate, "was called in a hook that cannot wait");
  if (frame.answer->is_given || frame.answer->token != 0) return MORTISE_E_ALREADY;
  Instance& instance = frame.instance();
  const Millis deadline(deadline_ms);
  if (deadline_ms == 0 || deadline > instance.limits().token_deadline) return MORTISE_E_RANGE;
  if (!instance.accepts_work()) return MORTISE_E_CLOSED;
  const bool accepts_rules = frame.point() == kAuthorize && AccessKind::accepts_filter_rules(frame.object());
  const std::uint32_t status = instance.pending().create(frame.point(), steady_now() + deadline, accepts_rules, *token);
  if (status == MORTISE_OK) frame.answer->token = *token;
  if (status == MORTISE_E_QUOTA) instance.refuse_more(Quota::kTokens);
  return status;
}

/// Wrong in itself, not merely late.
bool is_misuse(std::uint32_t status) noexcept {
  switch (status) {
    case MORTISE_OK:
    case MORTISE_E_ALREADY:
    case MORTISE_E_TIMED_OUT:
    case MORTISE_E_CANCELLED:
    case MORTISE_E_CLOSED:
      return false;
    default:
      return true;
  }
}

template <class Kind>
std::uint32_t complete(mortise_handle self, mortise_handle token, const typename Kind::Given* given) noexcept {
  const Caller caller = resolve_self(self, Kind::kComplete);
  if (caller.status != MORTISE_OK) return caller.status;
  if (token == 0) return MORTISE_E_NULL;
  Instance& instance = *caller.instance;
  bool accepts_rules = false;
  std::uint32_t status = instance.pending().check(token, Kind::kHook, accepts_rules);
  if (status != MORTISE_OK) {
    return is_misuse(status) ? refuse(status, Kind::kComplete, "was given a token it cannot complete") : status;
  }
  typename Kind::Decision decision;
  constexpr std::uint32_t kVerdicts = abi::kHooks[Kind::kHook].verdict_mask & ~(1U << MORTISE_VERDICT_PENDING);
  const CheckedDecision checked = check_decision(given, {kVerdicts, accepts_rules}, decision);
  if (checked.status != MORTISE_OK) {
    return refuse(checked.status, Kind::kComplete, "was given a decision that is refused: " + checked.explanation);
  }
  hooks::Resolution resolution(std::move(decision));
  PendingTable::Completed completed = instance.pending().complete(token, Kind::kHook, std::move(resolution));
  if (completed.deliver_to)
    instance.environment().completions->complete(*completed.deliver_to, std::move(completed.resolution));
  return completed.status;
}

}  // namespace

constinit const mortise_token_v1 kTokenService = {
    sizeof(mortise_token_v1), 0, create, complete<AuthKind>, complete<AccessKind>, complete<BindKind>,
    complete<ExchangeKind>};

}  // namespace mortise::plugin_host
