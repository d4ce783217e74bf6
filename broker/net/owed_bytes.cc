#include "broker/net/owed_bytes.h"

namespace mortise::net {

void OwedBytes::append(ByteView bytes) {
  // Otherwise a peer that never reads the last byte would make this grow with everything it was ever told.
  if (first_ > bytes_.size() / 2) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

Transfer OwedBytes::flush(ByteStream* below, int socket) {
  for (;;) {
    if (below != nullptr && below->owes_bytes()) {
      const Transfer flushed = below->flush(socket);
      if (flushed.status != Transfer::Status::kDone) return flushed;
    }
    if (empty()) {
      bytes_ = std::vector<std::uint8_t>();  // `= {}` would keep the memory
      first_ = 0;
      return {Transfer::Status::kDone, 0, 0};
    }
    const iovec rest{bytes_.data() + first_, size()};
    const Transfer written = write_through(below, socket, std::span(&rest, 1));
    if (written.status != Transfer::Status::kDone) return written;
    first_ += written.bytes;
  }
}

}  // namespace mortise::net
