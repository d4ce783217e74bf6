#pragma once

#include <cstddef>
#include <string_view>

namespace mortise {

/// A line is cut behind so many bytes: what a plugin may say (MORTISE_MAX_LOG_BYTES) fits, every byte of it escaped.
inline constexpr std::size_t kLongestLogLine = 20u << 10;

enum class LogLevel : int { kDebug, kInfo, kWarning, kError };

/// Receives finished lines, from any thread; must not block for long and must not throw.
using LogSink = void (*)(LogLevel level, std::string_view component, std::string_view line);

/// Sets where lines go (default: standard error, "level component: line") and the lowest level kept. Thread: any, but
/// meant for start-up.
void set_log_sink(LogSink sink, LogLevel lowest) noexcept;
bool is_logged(LogLevel level) noexcept;

[[gnu::format(printf, 3, 4)]] void log_line(LogLevel level, const char* component, const char* format, ...) noexcept;

}  // namespace mortise

/// MORTISE_LOG(kInfo, "net", "listening on %s", url.c_str()). Text from a peer goes through quoted() first.
#define MORTISE_LOG(level, component, ...)                                     \
  do {                                                                         \
    if (::mortise::is_logged(::mortise::LogLevel::level))                      \
      ::mortise::log_line(::mortise::LogLevel::level, component, __VA_ARGS__); \
  } while (false)
