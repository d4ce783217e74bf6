#include "broker/base/utf8.h"

namespace mortise {

std::size_t utf8_sequence_length(std::string_view rest) noexcept {
  const auto byte = [&](std::size_t i) { return i < rest.size() ? static_cast<unsigned char>(rest[i]) : 0u; };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned lead = byte(0);
  const unsigned second = byte(1);
  if (lead < 0x80) return rest.empty() ? 0 : 1;
  if (lead < 0xC2 || lead > 0xF4 || !continues(1)) return 0;
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) {
    const bool is_overlong = lead == 0xE0 && second < 0xA0;
    const bool is_surrogate = lead == 0xED && second > 0x9F;
    return is_overlong || is_surrogate || !continues(2) ? 0 : 3;
  }
  const bool is_overlong = lead == 0xF0 && second < 0x90;
  const bool is_beyond_unicode = lead == 0xF4 && second > 0x8F;
  return is_overlong || is_beyond_unicode || !continues(2) || !continues(3) ? 0 : 4;
}

}  // namespace mortise
