#include <cstdio>

#include "broker/cli/commands.h"

namespace mortise::cli {

int fail(std::string_view command, const Error& error) {
  std::fflush(stdout);
  std::fprintf(stderr, "mortise %.*s: %s\n", static_cast<int>(command.size()), command.data(), error.message.c_str());
  return 1;
}

}  // namespace mortise::cli
