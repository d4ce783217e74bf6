#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "broker/core/outbox_pool.h"
#include "broker/mqtt/message.h"

namespace mortise::core {

/// What a connection has to say and the socket has not taken yet: encoded bytes, copied when small, referenced in their
/// Message when large. Unsynchronised (loop-owned). An idle one owns no memory.
class Outbox {
 public:
  /// Payloads from this size on are referenced instead of copied: where one more iovec is cheaper than the copy.
  static constexpr std::size_t kReferenceFrom = 4096;

  Outbox() = default;
  /// `pool`: where its buffers come from and go to; outlives it.
  explicit Outbox(OutboxPool& pool) noexcept : pool_(&pool) {}

  /// Where encoders append.
  mqtt::ByteBuffer& buffer() {
    if (segments_.empty() || !segments_.back().is_open()) open_segment();
    return segments_.back().bytes;
  }
  void append(std::string_view bytes) { buffer().append(bytes); }
  /// Appends the payload of `message`, which stays alive until it is written.
  void append_payload(const mqtt::MessagePtr& message);

  bool empty() const noexcept { return size() == 0; }
  /// Bytes not yet written.
  std::size_t size() const noexcept {
    return segments_.empty() ? 0 : closed_size_ + segments_.back().size() - consumed_;
  }

  /// Fills `vectors` from the front; returns how many were used. Borrowed until the next call that changes the outbox.
  std::size_t gather(std::span<iovec> vectors) const noexcept;
  /// The socket took `written` bytes.
  void consume(std::size_t written);

 private:
  static constexpr std::size_t kSegmentSize = 64u << 10;  // written segments are freed one by one

  struct Segment {
    mqtt::ByteBuffer bytes;
    mqtt::MessagePtr message;  // when set, its payload follows `bytes`
    std::size_t size() const noexcept { return bytes.size() + (message ? message->payload().size() : 0); }
    bool is_open() const noexcept { return !message && bytes.size() < kSegmentSize; }
  };
  void open_segment();
  void give_back(mqtt::ByteBuffer& buffer);

  OutboxPool* pool_ = nullptr;
  /// Segments before the last are closed; only the last one's bytes grow.
  std::vector<Segment> segments_;
  std::size_t consumed_ = 0;  // of the first segment
  std::size_t closed_size_ = 0;
};

}  // namespace mortise::core
