#pragma once

#include <string>

#include "broker/plugin_host/host.h"
#include "broker/plugin_host/loaded_plugin.h"

namespace mortise::cli {

/// "plugin passwords: auth-file 0.1.0 (auth.authenticate, auth.authorize), inline, concurrent".
std::string describe(const plugin_host::PluginDescription& plugin);

/// What a library says of itself, as the instance that `settings` would make of it.
plugin_host::PluginDescription describe(const plugin_host::LoadedPlugin& plugin,
                                        const config::PluginSettings& settings);

}  // namespace mortise::cli
