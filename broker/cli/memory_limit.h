#pragma once

#include <cstdint>
#include <filesystem>

namespace mortise::cli {

/// Bytes of memory that this process may use at most: the least of what its control groups (version 1 or 2) allow and
/// what the machine has. 0: not to be found out. `root`: where proc and sys are, for tests.
std::uint64_t memory_limit(const std::filesystem::path& root = "/");

/// Bytes of memory that this process holds now (its resident set). 0: not to be found out.
std::uint64_t memory_in_use();

}  // namespace mortise::cli
