#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// The PROXY protocol, version 2, as a proxy writes it: what tests and fuzz targets send.

namespace mortise::net::test {

/// 192.0.2.1:51234 to 198.51.100.2:1883.
inline const std::string kFour("\xC0\x00\x02\x01\xC6\x33\x64\x02\xC8\x22\x07\x5B", 12);
/// [2001:db8::1]:51234 to [::1]:1883.
inline const std::string kSix =
    "\x20\x01\x0D\xB8" + std::string(11, '\0') + "\x01" + std::string(15, '\0') + "\x01\xC8\x22\x07\x5B";

inline std::string number(std::size_t value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }
/// A type, a length and a value behind the addresses.
inline std::string addition(std::uint8_t type, std::string_view value) {
  return static_cast<char>(type) + number(value.size()) + std::string(value);
}
/// `version`: 0x21 for a connection that is passed on, 0x20 for one of the proxy's own. `family`: 0x11 is TCP over
/// IPv4.
inline std::string proxy_header(std::uint8_t version, std::uint8_t family, std::string_view rest) {
  return std::string("\r\n\r\n\0\r\nQUIT\n", 12) + static_cast<char>(version) + static_cast<char>(family) +
         number(rest.size()) + std::string(rest);
}

}  // namespace mortise::net::test
