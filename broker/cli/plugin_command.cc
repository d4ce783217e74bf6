#include <CLI/CLI.hpp>
#include <memory>

#include "broker/base/bytes.h"
#include "broker/cli/commands.h"
#include "broker/cli/default_paths.h"
#include "broker/cli/plugin_line.h"
#include "broker/plugin_host/loader.h"

namespace mortise::cli {

namespace {

/// As the configuration finds it: a path, or a file's name in the folder of plugins.
std::filesystem::path find_library(const std::string& written) {
  if (written.find('/') != std::string::npos) return std::filesystem::absolute(written);
  return default_plugin_dir() / written;
}

Result<void> inspect(const std::string& written) {
  const std::filesystem::path library = find_library(written);
  std::error_code error;
  if (!std::filesystem::exists(library, error)) {
    return failure(quoted(library.string()) + " is not there; give a path, or a file in " +
                   quoted(default_plugin_dir().string()));
  }
  const auto loaded = plugin_host::load_plugin(library);
  if (!loaded) return failure(quoted(library.string()) + ": " + loaded.error().message);
  config::PluginSettings settings;
  settings.name = library.stem().string();
  settings.library = library;
  std::printf("%s\n", describe(describe(**loaded, settings)).c_str());
  return {};
}

}  // namespace

void add_plugin(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("plugin", "Look at plugins");
  command->require_subcommand(1);
  CLI::App* inspection = command->add_subcommand("inspect", "Load a plugin's library and print what it says of itself");
  auto library = std::make_shared<std::string>();
  inspection->add_option("library", *library, "The .so: a path, or a file in the folder of plugins")->required();
  inspection->callback([library, &status] {
    const Result<void> done = inspect(*library);
    status = done ? 0 : fail("plugin inspect", done.error());
  });
}

}  // namespace mortise::cli
