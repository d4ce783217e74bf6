#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "broker/base/bytes.h"
#include "broker/storage/format.h"

namespace mortise::storage {

static_assert(std::endian::native == std::endian::little, "bodies are little-endian and written as they lie in memory");

/// Writes a versioned body: fixed-width numbers, and texts with a 32-bit length before them. Unsynchronised.
class BodyWriter {
 public:
  explicit BodyWriter(BodyVersion version) {
    put(version.written);
    put(version.readable_since);
  }
  template <class Number>
  void put(Number number) {
    static_assert(std::is_integral_v<Number>);
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  void put_text(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
  }
  ByteView view() const noexcept { return as_bytes(bytes_); }

 private:
  std::string bytes_;
};

/// Reads a body; once something is missing everything reads as zero or empty, and ok() is false. Borrowed, for the
/// call.
class BodyReaderView {
 public:
  /// Not ok() when the body was written for newer readers than `known` only.
  BodyReaderView(ByteView body, BodyVersion known) : rest_(body) {
    written_ = get<std::uint8_t>();
    const auto readable_since = get<std::uint8_t>();
    if (written_ == 0 || readable_since > known.written) is_ok_ = false;
  }
  /// The version that wrote the body: one before a field was added does not have it.
  std::uint8_t written() const noexcept { return written_; }
  bool ok() const noexcept { return is_ok_; }
  template <class Number>
  Number get() noexcept {
    static_assert(std::is_integral_v<Number>);
    Number number{};
    if (!is_ok_ || rest_.size() < sizeof number) {
      is_ok_ = false;
      return Number{};
    }
    std::memcpy(&number, rest_.data(), sizeof number);
    rest_ = rest_.subspan(sizeof number);
    return number;
  }
  /// Borrowed from the body.
  std::string_view get_text() noexcept {
    const auto size = get<std::uint32_t>();
    if (!is_ok_ || rest_.size() < size) {
      is_ok_ = false;
      return {};
    }
    const std::string_view text = as_text(rest_.first(size));
    rest_ = rest_.subspan(size);
    return text;
  }
  std::size_t left() const noexcept { return rest_.size(); }

 private:
  ByteView rest_;
  std::uint8_t written_ = 0;
  bool is_ok_ = true;
};

}  // namespace mortise::storage
