#pragma once

#include <vector>

#include "broker/base/bytes.h"
#include "broker/net/byte_stream.h"

namespace mortise::net {

/// Bytes a layer has said and what is below it has not taken yet. Owns memory only while there are some.
/// At most half of it is written already. Unsynchronised.
class OwedBytes {
 public:
  bool empty() const noexcept { return first_ == bytes_.size(); }
  std::size_t size() const noexcept { return bytes_.size() - first_; }
  std::size_t memory() const noexcept { return bytes_.capacity(); }
  void append(ByteView bytes);

  /// Writes as much as `below` (null: the socket) takes. kDone: everything, down to the kernel.
  Transfer flush(ByteStream* below, int socket);

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t first_ = 0;  // before it everything is written
};

}  // namespace mortise::net
