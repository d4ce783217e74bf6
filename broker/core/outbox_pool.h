#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "broker/mqtt/message.h"

namespace mortise::core {

/// A piece of what an outbox holds: encoded bytes, and behind them perhaps the payload of a message.
struct OutboxSegment {
  mqtt::ByteBuffer bytes;
  mqtt::MessagePtr message;  // when set, its payload follows `bytes`
  std::size_t size() const noexcept { return bytes.size() + (message ? message->payload().size() : 0); }
};

/// What an outbox holds that holds anything: segments before the last are closed; only the last one's bytes grow.
struct OutboxContents {
  std::vector<OutboxSegment> segments;
  std::size_t consumed = 0;  // of the first segment
  std::size_t closed_size = 0;
};

/// Emptied buffers of one loop's outboxes: whoever speaks next takes the one that is still in the cache, and a
/// connection that says nothing owns none. Bounded in bytes, and what held them in number; what does not fit is freed.
/// Unsynchronised (loop-owned).
class OutboxPool {
 public:
  /// What one iteration puts into outboxes fits, whatever the buffers have grown by.
  static constexpr std::size_t kMaximumBytes = 8u << 20;

  /// An empty buffer, with memory when there is some.
  mqtt::ByteBuffer take() {
    if (buffers_.empty()) return {};
    mqtt::ByteBuffer buffer = std::move(buffers_.back());
    buffers_.pop_back();
    bytes_ -= buffer.capacity();
    return buffer;
  }
  void give_back(mqtt::ByteBuffer buffer) {
    if (bytes_ + buffer.capacity() > kMaximumBytes) return;
    buffer.clear();
    bytes_ += buffer.capacity();
    buffers_.push_back(std::move(buffer));
  }
  std::size_t bytes() const noexcept { return bytes_; }

  std::unique_ptr<OutboxContents> take_contents() {
    if (contents_.empty()) return std::make_unique<OutboxContents>();
    std::unique_ptr<OutboxContents> contents = std::move(contents_.back());
    contents_.pop_back();
    return contents;
  }
  void give_back(std::unique_ptr<OutboxContents> contents) {
    if (contents_.size() == kMaximumContents || contents->segments.capacity() > kMaximumSegments) return;
    contents->segments.clear();
    contents->consumed = contents->closed_size = 0;
    contents_.push_back(std::move(contents));
  }

 private:
  static constexpr std::size_t kMaximumContents = 1024;
  static constexpr std::size_t kMaximumSegments = 8;

  std::vector<mqtt::ByteBuffer> buffers_;
  std::vector<std::unique_ptr<OutboxContents>> contents_;
  std::size_t bytes_ = 0;
};

}  // namespace mortise::core
