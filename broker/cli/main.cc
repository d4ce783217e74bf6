#include <CLI/CLI.hpp>
#include <cstdio>

#include "broker/cli/commands.h"

int main(int argc, char** argv) {
  using namespace mortise;
  CLI::App app{"Mortise, an MQTT broker made to be extended.", "mortise"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "mortise " MORTISE_VERSION);
  int status = 0;
  cli::add_run(app, status);
  cli::add_check(app, status);
  cli::add_ctl(app, status);
  cli::add_plugin(app, status);
  cli::add_passwd(app, status);
  cli::add_pub(app, status);
  cli::add_sub(app, status);
  cli::add_bench(app, status);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // --help and --version come this way too, as success.
    if (error.get_exit_code() == 0) return app.exit(error);
    const auto chosen = app.get_subcommands();
    const std::string command = chosen.empty() ? "" : " " + chosen.front()->get_name();
    std::fprintf(stderr, "mortise%s: %s (see mortise%s --help)\n", command.c_str(), error.what(), command.c_str());
    return 1;
  }
  return status;
}
