#pragma once

#include <utility>
#include <vector>

#include "broker/base/bytes.h"

namespace mortise::hooks {

/// Bytes in a buffer of their own that is wiped at the end. Never logged, never copied by accident.
class Secret {
 public:
  explicit Secret(ByteView bytes) : bytes_(bytes.begin(), bytes.end()) {}
  Secret(Secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(bytes_.data(), bytes_.size()); }
  /// Borrowed from this secret.
  ByteView view() const noexcept { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;  // a vector, not a string: a move leaves no short copy behind
};

}  // namespace mortise::hooks
