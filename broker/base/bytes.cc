#include "broker/base/bytes.h"

#include <sodium.h>

#include "broker/base/utf8.h"

namespace mortise {

namespace {

/// Characters a terminal may act on: C0, DEL, and C1 (U+0080 to U+009F, two bytes in UTF-8).
bool is_control(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7F;
  return character.size() == 2 && byte(0) == 0xC2 && byte(1) < 0xA0;
}

void append_escaped(std::string& out, unsigned char byte) {
  static constexpr char kHex[] = "0123456789abcdef";
  if (byte == '"' || byte == '\\') {
    out += {'\\', static_cast<char>(byte)};
  } else if (byte == '\n') {
    out += "\\n";
  } else {
    out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
  }
}

}  // namespace

std::string quoted(std::string_view text, std::size_t limit) {
  std::string out = "\"";
  std::size_t at = 0;
  while (at < text.size() && at < limit) {
    const std::string_view character = text.substr(at, utf8_sequence_length(text.substr(at)));
    if (character.empty() || is_control(character) || character == "\"" || character == "\\") {
      append_escaped(out, static_cast<unsigned char>(text[at++]));
    } else {
      out.append(character);
      at += character.size();
    }
  }
  out += at < text.size() ? "\"..." : "\"";
  return out;
}

void wipe(void* memory, std::size_t size) noexcept { sodium_memzero(memory, size); }

}  // namespace mortise
