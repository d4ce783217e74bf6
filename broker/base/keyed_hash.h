#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace mortise {

/// SipHash-2-4 (libsodium) under a secret: a peer that chooses the input cannot choose the output. Immutable.
class KeyedHash {
 public:
  /// With a fresh random secret.
  static KeyedHash random();
  std::uint64_t operator()(std::string_view text) const noexcept;

 private:
  std::array<unsigned char, 16> key_{};
};

}  // namespace mortise
