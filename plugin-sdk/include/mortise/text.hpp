#pragma once

/// Text from clients and files, made fit for a line of a log. Thread: any.

#include <mortise/status.hpp>
#include <string>
#include <string_view>

MORTISE_SDK_BEGIN

/// The text in quotes, on one line: control characters, quotes and backslashes escaped, cut after `most` bytes.
inline std::string quoted(std::string_view text, std::size_t most = 64) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string shown = "\"";
  for (const char character : text.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7F) {
      shown += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      if (character == '"' || character == '\\') shown += '\\';
      shown += character;
    }
  }
  return shown + (text.size() > most ? "...\"" : "\"");
}

MORTISE_SDK_END
