#pragma once

namespace mortise {

/// Prints what was violated and aborts. Thread: any.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace mortise

/// Always on: use it where *we* are wrong and going on could corrupt state; never on input.
#define CHECK(condition)                                       \
  do {                                                         \
    if (!(condition)) [[unlikely]]                             \
      ::mortise::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
