#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace mortise::config {

/// "64KiB" -> 65536. Errors: no unit (the message names the remedy), an unknown unit (1MB: meant 1MiB), not a number,
/// too large.
Result<std::uint64_t> parse_size(std::string_view text);
/// "5m" -> 300000 (milliseconds). Errors: as above.
Result<std::uint64_t> parse_duration(std::string_view text);

/// The shortest way to write it that is exact: 65536 -> "64KiB", 65535 -> "65535B".
std::string render_size(std::uint64_t bytes);
/// 604800000 -> "7d".
std::string render_duration(std::uint64_t milliseconds);

}  // namespace mortise::config
