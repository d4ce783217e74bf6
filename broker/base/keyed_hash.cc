#include "broker/base/keyed_hash.h"

#include <sodium.h>

#include <cstring>

#include "broker/base/bytes.h"
#include "broker/base/random.h"

namespace mortise {

KeyedHash KeyedHash::random() {
  KeyedHash hash;
  random_bytes(hash.key_.data(), hash.key_.size());
  return hash;
}

std::uint64_t KeyedHash::operator()(std::string_view text) const noexcept {
  std::array<unsigned char, crypto_shorthash_BYTES> out{};
  static_assert(crypto_shorthash_KEYBYTES == std::tuple_size_v<decltype(key_)>);
  crypto_shorthash(out.data(), as_bytes(text).data(), text.size(), key_.data());
  std::uint64_t value = 0;
  std::memcpy(&value, out.data(), sizeof value);
  return value;
}

}  // namespace mortise
