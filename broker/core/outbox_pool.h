#pragma once

#include <cstddef>
#include <vector>

#include "broker/mqtt/message.h"

namespace mortise::core {

/// Emptied buffers of one loop's outboxes: whoever speaks next takes the one that is still in the cache, and a
/// connection that says nothing owns none. Bounded in bytes; what does not fit is freed. Unsynchronised (loop-owned).
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

 private:
  std::vector<mqtt::ByteBuffer> buffers_;
  std::size_t bytes_ = 0;
};

}  // namespace mortise::core
