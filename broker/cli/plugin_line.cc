#include "broker/cli/plugin_line.h"

namespace mortise::cli {

std::string describe(const plugin_host::PluginDescription& plugin) {
  std::string hooks;
  for (const std::string& hook : plugin.hooks) hooks += (hooks.empty() ? "" : ", ") + hook;
  return "plugin " + plugin.instance + ": " + plugin.plugin + " " + plugin.version + " (" + hooks + "), " +
         (plugin.run == config::RunMode::kInline ? "inline" : "process") +
         (plugin.is_concurrent ? ", concurrent" : ", serial");
}

}  // namespace mortise::cli
