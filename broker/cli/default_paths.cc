#include "broker/cli/default_paths.h"

namespace mortise::cli {

std::filesystem::path default_plugin_dir() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return "/usr/lib/mortise/plugins";
  return program.parent_path().parent_path() / "lib" / "mortise" / "plugins";
}

}  // namespace mortise::cli
