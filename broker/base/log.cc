#include "broker/base/log.h"

#include <array>
#include <atomic>
#include <cstdarg>
#include <cstdio>

namespace mortise {

namespace {

void write_to_standard_error(LogLevel level, std::string_view component, std::string_view line) {
  static constexpr std::array<const char*, 4> kNames = {"debug", "info", "warning", "error"};
  std::fprintf(stderr, "%s %.*s: %.*s\n", kNames[static_cast<std::size_t>(level)], static_cast<int>(component.size()),
               component.data(), static_cast<int>(line.size()), line.data());
}

std::atomic<LogSink> sink{&write_to_standard_error};
std::atomic<LogLevel> lowest_level{LogLevel::kInfo};

}  // namespace

void set_log_sink(LogSink new_sink, LogLevel lowest) noexcept {
  sink.store(new_sink != nullptr ? new_sink : &write_to_standard_error, std::memory_order_release);
  lowest_level.store(lowest, std::memory_order_relaxed);
}

bool is_logged(LogLevel level) noexcept { return level >= lowest_level.load(std::memory_order_relaxed); }

void log_line(LogLevel level, const char* component, const char* format, ...) noexcept {
  std::array<char, 2048> line;
  std::va_list arguments;
  va_start(arguments, format);
  const int wanted = std::vsnprintf(line.data(), line.size(), format, arguments);
  va_end(arguments);
  const std::size_t length = wanted < 0 ? 0 : std::min(static_cast<std::size_t>(wanted), line.size() - 1);
  sink.load(std::memory_order_acquire)(level, component, {line.data(), length});
}

}  // namespace mortise
