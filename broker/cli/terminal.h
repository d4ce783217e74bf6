#pragma once

#include <string>

#include "broker/base/result.h"

namespace mortise::cli {

/// Reads a password twice: from the terminal without echo, after `prompt`; when standard input is none, its first two
/// lines (one line alone is taken as both). Errors: the two differ, it is empty, or there is no input.
Result<std::string> read_new_password(const std::string& prompt);

}  // namespace mortise::cli
