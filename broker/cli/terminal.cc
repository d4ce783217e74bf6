#include "broker/cli/terminal.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "broker/base/bytes.h"
#include "broker/base/scope_exit.h"

namespace mortise::cli {

namespace {

constexpr std::size_t kMaximumPassword = 65'535;  // what CONNECT can carry

/// One line, without its end; nothing at the end of input. Byte by byte, so that nothing behind it is taken.
std::optional<std::string> read_line(int descriptor) {
  std::string line;
  char character = 0;
  for (;;) {
    const ssize_t got = ::read(descriptor, &character, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return line.empty() ? std::nullopt : std::optional(line);
    if (character == '\n') break;
    if (line.size() <= kMaximumPassword) line += character;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

std::optional<std::string> ask(const std::string& prompt) {
  if (::write(STDERR_FILENO, prompt.data(), prompt.size()) < 0) return std::nullopt;
  std::optional<std::string> line = read_line(STDIN_FILENO);
  if (::write(STDERR_FILENO, "\n", 1) < 0) return std::nullopt;
  return line;
}

Result<std::string> same(std::optional<std::string> first, std::optional<std::string> second) {
  if (!first || first->empty()) return failure("no password was given");
  if (first->size() > kMaximumPassword) return failure("a password has at most 65,535 bytes");
  if (!second || *first != *second) return failure("the two passwords differ; nothing was changed");
  return std::move(*first);
}

}  // namespace

Result<std::string> read_new_password(const std::string& prompt) {
  termios shown{};
  if (::tcgetattr(STDIN_FILENO, &shown) != 0) {
    std::optional<std::string> first = read_line(STDIN_FILENO);
    std::optional<std::string> second = read_line(STDIN_FILENO);
    return same(first, second ? second : first);
  }
  termios hidden = shown;
  hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  const ScopeExit restore([&] { ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown); });
  std::optional<std::string> first = ask(prompt);
  return same(first, ask("again: "));
}

}  // namespace mortise::cli
