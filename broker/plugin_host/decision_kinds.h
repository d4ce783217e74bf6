#pragma once

#include <mortise/abi.h>

#include <cstddef>
#include <string_view>

#include "broker/hooks/decisions.h"
#include "broker/hooks/requests.h"
#include "broker/plugin_host/decision_check.h"
#include "broker/plugin_host/handle_check.h"

/// The four kinds of decision, for what decision/1 and token/1 do alike.
namespace mortise::plugin_host {

struct AuthKind {
  using Given = mortise_auth_decision;
  using Decision = hooks::AuthDecision;
  static constexpr std::size_t kHook = kAuthenticate;
  static constexpr std::size_t kDecide = function_index(MORTISE_SERVICE_DECISION, "decide_auth");
  static constexpr std::size_t kComplete = function_index(MORTISE_SERVICE_TOKEN, "complete_auth");
  static bool accepts_filter_rules(const void*) noexcept { return false; }
};

struct AccessKind {
  using Given = mortise_access_decision;
  using Decision = hooks::AccessDecision;
  static constexpr std::size_t kHook = kAuthorize;
  static constexpr std::size_t kDecide = function_index(MORTISE_SERVICE_DECISION, "decide_access");
  static constexpr std::size_t kComplete = function_index(MORTISE_SERVICE_TOKEN, "complete_access");
  static bool accepts_filter_rules(const void* request) noexcept {
    return static_cast<const hooks::AccessRequest*>(request)->action == hooks::Action::kSubscribe;
  }
};

struct ExchangeKind {
  using Given = mortise_exchange_decision;
  using Decision = hooks::ExchangeDecision;
  static constexpr std::size_t kHook = kExchange;
  static constexpr std::size_t kDecide = function_index(MORTISE_SERVICE_DECISION, "decide_exchange");
  static constexpr std::size_t kComplete = function_index(MORTISE_SERVICE_TOKEN, "complete_exchange");
  static bool accepts_filter_rules(const void*) noexcept { return false; }
};

struct BindKind {
  using Given = mortise_bind_decision;
  using Decision = hooks::BindDecision;
  static constexpr std::size_t kHook = kBind;
  static constexpr std::size_t kDecide = function_index(MORTISE_SERVICE_DECISION, "decide_bind");
  static constexpr std::size_t kComplete = function_index(MORTISE_SERVICE_TOKEN, "complete_bind");
  static bool accepts_filter_rules(const void*) noexcept { return false; }
};

/// Writes the plugin's own reason to the log.
void log_explanation(const Instance& instance, std::size_t hook, std::string_view client,
                     const CheckedDecision& checked);

}  // namespace mortise::plugin_host
