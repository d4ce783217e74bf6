#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/net/byte_stream.h"
#include "broker/net/owed_bytes.h"
#include "broker/net/permit.h"
#include "broker/net/tls_server.h"

namespace mortise::net {

/// The server's end of one TLS connection. mbedTLS never waits for the socket: what it says and the socket does not
/// take is owed, what it wants to read has come already. So a stream may change loops at any time. Unsynchronised.
class TlsStream final : public ByteStream {
 public:
  /// `handshake`: its place among the handshakes of the listener, given back when it is over.
  /// Null when there is no memory for it.
  static std::unique_ptr<TlsStream> make(std::shared_ptr<const TlsServer> server, Permit handshake);
  ~TlsStream() override;

  Transfer read(int socket, std::span<std::uint8_t> into) override;
  Transfer write(int socket, std::span<const iovec> vectors) override;
  bool owes_bytes() const noexcept override { return !owed_.empty(); }
  Transfer flush(int socket) override { return owed_.flush(nullptr, socket); }
  void say_farewell() override;
  bool has_introduction() const noexcept override { return introduction_ == Introduction::kDue; }
  void introduce(core::PeerInfo& peer) override;
  bool is_shaking_hands() const noexcept override { return state_ == State::kHandshake; }

  /// The Client uses the pre-shared key of this identity.
  void note_identity(std::string_view identity) { identity_ = identity; }

 private:
  struct Callbacks;
  struct Context;
  enum class State : std::uint8_t { kHandshake, kOpen, kEnded, kFailed };
  enum class Introduction : std::uint8_t { kNotYet, kDue, kDone };

  TlsStream(std::shared_ptr<const TlsServer> server, Permit handshake);
  /// What has come from the socket and mbedTLS has not taken.
  ByteView fresh() const noexcept { return {fresh_.data() + fresh_taken_, fresh_.size() - fresh_taken_}; }
  Transfer fetch(int socket, std::size_t most);
  void shake_hands(int socket);
  std::size_t decrypt(std::span<std::uint8_t> into);
  void fail() noexcept;
  void forget_fresh() noexcept;

  const std::shared_ptr<const TlsServer> server_;
  Permit handshake_;
  const std::unique_ptr<Context> context_;
  State state_ = State::kHandshake;
  Introduction introduction_ = Introduction::kNotYet;
  std::optional<std::string> identity_;  // of the pre-shared key
  std::vector<std::uint8_t> fresh_;
  std::size_t fresh_taken_ = 0;
  OwedBytes owed_;
};

}  // namespace mortise::net
