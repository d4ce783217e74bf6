#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "broker/base/bytes.h"
#include "broker/net/stream_socket.h"

namespace mortise::net {

/// Where one loop reads all its sockets, one after the other, so that an idle socket owns no buffer. Unsynchronised.
///
/// What a socket holds from before (the beginning of a packet) is put in front, so that the shard sees one piece; when
/// it holds much, reading goes on in the socket's own buffer instead of copying it again and again.
class ReadBuffer {
 public:
  /// `size`: bytes one read may bring. `partial_max`: what one socket may hold unconsumed.
  ReadBuffer(std::size_t size, std::size_t partial_max);

  struct Outcome {
    Transfer transfer;
    bool ran_dry = false;  // the kernel holds no more now; when it does, an edge says so
  };
  /// Reads once from `socket`, at most `budget` bytes. kFailed with ENOBUFS: the socket holds partial_max bytes
  /// already.
  Outcome read(StreamSocket& socket, std::size_t budget);
  /// Everything of this socket that is not consumed, old and new: of the last `read`, or held. Until the next call.
  ByteView unconsumed(const StreamSocket& socket) const noexcept;
  /// The shard consumed the first `consumed` bytes of it; the rest is kept with the socket.
  void keep_rest(StreamSocket& socket, std::size_t consumed);

  std::size_t size() const noexcept { return size_; }

 private:
  // Up to here what is held is copied in front of what is read.
  static constexpr std::size_t kCopyUpTo = 16u << 10;

  Outcome read_shared(StreamSocket& socket, std::size_t budget);
  Outcome read_own(StreamSocket& socket, std::size_t budget) const;

  const std::size_t size_;
  const std::size_t partial_max_;
  const std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t filled_ = 0;  // bytes of the last read's socket in bytes_; 0: they are with the socket
};

}  // namespace mortise::net
