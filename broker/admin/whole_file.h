#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace mortise::admin {

/// What gives a file that was written aside its name: std::rename, which replaces what is there, or ::link, which does
/// not.
using NameFile = int (*)(const char* aside, const char* file);

/// Writes `text` to a file aside, for its owner alone, and then names it: whoever finds the file finds it whole, and
/// when the disk is full what was there stays and nothing else is left. Returns what it was not possible for, with what
/// to do about it; nothing: it is done.
std::string write_whole(const std::filesystem::path& file, const std::string& aside, std::string_view text,
                        NameFile name_file);

}  // namespace mortise::admin
