#pragma once

#include <memory>
#include <string>

#include "broker/net/byte_stream.h"
#include "broker/net/owed_bytes.h"
#include "broker/net/websocket_handshake.h"

struct wslay_event_context;

namespace mortise::net {

/// A WebSocket, the server's end: the opening handshake, then binary frames either way. MQTT packets need not be
/// aligned to frames [MQTT-6.0.0-2]; a frame of text ends the connection [MQTT-6.0.0-1]. Frames are read and answered
/// by wslay, written here: a header before bytes that stay where they are. Unsynchronised.
class WebSocketStream final : public ByteStream {
 public:
  /// `below`: TLS; null for none.
  WebSocketStream(std::shared_ptr<const WebSocketRules> rules, std::unique_ptr<ByteStream> below);
  ~WebSocketStream() override;

  Transfer read(int socket, std::span<std::uint8_t> into) override;
  Transfer write(int socket, std::span<const iovec> vectors) override;
  bool owes_bytes() const noexcept override {
    return !owed_.empty() || owes_farewell_below_ || (below_ && below_->owes_bytes());
  }
  Transfer flush(int socket) override;
  void say_farewell() override;
  bool has_introduction() const noexcept override { return below_ && below_->has_introduction(); }
  void introduce(core::PeerInfo& peer) override { below_->introduce(peer); }
  bool is_shaking_hands() const noexcept override { return below_ && below_->is_shaking_hands(); }

 private:
  struct Callbacks;
  enum class State : std::uint8_t { kOpening, kOpen, kEnded, kFailed };

  /// Bytes of the handshake; how many of them belong to it.
  std::size_t open(ByteView bytes);
  /// Takes frames apart in place; how many bytes of `raw` are the broker's now, from its beginning.
  std::size_t decode(std::span<std::uint8_t> raw);
  void collect_answers();
  std::size_t owed_answers();

  const std::shared_ptr<const WebSocketRules> rules_;
  const std::unique_ptr<ByteStream> below_;
  State state_ = State::kOpening;
  bool is_control_ = false;           // the frame being read
  bool owes_farewell_below_ = false;  // its close_notify comes behind our last frame
  std::string request_;               // while opening
  std::unique_ptr<wslay_event_context, void (*)(wslay_event_context*)> frames_;
  OwedBytes owed_;
  std::size_t answers_ = 0;  // at most so many of the last bytes owed are wslay's

  // While `decode` runs: what it reads from and writes to. Not kept.
  struct Pass {
    std::uint8_t* bytes = nullptr;
    std::size_t size = 0;
    std::size_t read = 0;
    std::size_t decoded = 0;
  };
  Pass pass_;
};

}  // namespace mortise::net
