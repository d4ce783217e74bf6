#include <sodium.h>

#include <cstdio>
#include <cstdlib>
#include <new>

#include "broker/base/bytes.h"
#include "broker/base/check.h"
#include "broker/base/keyed_hash.h"
#include "broker/base/shared_bytes.h"
#include "broker/base/time.h"

namespace mortise {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "mortise: internal error: CHECK(%s) failed at %s:%d\n", condition, file, line);
  std::fflush(stderr);
  std::abort();
}

namespace {

/// The length of the well-formed UTF-8 sequence at `at`, or 0.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead < 0x80 ? 1 : lead >= 0xF0 && lead < 0xF5 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (lead >= 0xF5 || length == 0 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) return 0;
  }
  return length;
}

void append_escaped(std::string& out, unsigned char byte) {
  static constexpr char kHex[] = "0123456789abcdef";
  if (byte == '"' || byte == '\\') {
    out += {'\\', static_cast<char>(byte)};
  } else if (byte == '\n') {
    out += "\\n";
  } else {
    out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
  }
}

}  // namespace

std::string quoted(std::string_view text, std::size_t limit) {
  std::string out = "\"";
  std::size_t at = 0;
  while (at < text.size() && at < limit) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t length = sequence_length(text, at);
    if (length == 0 || byte < 0x20 || byte == 0x7F || byte == '"' || byte == '\\') {
      append_escaped(out, byte);
      ++at;
    } else {
      out.append(text.substr(at, length));
      at += length;
    }
  }
  out += at < text.size() ? "\"..." : "\"";
  return out;
}

void wipe(void* memory, std::size_t size) noexcept { sodium_memzero(memory, size); }

void SharedBytes::Block::drop_ref() noexcept {
  if (!count.drop()) return;
  this->~Block();
  std::free(this);  // NOLINT: allocated with malloc below, header and bytes together
}

Ref<SharedBytes::Block> SharedBytes::allocate(std::size_t size) {
  if (size == 0) return {};
  void* memory = std::malloc(sizeof(Block) + size);
  CHECK(memory != nullptr);
  Block* block = ::new (memory) Block();
  block->size = size;
  return Ref<Block>::adopt(block);
}

SharedBytes SharedBytes::copy_of(ByteView bytes) {
  return make(bytes.size(), [&](std::span<std::uint8_t> out) { std::memcpy(out.data(), bytes.data(), bytes.size()); });
}

KeyedHash KeyedHash::random() {
  CHECK(sodium_init() >= 0);
  KeyedHash hash;
  randombytes_buf(hash.key_.data(), hash.key_.size());
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

void random_bytes(void* out, std::size_t size) {
  CHECK(sodium_init() >= 0);
  randombytes_buf(out, size);
}

SteadyTime steady_now() noexcept { return std::chrono::steady_clock::now(); }

WallTime wall_now() noexcept {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

Now now() noexcept { return {steady_now(), wall_now()}; }

}  // namespace mortise
