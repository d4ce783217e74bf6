#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "broker/base/time.h"
#include "broker/hooks/instances.h"

namespace mortise::plugin_host {

struct SetTimerIntent {
  std::uint64_t id = 0;
  Millis delay{0};
};
struct CancelTimerIntent {
  std::uint64_t id = 0;
};

/// What a hook asked for while it ran (R7): done after it returned OK, forgotten otherwise.
using QueuedIntent = std::variant<hooks::Intent, SetTimerIntent, CancelTimerIntent>;

/// Publishes of plugins that a message may have caused, one after the other; the next one is dropped.
inline constexpr std::uint8_t kMaximumHops = 3;

}  // namespace mortise::plugin_host
