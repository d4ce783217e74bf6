#include "broker/net/owed_bytes.h"

#include <utility>

namespace mortise::net {

Transfer OwedBytes::flush(ByteStream* below, int socket) {
  while (below == nullptr || !below->owes_bytes()) {
    if (empty()) {
      bytes_ = {};
      first_ = 0;
      return {Transfer::Status::kDone, 0, 0};
    }
    const iovec rest{bytes_.data() + first_, size()};
    const Transfer written = write_through(below, socket, std::span(&rest, 1));
    if (written.status != Transfer::Status::kDone) return written;
    first_ += written.bytes;
  }
  const Transfer flushed = below->flush(socket);
  return flushed.status == Transfer::Status::kDone ? flush(below, socket) : flushed;
}

}  // namespace mortise::net
