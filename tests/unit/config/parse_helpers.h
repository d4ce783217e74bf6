#pragma once

#include <string>
#include <string_view>

#include "broker/config/settings.h"

namespace mortise::config {

/// The Settings of a text that must be right; ends the test program with the error otherwise.
SettingsPtr settings_of(std::string_view text);

/// The error of a text that must be wrong ("test.yaml:2:3: ..."); "no error" otherwise.
std::string error_of(std::string_view text);

/// A folder with empty files auth.so, affix.so and store.so, which serve as libraries where only their being there
/// matters.
const std::filesystem::path& plugin_folder();

}  // namespace mortise::config
