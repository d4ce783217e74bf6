#pragma once

#include <filesystem>

namespace mortise::cli {

/// Where plugins are when the configuration does not say: lib/mortise/plugins beside the folder of the program.
std::filesystem::path default_plugin_dir();

}  // namespace mortise::cli
