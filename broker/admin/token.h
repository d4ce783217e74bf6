#pragma once

#include <filesystem>
#include <string>

#include "broker/base/result.h"

namespace mortise::admin {

/// The token in `file`, which only its owner may read; made of 256 random bits when there is none. Errors: it cannot be
/// read or written, others can read it, or it holds no token (16 to 1024 visible ASCII characters): which, and what to
/// do.
Result<std::string> read_or_make_token(const std::filesystem::path& file);
/// The same for one that must be there: for a client of the API.
Result<std::string> read_token(const std::filesystem::path& file);

/// Whether the two are the same; takes as long for any `given` of the same length.
bool is_same_token(const std::string& token, std::string_view given) noexcept;

}  // namespace mortise::admin
