#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "broker/net/stream_socket.h"

namespace mortise::net {

/// One loop's sockets by ConnectionId. The shard's indexes are dense, so finding is an array access; sockets do not
/// move while they live. Unsynchronised (loop-owned).
class SocketTable {
 public:
  /// Null when the id is late.
  StreamSocket* find(core::ConnectionId id) noexcept {
    if (id.index / kChunk >= chunks_.size()) return nullptr;
    StreamSocket& socket = (*chunks_[id.index / kChunk])[id.index % kChunk];
    return socket.id == id ? &socket : nullptr;
  }

  /// The slot of `id`, which must be free.
  StreamSocket& emplace(core::ConnectionId id, Stream stream) {
    while (id.index / kChunk >= chunks_.size()) chunks_.push_back(std::make_unique<Chunk>());
    StreamSocket& socket = (*chunks_[id.index / kChunk])[id.index % kChunk];
    CHECK(id && !socket.id);
    socket.id = id;
    socket.stream = std::move(stream);
    ++size_;
    return socket;
  }

  /// Frees the slot; whatever of the stream was not moved out is closed.
  void erase(StreamSocket& socket) noexcept {
    socket = StreamSocket();
    --size_;
  }

  std::size_t size() const noexcept { return size_; }

  template <class Visit>
  void for_each(Visit&& visit) {
    for (const std::unique_ptr<Chunk>& chunk : chunks_) {
      for (StreamSocket& socket : *chunk) {
        if (socket.id) visit(socket);
      }
    }
  }

 private:
  static constexpr std::size_t kChunk = 256;
  using Chunk = std::array<StreamSocket, kChunk>;

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::size_t size_ = 0;
};

}  // namespace mortise::net
