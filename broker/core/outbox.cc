#include "broker/core/outbox.h"

#include <algorithm>

#include "broker/base/check.h"

namespace mortise::core {

void Outbox::open_segment() {
  if (!segments_.empty()) closed_size_ += segments_.back().size();
  segments_.emplace_back();
  if (pool_ != nullptr) segments_.back().bytes = pool_->take();
}

void Outbox::append_payload(const mqtt::MessagePtr& message) {
  const ByteView payload = message->payload();
  if (payload.size() < kReferenceFrom) {
    buffer().append(as_text(payload));
    return;
  }
  buffer();
  segments_.back().message = message;
}

std::size_t Outbox::gather(std::span<iovec> vectors) const noexcept {
  std::size_t used = 0;
  std::size_t skip = consumed_;
  const auto add = [&](const void* data, std::size_t size) {
    const std::size_t skipped = std::min(skip, size);
    skip -= skipped;
    if (size == skipped) return;
    vectors[used++] = {const_cast<char*>(static_cast<const char*>(data)) + skipped, size - skipped};
  };
  for (const Segment& segment : segments_) {
    if (used + 2 > vectors.size()) break;
    add(segment.bytes.data(), segment.bytes.size());
    if (segment.message) add(segment.message->payload().data(), segment.message->payload().size());
  }
  return used;
}

void Outbox::give_back(mqtt::ByteBuffer& buffer) {
  // One that a single large packet has grown is not worth keeping.
  if (pool_ != nullptr && buffer.capacity() <= 2 * kSegmentSize) pool_->give_back(std::move(buffer));
}

void Outbox::consume(std::size_t written) {
  CHECK(written <= size());
  consumed_ += written;
  std::size_t done = 0;
  while (done + 1 < segments_.size() && consumed_ >= segments_[done].size()) {
    consumed_ -= segments_[done].size();
    closed_size_ -= segments_[done].size();
    give_back(segments_[done].bytes);
    ++done;
  }
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(done));
  if (segments_.size() != 1 || consumed_ < segments_.front().size()) return;
  consumed_ = 0;
  give_back(segments_.front().bytes);
  segments_ = {};
}

}  // namespace mortise::core
