#pragma once

#include <array>
#include <cstddef>
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

/// Fills `out` from the system's random source. Thread: any.
void random_bytes(void* out, std::size_t size);

}  // namespace mortise
