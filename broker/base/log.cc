#include "broker/base/log.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <new>

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
  // Nearly every line fits here; a longer one is formatted again into memory of its own.
  std::array<char, 1024> usual;
  std::va_list arguments;
  va_start(arguments, format);
  std::va_list again;
  va_copy(again, arguments);
  const int wanted = std::vsnprintf(usual.data(), usual.size(), format, arguments);
  std::size_t length = std::min(static_cast<std::size_t>(std::max(wanted, 0)), kLongestLogLine);
  const char* text = usual.data();
  std::unique_ptr<char[]> longer;
  if (length >= usual.size()) {
    longer.reset(new (std::nothrow) char[length + 1]);
    if (longer) {
      std::vsnprintf(longer.get(), length + 1, format, again);
      text = longer.get();
    } else {
      length = usual.size() - 1;
    }
  }
  va_end(again);
  va_end(arguments);
  sink.load(std::memory_order_acquire)(level, component, {text, length});
}

}  // namespace mortise
