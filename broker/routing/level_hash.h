#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "broker/base/random.h"

namespace mortise::routing {

/// A fast hash of short texts under a secret key: for tables whose probes are on the path of every message. Whoever
/// chooses the texts does not know the key, so cannot choose collisions. Immutable. Cost: about 3 ns for 20 bytes.
class LevelHash {
 public:
  /// With a fresh random key.
  LevelHash() { random_bytes(key_, sizeof key_); }

  std::uint64_t operator()(std::string_view text) const noexcept {
    const char* at = text.data();
    std::size_t left = text.size();
    std::uint64_t state = key_[0] ^ text.size();
    for (; left > 16; left -= 16, at += 16) state = fold(load64(at) ^ key_[1], load64(at + 8) ^ state);
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    if (left >= 8) {  // the two loads overlap when fewer than 16 are left
      low = load64(at);
      high = load64(at + left - 8);
    } else if (left >= 4) {
      low = load32(at);
      high = load32(at + left - 4);
    } else if (left > 0) {
      low = static_cast<unsigned char>(at[0]) | (std::uint64_t{static_cast<unsigned char>(at[left / 2])} << 8) |
            (std::uint64_t{static_cast<unsigned char>(at[left - 1])} << 16);
    }
    state = fold(low ^ key_[1], high ^ state);
    return fold(state ^ key_[2], key_[3] | 1);
  }

 private:
  __extension__ using Product = unsigned __int128;

  static std::uint64_t fold(std::uint64_t one, std::uint64_t other) noexcept {
    const Product product = Product{one} * other;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  static std::uint64_t load64(const char* from) noexcept {
    std::uint64_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  static std::uint64_t load32(const char* from) noexcept {
    std::uint32_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }

  std::uint64_t key_[4];
};

}  // namespace mortise::routing
