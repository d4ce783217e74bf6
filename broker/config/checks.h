#pragma once

#include <filesystem>

#include "broker/config/reader.h"

namespace mortise::config {

/// What only makes sense together: addresses, libraries that are there, hooks that name plugins, policies that apply,
/// who may connect. Makes paths absolute (`reading.settings.directory` is set) and fills `warnings`. Errors: the first
/// thing wrong.
Result<void, Problem> check_reading(Reading& reading, const std::filesystem::path& default_plugin_dir);

}  // namespace mortise::config
