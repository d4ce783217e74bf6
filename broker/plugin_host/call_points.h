#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/plugin_host/abi_lookup.h"

namespace mortise::plugin_host {

/// Something of a plugin that the host calls with a handle: the hooks, and on_start, on_config, on_stop, on_timer.
struct CallPoint {
  const char* family = "";  // "mortise.auth/1"; empty for the lifecycle
  const char* name = "";
  std::uint32_t kind = 0;        // of the call handle
  std::uint32_t child_kind = 0;  // of what get_child gives; 0: no children
  std::uint32_t thread_tag = 0;  // abi::kInit or abi::kHook
  bool accepts_pending = false;
};

inline constexpr std::size_t kHookCount = abi::kHooks.size();
inline constexpr std::size_t kOnStart = kHookCount;
inline constexpr std::size_t kOnConfig = kHookCount + 1;
inline constexpr std::size_t kOnStop = kHookCount + 2;
inline constexpr std::size_t kOnTimer = kHookCount + 3;

/// The hooks in the order of abi::kHooks, then the lifecycle.
inline constexpr std::array<CallPoint, kHookCount + 4> kCallPoints = [] {
  std::array<CallPoint, kHookCount + 4> points{};
  for (std::size_t i = 0; i < kHookCount; ++i) {
    const abi::HookRow& row = abi::kHooks[i];
    points[i] = {row.family.data(), row.name.data(), row.call_kind, row.child_kind, abi::kHook, row.accepts_pending};
  }
  points[kOnStart] = {"", "on_start", MORTISE_KIND_CONFIG, 0, abi::kInit, false};
  points[kOnConfig] = {"", "on_config", MORTISE_KIND_CONFIG, 0, abi::kInit, false};
  points[kOnStop] = {"", "on_stop", MORTISE_KIND_CONFIG, 0, abi::kInit, false};
  points[kOnTimer] = {"", "on_timer", MORTISE_KIND_TIMER, 0, abi::kHook, false};
  return points;
}();

inline constexpr std::size_t kAuthenticate = abi::find_hook(MORTISE_HOOK_AUTH_AUTHENTICATE);
inline constexpr std::size_t kAuthorize = abi::find_hook(MORTISE_HOOK_AUTH_AUTHORIZE);
inline constexpr std::size_t kExchange = abi::find_hook(MORTISE_HOOK_AUTH_EXCHANGE);
inline constexpr std::size_t kExchangeEnded = abi::find_hook(MORTISE_HOOK_AUTH_EXCHANGE_ENDED);
inline constexpr std::size_t kBind = abi::find_hook(MORTISE_HOOK_TOPIC_BIND);
inline constexpr std::size_t kStoreOpen = abi::find_hook(MORTISE_HOOK_STORE_OPEN);
inline constexpr std::size_t kStoreCommit = abi::find_hook(MORTISE_HOOK_STORE_COMMIT);
inline constexpr std::size_t kStoreLoad = abi::find_hook(MORTISE_HOOK_STORE_LOAD);
inline constexpr std::size_t kStoreFetch = abi::find_hook(MORTISE_HOOK_STORE_FETCH);
inline constexpr std::size_t kEvents = abi::find_hook(MORTISE_HOOK_EVENT_EVENTS);

/// "auth.authenticate", "on_start": for the log and the metrics.
inline std::string label_of(std::size_t point) {
  if (point >= kCallPoints.size()) return "no call";
  const CallPoint& row = kCallPoints[point];
  std::string_view family = row.family;
  if (family.empty()) return row.name;
  family.remove_prefix(std::string_view("mortise.").size());
  return std::string(family.substr(0, family.find('/'))) + "." + row.name;
}

}  // namespace mortise::plugin_host
