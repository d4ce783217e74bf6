#pragma once

#include <mortise/abi.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/plugin_host/call_points.h"

namespace mortise::plugin_host {

/// What a plugin said of itself, checked and copied. Immutable. Its code stays mapped until the process ends.
struct LoadedPlugin {
  struct Hook {
    mortise_hook_fn function = nullptr;  // null: not implemented
    std::uint64_t fields = 0;            // what travels with the request to a child process
    std::uint64_t child_fields = 0;
  };

  std::string library;
  std::string name;
  std::string version;
  bool is_concurrent = false;
  std::array<Hook, kHookCount> hooks{};
  std::vector<std::size_t> hook_order;  // as the plugin lists them
  std::vector<std::string> ignored;     // optional hooks this host does not know
  mortise_start_fn on_start = nullptr;
  mortise_lifecycle_fn on_config = nullptr;
  mortise_lifecycle_fn on_stop = nullptr;
  mortise_lifecycle_fn on_timer = nullptr;

  bool has(std::size_t hook) const noexcept { return hooks[hook].function != nullptr; }
  bool has_family(std::string_view family) const noexcept {
    for (const std::size_t hook : hook_order) {
      if (kCallPoints[hook].family == family) return true;
    }
    return false;
  }
};

}  // namespace mortise::plugin_host
