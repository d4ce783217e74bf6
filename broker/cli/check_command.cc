#include <CLI/CLI.hpp>
#include <memory>

#include "broker/cli/broker.h"
#include "broker/cli/commands.h"
#include "broker/cli/default_paths.h"
#include "broker/cli/plugin_line.h"
#include "broker/config/settings.h"
#include "broker/net/tls_server.h"
#include "broker/observe/log_sink.h"

namespace mortise::cli {

namespace {

Result<void> check(const std::string& file) {
  Result<config::SettingsPtr> settings = config::load(file, default_plugin_dir());
  if (!settings) return std::move(settings).as_failure();
  observe::install_log_sink(LogLevel::kWarning);  // what plugins find odd in their configuration
  for (const std::string& warning : (*settings)->warnings) MORTISE_LOG(kWarning, "config", "%s", warning.c_str());
  const Result<std::vector<plugin_host::PluginDescription>> plugins = Broker::check(*settings);
  if (!plugins) return failure(plugins.error());
  for (std::size_t number = 0; number < (*settings)->listeners.size(); ++number) {
    const config::ListenerSettings& listener = (*settings)->listeners[number];
    if (listener.has_tls) {
      const auto loaded = net::TlsServer::load(listener, number);
      if (!loaded) return failure((*settings)->file.string() + ": " + loaded.error().message);
    }
    std::printf("listener %s\n", listener.url.c_str());
  }
  for (const plugin_host::PluginDescription& plugin : *plugins) std::printf("%s\n", describe(plugin).c_str());
  std::printf("%s: ok\n", (*settings)->file.c_str());
  return {};
}

}  // namespace

void add_check(CLI::App& app, int& status) {
  CLI::App* command =
      app.add_subcommand("check", "Check a configuration and what its plugins think of it; nothing is opened");
  auto file = std::make_shared<std::string>();
  command->add_option("file", *file, "The configuration (YAML)")->required();
  command->callback([file, &status] {
    const Result<void> done = check(*file);
    status = done ? 0 : fail("check", done.error());
  });
}

}  // namespace mortise::cli
