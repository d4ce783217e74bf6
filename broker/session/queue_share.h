#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "broker/session/limits.h"

namespace mortise::session {

/// What the queues of one loop have in common: their limits, and what they hold together. Outlives them.
/// Unsynchronised (loop-owned).
struct QueueScope {
  const SessionLimits& limits;
  std::uint64_t messages = 0;  // in flight or waiting, in memory or in the store alone
  std::uint64_t bytes = 0;     // as `session.queue.max_bytes` counts them
};

/// What one queue holds; its scope is told of every change, and of its end. Unsynchronised.
class QueueShare {
 public:
  explicit QueueShare(QueueScope& scope) noexcept : scope_(&scope) {}
  QueueShare(QueueShare&& other) noexcept
      : scope_(other.scope_), bytes_(std::exchange(other.bytes_, 0)), messages_(std::exchange(other.messages_, 0)) {}
  QueueShare& operator=(QueueShare&& other) noexcept {
    std::swap(scope_, other.scope_);
    std::swap(bytes_, other.bytes_);
    std::swap(messages_, other.messages_);
    return *this;
  }
  ~QueueShare() { set(0, 0); }

  const SessionLimits& limits() const noexcept { return scope_->limits; }
  std::uint32_t messages() const noexcept { return messages_; }
  std::uint64_t bytes() const noexcept { return bytes_; }

  void add(std::uint64_t cost) noexcept { set(messages_ + 1, bytes_ + cost); }
  void remove(std::uint64_t cost) noexcept { set(messages_ - 1, bytes_ - std::min(bytes_, cost)); }
  /// Messages that are gone, and nobody knows how large they were.
  void lose(std::uint32_t messages) noexcept { set(messages_ - std::min(messages_, messages), bytes_); }
  void set(std::uint32_t messages, std::uint64_t bytes) noexcept {
    if (messages == 0) bytes = 0;
    // Differences below 0 wrap around and back.
    scope_->messages += std::uint64_t{messages} - messages_;
    scope_->bytes += bytes - bytes_;
    messages_ = messages;
    bytes_ = bytes;
  }

 private:
  QueueScope* scope_;
  std::uint64_t bytes_ = 0;
  std::uint32_t messages_ = 0;
};

}  // namespace mortise::session
