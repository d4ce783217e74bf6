#pragma once

#include <string_view>

#include "broker/base/result.h"

namespace CLI {
class App;
}

/// The sub-commands of `mortise`. Each add_ function puts its options into `app` and, when the command line names it,
/// runs it and leaves the process' exit status in `status`. Both must outlive the parsing.
namespace mortise::cli {

void add_bench(CLI::App& app, int& status);
void add_check(CLI::App& app, int& status);
void add_ctl(CLI::App& app, int& status);
void add_passwd(CLI::App& app, int& status);
void add_plugin(CLI::App& app, int& status);
void add_pub(CLI::App& app, int& status);
void add_run(CLI::App& app, int& status);
void add_sub(CLI::App& app, int& status);

/// Prints `mortise <command>: <message>` on standard error. Returns the exit status of failure, 1.
int fail(std::string_view command, const Error& error);

}  // namespace mortise::cli
