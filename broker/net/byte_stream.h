#pragma once

#include <span>

#include "broker/net/transfer.h"

namespace mortise::net {

/// What stands between a socket and its bytes: TLS, WebSocket framing, PROXY. A plain TCP or Unix socket has none (a
/// null pointer), so its bytes go straight to the kernel. Owned by the socket and moves between loops with it.
/// Unsynchronised.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  /// Bytes for the broker, as with receive_bytes. kWouldBlock: the socket has none, and none are held here.
  virtual Transfer read(int socket, std::span<std::uint8_t> into) = 0;
  /// Takes bytes of the broker, as with send_vectors. What it took it writes before anything else.
  virtual Transfer write(int socket, std::span<const iovec> vectors) = 0;
  /// Bytes were taken by `write` (or a handshake has some to say) that the socket has not taken yet: `flush` is called
  /// when it does.
  virtual bool owes_bytes() const noexcept = 0;
  /// Writes what is owed; kDone or kWouldBlock or kFailed.
  virtual Transfer flush(int socket) = 0;
  /// Says good-bye in its own words (close_notify, a close frame) before the socket is shut down; `flush` may be needed
  /// after.
  virtual void say_farewell() = 0;
};

}  // namespace mortise::net
