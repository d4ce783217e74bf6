#pragma once

#include <memory>
#include <span>

#include "broker/core/mail.h"
#include "broker/net/transfer.h"

namespace mortise::net {

/// What stands between a socket and its bytes: TLS, WebSocket framing, a PROXY header. A plain TCP or Unix socket has
/// none (a null pointer), so its bytes go straight to the kernel. Owned by the socket and moves between loops with it.
/// Unsynchronised.
class ByteStream {
 public:
  virtual ~ByteStream() = default;

  /// Bytes for the broker, as with receive_bytes. kDone without bytes: something came, nothing of it for the broker;
  /// read on. kWouldBlock: the socket has none, and none are held here.
  virtual Transfer read(int socket, std::span<std::uint8_t> into) = 0;
  /// Takes bytes of the broker, as with send_vectors; perhaps not all, although the socket has room. What it took it
  /// writes before anything else. Not called while bytes are owed.
  virtual Transfer write(int socket, std::span<const iovec> vectors) = 0;
  /// Bytes were taken by `write` (or a handshake has some to say) that the socket has not taken yet: `flush` is called
  /// when it does.
  virtual bool owes_bytes() const noexcept = 0;
  /// Writes what is owed; kDone or kWouldBlock or kFailed.
  virtual Transfer flush(int socket) = 0;
  /// Says good-bye in its own words (close_notify, a close frame) before the socket is shut down; `flush` may be needed
  /// after.
  virtual void say_farewell() = 0;

  /// Something was learnt of the peer by reading (its address behind a proxy, its certificate) that `introduce` has not
  /// told.
  virtual bool has_introduction() const noexcept { return false; }
  virtual void introduce(core::PeerInfo& /*peer*/) {}
  /// A handshake that costs much time goes on: a loop gives it a step now and then.
  virtual bool is_shaking_hands() const noexcept { return false; }
};

/// Reads through `layer`, or plainly where there is none.
inline Transfer read_through(ByteStream* layer, int socket, std::span<std::uint8_t> into) {
  return layer != nullptr ? layer->read(socket, into) : receive_bytes(socket, into);
}
/// Writes through `layer`, or plainly where there is none.
inline Transfer write_through(ByteStream* layer, int socket, std::span<const iovec> vectors) {
  return layer != nullptr ? layer->write(socket, vectors) : send_vectors(socket, vectors);
}

}  // namespace mortise::net
