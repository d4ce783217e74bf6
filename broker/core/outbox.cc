#include "broker/core/outbox.h"

#include <algorithm>

#include "broker/base/check.h"

namespace mortise::core {

void Outbox::open_segment() {
  if (!contents_) contents_ = pool_ != nullptr ? pool_->take_contents() : std::make_unique<OutboxContents>();
  if (!contents_->segments.empty()) contents_->closed_size += contents_->segments.back().size();
  contents_->segments.emplace_back();
  if (pool_ != nullptr) contents_->segments.back().bytes = pool_->take();
}

void Outbox::append_payload(const mqtt::MessagePtr& message) {
  const ByteView payload = message->payload();
  if (payload.size() < kReferenceFrom) {
    buffer().append(as_text(payload));
    return;
  }
  buffer();
  contents_->segments.back().message = message;
}

std::size_t Outbox::gather(std::span<iovec> vectors) const noexcept {
  if (!contents_) return 0;
  std::size_t used = 0;
  std::size_t skip = contents_->consumed;
  const auto add = [&](const void* data, std::size_t size) {
    const std::size_t skipped = std::min(skip, size);
    skip -= skipped;
    if (size == skipped) return;
    vectors[used++] = {const_cast<char*>(static_cast<const char*>(data)) + skipped, size - skipped};
  };
  for (const OutboxSegment& segment : contents_->segments) {
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
  if (!contents_) return;
  auto& [segments, consumed, closed_size] = *contents_;
  consumed += written;
  std::size_t done = 0;
  while (done + 1 < segments.size() && consumed >= segments[done].size()) {
    consumed -= segments[done].size();
    closed_size -= segments[done].size();
    give_back(segments[done].bytes);
    ++done;
  }
  segments.erase(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(done));
  if (segments.size() != 1 || consumed < segments.front().size()) return;
  give_back(segments.front().bytes);
  std::unique_ptr<OutboxContents> emptied = std::move(contents_);
  if (pool_ != nullptr) pool_->give_back(std::move(emptied));
}

}  // namespace mortise::core
