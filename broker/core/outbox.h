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
    if (!contents_ || !is_open(contents_->segments.back())) open_segment();
    return contents_->segments.back().bytes;
  }
  void append(std::string_view bytes) { buffer().append(bytes); }
  /// Appends the payload of `message`, which stays alive until it is written.
  void append_payload(const mqtt::MessagePtr& message);

  bool empty() const noexcept { return size() == 0; }
  /// Bytes not yet written.
  std::size_t size() const noexcept {
    return contents_ ? contents_->closed_size + contents_->segments.back().size() - contents_->consumed : 0;
  }

  /// Fills `vectors` from the front; returns how many were used. Borrowed until the next call that changes the outbox.
  std::size_t gather(std::span<iovec> vectors) const noexcept;
  /// The socket took `written` bytes.
  void consume(std::size_t written);

 private:
  static constexpr std::size_t kSegmentSize = 64u << 10;  // written segments are freed one by one

  static bool is_open(const OutboxSegment& segment) noexcept {
    return !segment.message && segment.bytes.size() < kSegmentSize;
  }
  void open_segment();
  void give_back(mqtt::ByteBuffer& buffer);

  OutboxPool* pool_ = nullptr;
  std::unique_ptr<OutboxContents> contents_;  // null: nothing to say; otherwise with one segment at least
};

}  // namespace mortise::core
