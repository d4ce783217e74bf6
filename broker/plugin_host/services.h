#pragma once

#include <mortise/abi.h>

#include <cstdint>

/// The functions a plugin may call. Constant tables: they lie in memory that the loader makes read-only, and stay until
/// the process ends.
namespace mortise::plugin_host {

extern const mortise_core_v1 kCoreService;
extern const mortise_view_v1 kViewService;
extern const mortise_decision_v1 kDecisionService;
extern const mortise_token_v1 kTokenService;
extern const mortise_intent_v1 kIntentService;
extern const mortise_store_v1 kStoreService;

/// mortise_hello.get_service. Thread: any.
std::uint32_t get_service(mortise_bytes name, const void** table) noexcept;

/// What every plugin's entry is given.
const mortise_hello& hello() noexcept;

}  // namespace mortise::plugin_host
