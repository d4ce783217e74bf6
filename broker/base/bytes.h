#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
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

/// A ByteView or string_view, taken word by word. Two words that were stored one by one and are loaded as sixteen bytes
/// at once, as a copied view is, make the processor wait until both have reached the cache: too long a wait on every
/// message's way.
template <class View>
View in_words(const View& view) noexcept {
  auto* data = view.data();
  std::size_t size = view.size();
  __asm__("" : "+r"(data), "+r"(size));
  return {data, size};
}

/// `one == other` without a call for up to 32 bytes, which is what most topics have.
inline bool is_same_text(std::string_view one, std::string_view other) noexcept {
  const std::size_t size = one.size();
  if (size != other.size()) return false;
  if (size > 32 || size < 4) return one == other;
  const auto differ = [&](auto word, std::size_t at) {
    auto right = word;
    std::memcpy(&word, one.data() + at, sizeof word);
    std::memcpy(&right, other.data() + at, sizeof right);
    return word ^ right;
  };
  // From both ends; the words overlap when they are not all needed.
  if (size < 8) return (differ(std::uint32_t{}, 0) | differ(std::uint32_t{}, size - 4)) == 0;
  if ((differ(std::uint64_t{}, 0) | differ(std::uint64_t{}, size - 8)) != 0) return false;
  return size <= 16 || (differ(std::uint64_t{}, 8) | differ(std::uint64_t{}, size - 16)) == 0;
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
