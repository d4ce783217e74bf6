#pragma once

#include <string>
#include <vector>

#include "broker/config/settings.h"

namespace mortise::config {

/// What a reload comes to: which keys differ, and what is to run from now on. Keys are called as in messages:
/// "log.level", "listeners[tcp://127.0.0.1:1883].versions", "plugins[passwords].config".
struct Changes {
  std::vector<std::string> applied;
  std::vector<std::string> needs_restart;
  /// The new settings, but for what needs a restart, which is as it was.
  Settings effective;
};

/// Both are validated. Listeners are the same when their urls are, plugins when their names are; those that are new or
/// gone count as applied, a store apart.
Changes changes_between(const Settings& running, const Settings& wanted);

}  // namespace mortise::config
