#pragma once

#include <memory>
#include <optional>
#include <string>

#include "broker/net/byte_stream.h"
#include "broker/net/proxy_header.h"

namespace mortise::net {

/// A connection that a proxy passes on: its first bytes are a PROXY header, which says who the Client is; everything
/// behind goes through `next`. Unsynchronised.
class ProxyStream final : public ByteStream {
 public:
  /// `next`: TLS or a WebSocket; null for plain bytes.
  explicit ProxyStream(std::unique_ptr<ByteStream> next) : next_(std::move(next)) {}

  Transfer read(int socket, std::span<std::uint8_t> into) override;
  Transfer write(int socket, std::span<const iovec> vectors) override {
    return write_through(next_.get(), socket, vectors);
  }
  bool owes_bytes() const noexcept override { return next_ && next_->owes_bytes(); }
  Transfer flush(int socket) override { return next_ ? next_->flush(socket) : Transfer{Transfer::Status::kDone, 0, 0}; }
  void say_farewell() override;
  bool has_introduction() const noexcept override {
    return header_.has_value() || (next_ && next_->has_introduction());
  }
  void introduce(core::PeerInfo& peer) override;
  bool is_shaking_hands() const noexcept override { return is_whole_ && next_ && next_->is_shaking_hands(); }

 private:
  Transfer read_header(int socket);

  const std::unique_ptr<ByteStream> next_;
  bool is_whole_ = false;
  std::string beginning_;              // of a header that is not whole yet
  std::optional<ProxyHeader> header_;  // until it is introduced
};

}  // namespace mortise::net
