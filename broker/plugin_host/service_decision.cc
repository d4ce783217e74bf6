#include "broker/base/bytes.h"
#include "broker/base/log.h"
#include "broker/plugin_host/decision_check.h"
#include "broker/plugin_host/decision_kinds.h"
#include "broker/plugin_host/handle_check.h"
#include "broker/plugin_host/services.h"

// mortise.decision/1: exactly once per call, copied at once.
namespace mortise::plugin_host {

namespace {

/// Which status a token deserves that is not the one made in this call.
std::uint32_t classify_token(const CallFrame& frame, mortise_handle token, std::size_t point) {
  if (!handle::is_owned(token) || handle::kind_of(token) != MORTISE_KIND_TOKEN) return MORTISE_E_WRONG_KIND;
  bool accepts_rules = false;
  const std::uint32_t status = frame.instance().pending().check(token, point, accepts_rules);
  switch (status) {
    case MORTISE_E_FORGED:
    case MORTISE_E_FOREIGN:
      return status;
    case MORTISE_OK:
    case MORTISE_E_ILLEGAL:
      return MORTISE_E_ILLEGAL;  // a token, but of another call
    default:
      return MORTISE_E_RELEASED;  // it has ended
  }
}

template <class Kind>
std::uint32_t decide(mortise_handle call, const typename Kind::Given* given) noexcept {
  constexpr std::size_t kFunction = Kind::kDecide;
  if (call == 0) return MORTISE_E_NULL;
  if (!is_right_thread<kFunction>()) [[unlikely]]
    return refuse(MORTISE_E_WRONG_THREAD, kFunction, "was called outside of a hook");
  const Borrowed found = resolve_call(call, kCallPoints[Kind::kHook].kind, kFunction);
  if (found.status != MORTISE_OK) [[unlikely]]
    return found.status;
  AnswerSlot& answer = *found.frame->answer;
  if (answer.is_given) return refuse(MORTISE_E_ALREADY, kFunction, "decided twice");
  auto& decision = *static_cast<typename Kind::Decision*>(answer.decision);
  const DecisionRules rules{abi::kHooks[Kind::kHook].verdict_mask, Kind::accepts_filter_rules(found.object)};
  CheckedDecision checked = check_decision(given, rules, decision);
  if (checked.status == MORTISE_OK && checked.token != answer.token && checked.token != 0) {
    checked.status = classify_token(*found.frame, checked.token, Kind::kHook);
  }
  if (checked.status != MORTISE_OK) [[unlikely]]
    return refuse(checked.status, kFunction, "was given a decision that is refused: " + checked.explanation);
  answer.is_given = true;
  answer.is_pending = checked.verdict == MORTISE_VERDICT_PENDING;
  if (!checked.explanation.empty())
    log_explanation(found.frame->instance(), Kind::kHook, found.frame->client(), checked);
  return MORTISE_OK;
}

}  // namespace

void log_explanation(const Instance& instance, std::size_t hook, std::string_view client,
                     const CheckedDecision& checked) {
  if (!is_logged(LogLevel::kDebug)) return;
  MORTISE_LOG(kDebug, "plugin", "%s %s client %s: %s, because %s", instance.name().c_str(), label_of(hook).c_str(),
              quoted(client, 64).c_str(), checked.verdict == MORTISE_VERDICT_DENY ? "deny" : "allow",
              quoted(checked.explanation).c_str());
}

constinit const mortise_decision_v1 kDecisionService = {
    sizeof(mortise_decision_v1), 0, decide<AuthKind>, decide<AccessKind>, decide<BindKind>, decide<ExchangeKind>};

}  // namespace mortise::plugin_host
