#pragma once

#include <memory>
#include <span>

#include "broker/core/mail.h"
#include "broker/core/shard.h"
#include "broker/net/byte_stream.h"
#include "broker/net/descriptor.h"
#include "broker/net/partial_bytes.h"
#include "broker/net/permit.h"
#include "broker/net/transfer.h"

namespace mortise::net {

/// A socket and what belongs to it wherever it goes: from loop to loop, or to the farewells.
struct Stream {
  Descriptor socket;
  std::unique_ptr<ByteStream> layer;  // null: plain bytes
  Permit permit;                      // its place among its listener's connections

  Transfer read(std::span<std::uint8_t> into) const { return read_through(layer.get(), socket.get(), into); }
  Transfer write(std::span<const iovec> vectors) const { return write_through(layer.get(), socket.get(), vectors); }
};

/// What a loop knows of one connection's socket: one cache line. Unsynchronised (loop-owned).
struct alignas(64) StreamSocket {
  enum Flag : std::uint16_t {
    kReadable = 1,       // the kernel may hold bytes: an edge came and reading did not run dry since
    kHungUp = 2,         // the peer closed or the socket failed: read until it says so
    kEnded = 4,          // reading came to the end
    kOffer = 8,          // offer what is held again, also without new bytes
    kQueued = 16,        // in the loop's list of sockets to serve
    kWriteBlocked = 32,  // the socket took less than everything; its next edge continues
    kWriteFailed = 64,   // nothing can be written any more; what was sent before is still read
  };

  core::ConnectionId id;  // generation 0: a free slot
  Stream stream;
  PartialBytes partial;
  std::uint16_t flags = 0;

  bool has(Flag flag) const noexcept { return (flags & flag) != 0; }
  void set(unsigned which) noexcept { flags = static_cast<std::uint16_t>(flags | which); }
  void clear(unsigned which) noexcept { flags = static_cast<std::uint16_t>(flags & ~which); }
};
static_assert(sizeof(StreamSocket) == 64);

/// A stream on its way to another loop.
class MovingStream final : public core::DetachedStream {
 public:
  explicit MovingStream(StreamSocket& from)
      : stream(std::move(from.stream)), partial(std::move(from.partial)), has_ended(from.has(StreamSocket::kEnded)) {}

  Stream stream;
  PartialBytes partial;
  bool has_ended;
};

}  // namespace mortise::net
