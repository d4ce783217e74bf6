#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mortise {

/// Borrowed bytes, for the call only.
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Lets a std::string be found in a hash map by string_view.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

/// `text` in double quotes with everything that could break a log line escaped (`"`, `\`, control characters, bytes
/// that are not UTF-8 as \xNN); longer than `limit` bytes it is cut and ends in `...`.
std::string quoted(std::string_view text, std::size_t limit = 256);
// More specialized than std::quoted, which an argument of type std::string otherwise brings in.
template <class Allocator>
std::string quoted(const std::basic_string<char, std::char_traits<char>, Allocator>& text, std::size_t limit = 256) {
  return quoted(std::string_view(text), limit);
}
template <class Allocator>
std::string quoted(std::basic_string<char, std::char_traits<char>, Allocator>& text, std::size_t limit = 256) {
  return quoted(std::string_view(text), limit);
}

/// Overwrites `size` bytes in a way the compiler cannot leave out.
void wipe(void* memory, std::size_t size) noexcept;

}  // namespace mortise
