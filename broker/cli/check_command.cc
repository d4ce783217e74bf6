#include <CLI/CLI.hpp>
#include <memory>

#include "broker/cli/commands.h"
#include "broker/cli/default_paths.h"
#include "broker/config/settings.h"

namespace mortise::cli {

namespace {

/// What the settings come to, in a few lines.
void print_summary(const config::Settings& settings) {
  for (const std::string& warning : settings.warnings)
    std::fprintf(stderr, "mortise check: warning: %s\n", warning.c_str());
  for (const config::ListenerSettings& listener : settings.listeners)
    std::printf("listener %s\n", listener.url.c_str());
  for (const config::PluginSettings& plugin : settings.plugins) {
    std::printf("plugin %s: %s\n", plugin.name.c_str(), plugin.library.c_str());
  }
  std::printf("%s: ok\n", settings.file.c_str());
}

}  // namespace

void add_check(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("check", "Check a configuration without running it");
  auto file = std::make_shared<std::string>();
  command->add_option("file", *file, "The configuration (YAML)")->required();
  command->callback([file, &status] {
    const Result<config::SettingsPtr> settings = config::load(*file, default_plugin_dir());
    if (settings) print_summary(**settings);
    status = settings ? 0 : fail("check", settings.error());
  });
}

}  // namespace mortise::cli
