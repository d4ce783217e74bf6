#include "broker/cli/plugin_line.h"

namespace mortise::cli {

namespace {

/// "store.open" of family "mortise.store/1" and hook "open".
std::string label_of(std::size_t hook) {
  std::string_view family = plugin_host::kCallPoints[hook].family;
  family.remove_prefix(family.find('.') + 1);
  return std::string(family.substr(0, family.find('/'))) + "." + std::string(plugin_host::kCallPoints[hook].name);
}

}  // namespace

plugin_host::PluginDescription describe(const plugin_host::LoadedPlugin& plugin,
                                        const config::PluginSettings& settings) {
  plugin_host::PluginDescription description{
      settings.name, settings.library.string(), plugin.name, plugin.version, {}, plugin.is_concurrent, settings.run};
  for (const std::size_t hook : plugin.hook_order) description.hooks.push_back(label_of(hook));
  return description;
}

std::string describe(const plugin_host::PluginDescription& plugin) {
  std::string hooks;
  for (const std::string& hook : plugin.hooks) hooks += (hooks.empty() ? "" : ", ") + hook;
  return "plugin " + plugin.instance + ": " + plugin.plugin + " " + plugin.version + " (" + hooks + "), " +
         (plugin.run == config::RunMode::kInline ? "inline" : "process") +
         (plugin.is_concurrent ? ", concurrent" : ", serial");
}

}  // namespace mortise::cli
