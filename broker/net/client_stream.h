#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/base/time.h"
#include "broker/net/descriptor.h"
#include "broker/net/transfer.h"

namespace mortise::net {

/// Where a client connects to: resolved once, used for any number of connections. Immutable.
class ClientAddress {
 public:
  /// `host`: a name, an IPv4 address or an IPv6 address without brackets. Blocks while a name is resolved.
  /// Errors: the name is unknown.
  static Result<ClientAddress> resolve(const std::string& host, std::uint16_t port);

  /// "127.0.0.1:1883", "[::1]:1883": for messages.
  const std::string& text() const noexcept { return text_; }
  const sockaddr* address() const noexcept { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t length() const noexcept { return length_; }

 private:
  ClientAddress() = default;
  sockaddr_storage address_{};
  socklen_t length_ = 0;
  std::string text_;
};

/// The client's end of a TCP connection: non-blocking, close-on-exec, TCP_NODELAY; its descriptor goes into any epoll
/// or poll. For programs that speak to a broker (pub, sub, bench). Unsynchronised.
class ClientStream {
 public:
  /// Connects and waits for it. Errors: refused, unreachable, not within `timeout`; each says where to.
  static Result<ClientStream> connect(const ClientAddress& address, Millis timeout);

  /// Begins to connect and returns at once: for thousands at a time. When the descriptor is writable, ask
  /// `finish_connect`. `from`: an IPv4 address of this machine to connect from, for more connections than one address
  /// has ports; empty: any.
  static Result<ClientStream> start(const ClientAddress& address, const std::string& from = {});
  /// True: connected; false: not yet. Errors: refused, unreachable.
  Result<bool> finish_connect();

  int descriptor() const noexcept { return descriptor_.get(); }

  /// One read. kEnded: the peer closed its side.
  Transfer read(std::span<std::uint8_t> into) noexcept { return receive_bytes(descriptor_.get(), into); }
  /// One write; may take only a part.
  Transfer write(ByteView bytes) noexcept;
  Transfer write(std::string_view bytes) noexcept { return write(as_bytes(bytes)); }
  /// One gathering write of at most 1024 vectors; may take only a part.
  Transfer write(std::span<const iovec> vectors) noexcept { return send_vectors(descriptor_.get(), vectors); }

  /// Writes everything, waiting where the socket is full. Errors: the connection failed, or not within `timeout`.
  Result<void> write_all(std::string_view bytes, Millis timeout);
  /// Waits until something can be read (also the end). False: not before `deadline`.
  bool wait_readable(SteadyTime deadline) const;
  /// Waits until something can be written. False: not before `deadline`.
  bool wait_writable(SteadyTime deadline) const;

  /// Says that no more bytes follow; reading goes on.
  void shut_down_writing() noexcept;
  void close() noexcept { descriptor_.reset(); }
  explicit operator bool() const noexcept { return static_cast<bool>(descriptor_); }

 private:
  explicit ClientStream(Descriptor descriptor, std::string peer)
      : descriptor_(std::move(descriptor)), peer_(std::move(peer)) {}

  Descriptor descriptor_;
  std::string peer_;  // for messages
};

}  // namespace mortise::net
