#pragma once

#include <string>
#include <string_view>

#include "broker/base/log.h"
#include "broker/base/time.h"

namespace mortise::observe {

/// Sends what is logged at `lowest` or above to standard error, a line each. Thread: any, meant for start-up.
void install_log_sink(LogLevel lowest);

/// "2026-01-02T03:04:05.678Z".
std::string utc_text(WallTime time);

/// "2026-01-02T03:04:05.678Z warning net: line" and a newline. Control characters inside become spaces, so that one
/// call is one line whatever it was given.
std::string format_log_line(WallTime time, LogLevel level, std::string_view component, std::string_view line);

}  // namespace mortise::observe
