#include "tests/unit/config/parse_helpers.h"

#include <cstdlib>
#include <fstream>
#include <iostream>

namespace mortise::config {

namespace {

struct PluginFolder {
  std::filesystem::path path;
  PluginFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mortise-config-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path = pattern;
    for (const char* name : {"auth.so", "affix.so", "store.so"}) std::ofstream(path / name).put('\n');
  }
  ~PluginFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

}  // namespace

const std::filesystem::path& plugin_folder() {
  static const PluginFolder folder;
  return folder.path;
}

SettingsPtr settings_of(std::string_view text) {
  auto settings = parse(text, "test.yaml", plugin_folder());
  if (!settings) std::cerr << settings.error().message << "\n";
  return *settings;
}

std::string error_of(std::string_view text) {
  const auto settings = parse(text, "test.yaml", plugin_folder());
  return settings ? "no error" : settings.error().message;
}

}  // namespace mortise::config
