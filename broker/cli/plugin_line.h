#pragma once

#include <string>

#include "broker/plugin_host/host.h"

namespace mortise::cli {

/// "plugin passwords: auth-file 0.1.0 (auth.authenticate, auth.authorize), inline, concurrent".
std::string describe(const plugin_host::PluginDescription& plugin);

}  // namespace mortise::cli
