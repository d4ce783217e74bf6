#pragma once

#include <filesystem>
#include <vector>

#include "broker/base/result.h"
#include "broker/core/ban_list.h"

/// Bans in a file (JSON), so that they outlive the broker.
namespace mortise::admin {

/// Those in `file`; none when there is no such file. Errors: it cannot be read, or holds something else: what, and what
/// to do.
Result<std::vector<core::Ban>> read_bans(const std::filesystem::path& file);

/// Errors: it cannot be written; then it is as it was.
Result<void> write_bans(const std::filesystem::path& file, const std::vector<core::Ban>& bans);

}  // namespace mortise::admin
