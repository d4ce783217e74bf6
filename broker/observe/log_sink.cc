#include "broker/observe/log_sink.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>

namespace mortise::observe {

namespace {

constexpr std::array<const char*, 4> kNames = {"debug", "info", "warning", "error"};

bool is_control(char character) { return static_cast<unsigned char>(character) < 0x20 || character == 0x7F; }

// One write for the whole line: lines of several threads do not mix.
void write_line(LogLevel level, std::string_view component, std::string_view line) {
  const std::string text = format_log_line(wall_now(), level, component, line);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nobody is left to be told
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

std::string utc_text(WallTime time) {
  const auto since_epoch = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const auto millis = static_cast<int>((since_epoch - seconds).count());
  const std::time_t whole = static_cast<std::time_t>(seconds.count());
  std::tm parts{};
  gmtime_r(&whole, &parts);
  std::array<char, 96> text;
  const int size = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, millis);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::string format_log_line(WallTime time, LogLevel level, std::string_view component, std::string_view line) {
  std::string text = utc_text(time);
  text.append(" ").append(kNames[static_cast<std::size_t>(level)]).append(" ").append(component).append(": ");
  text.append(line);
  std::replace_if(text.begin(), text.end(), is_control, ' ');
  return text + "\n";
}

void install_log_sink(LogLevel lowest) { set_log_sink(&write_line, lowest); }

}  // namespace mortise::observe
