#pragma once

#include <mortise/abi.h>

#include <cstdint>
#include <string>

#include "broker/hooks/decisions.h"

/// Decisions as plugins give them: copied, checked and made into the broker's own (R6). The plugin's memory is read
/// once and not after the call.
namespace mortise::plugin_host {

/// What is legal for one decision.
struct DecisionRules {
  std::uint32_t verdict_mask = 0;     // bit n: verdict n
  bool accepts_filter_rules = false;  // authorize of SUBSCRIBE
};

/// What came of it besides the decision.
struct CheckedDecision {
  std::uint32_t status = MORTISE_OK;  // E_NULL, E_SIZE, E_INVALID, E_RANGE or E_ILLEGAL
  std::uint32_t verdict = 0;
  mortise_handle token = 0;  // of PENDING; whether it is the right one is the caller's to check
  std::string explanation;
};

/// `out` is as new; it is so again when the status is not OK.
CheckedDecision check_decision(const mortise_auth_decision* given, const DecisionRules& rules,
                               hooks::AuthDecision& out);
CheckedDecision check_decision(const mortise_access_decision* given, const DecisionRules& rules,
                               hooks::AccessDecision& out);
CheckedDecision check_decision(const mortise_exchange_decision* given, const DecisionRules& rules,
                               hooks::ExchangeDecision& out);
CheckedDecision check_decision(const mortise_bind_decision* given, const DecisionRules& rules,
                               hooks::BindDecision& out);

}  // namespace mortise::plugin_host
