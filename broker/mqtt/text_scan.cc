#include "broker/mqtt/text_scan.h"

#include <cstdint>
#include <cstring>

#include "broker/base/utf8.h"

namespace mortise::mqtt {
namespace {

constexpr std::uint64_t kEachByte = 0x0101010101010101u;
constexpr std::uint64_t kHighBits = 0x8080808080808080u;

std::uint64_t load_word(const char* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// Whether a byte of `word` is `byte`; exact when no byte of either has its high bit set.
bool word_has(std::uint64_t word, char byte) noexcept {
  const std::uint64_t differing = word ^ (kEachByte * static_cast<unsigned char>(byte));
  return ((differing - kEachByte) & kHighBits) != 0;
}

/// Whether a byte of `word` is below ' ' or is 0x7F; exact when no byte has its high bit set.
bool word_has_control(std::uint64_t word) noexcept {
  return (((word - kEachByte * ' ') | (word + kEachByte)) & kHighBits) != 0;
}

void note_ascii_word(std::uint64_t word, TextScan& scan) noexcept {
  if (word_has_control(word)) [[unlikely]] {
    scan.has_control = true;
    scan.has_nul |= word_has(word, '\0');
  }
  scan.has_wildcard |= word_has(word, '+') || word_has(word, '#');
}

/// The part of the scan that takes characters one by one, from `at` on.
void scan_slowly(std::string_view text, std::size_t at, TextScan& scan) noexcept {
  while (at < text.size()) {
    const char c = text[at];
    if (static_cast<unsigned char>(c) < 0x80) {
      scan.has_nul |= c == '\0';
      scan.has_control |= c < ' ' || c == 0x7F;
      scan.has_wildcard |= c == '+' || c == '#';
      ++at;
      continue;
    }
    const std::size_t length = utf8_sequence_length(text.substr(at));
    if (length == 0) {
      scan.is_utf8 = false;
      return;
    }
    scan.has_control |= c == '\xC2' && static_cast<unsigned char>(text[at + 1]) < 0xA0;  // U+0080..U+009F
    at += length;
  }
}

}  // namespace

TextScan scan_text(std::string_view text) noexcept {
  TextScan scan;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    const std::uint64_t word = load_word(text.data() + at);
    if ((word & kHighBits) != 0) {
      scan_slowly(text, at, scan);
      return scan;
    }
    note_ascii_word(word, scan);
  }
  if (at == text.size()) return scan;
  if (at != 0) {
    // The last eight bytes, some of them seen already: cheaper than the rest one by one.
    const std::uint64_t word = load_word(text.data() + text.size() - 8);
    if ((word & kHighBits) == 0) {
      note_ascii_word(word, scan);
      return scan;
    }
  }
  scan_slowly(text, at, scan);
  return scan;
}

}  // namespace mortise::mqtt
