#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// WebSocket as a Client speaks it (RFC 6455, 5.2): what tests and fuzz targets send and hear.

namespace mortise::net::test {

/// The request of RFC 6455, 1.3, as MQTT wants it.
inline constexpr std::string_view kUpgrade =
    "GET /mqtt HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// And the answer.
inline constexpr std::string_view kUpgraded =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";

inline constexpr std::uint8_t kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10;

/// One frame of a Client. `head`: FIN, reserved bits and opcode; 0x82 is a whole binary message.
inline std::string client_frame(std::string_view payload, unsigned head = 0x80 | kBinary, bool is_masked = true) {
  std::string frame(1, static_cast<char>(head));
  const unsigned mask_bit = is_masked ? 0x80 : 0;
  if (payload.size() < 126) {
    frame += static_cast<char>(mask_bit | payload.size());
  } else {
    const bool is_long = payload.size() > 0xFFFF;
    frame += static_cast<char>(mask_bit | (is_long ? 127u : 126u));
    for (int shift = is_long ? 56 : 8; shift >= 0; shift -= 8) frame += static_cast<char>(payload.size() >> shift);
  }
  constexpr std::array<char, 4> kKey{0x37, '\xFA', 0x21, 0x3D};
  if (is_masked) frame.append(kKey.data(), kKey.size());
  for (std::size_t i = 0; i < payload.size(); ++i)
    frame += static_cast<char>(is_masked ? payload[i] ^ kKey[i % 4] : payload[i]);
  return frame;
}

struct ServerFrame {
  unsigned head = 0;
  std::string payload;
};

/// Takes one whole frame of a server off the front of `bytes`.
inline std::optional<ServerFrame> take_server_frame(std::string& bytes) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  if (bytes.size() < 2) return std::nullopt;
  const std::size_t wide = byte(1) == 126 ? 2 : byte(1) == 127 ? 8 : 0;
  if (bytes.size() < 2 + wide) return std::nullopt;
  std::size_t size = wide == 0 ? byte(1) : 0;
  for (std::size_t i = 0; i < wide; ++i) size = size << 8 | byte(2 + i);
  if (bytes.size() < 2 + wide + size) return std::nullopt;
  ServerFrame frame{byte(0), bytes.substr(2 + wide, size)};
  bytes.erase(0, 2 + wide + size);
  return frame;
}

}  // namespace mortise::net::test
