#include "broker/storage/record_buffer.h"

#include <limits>

namespace mortise::storage {

using hooks::ByteRange;

const hooks::RecordLayout* find_layout(RecordKind kind) noexcept {
  for (const hooks::RecordLayout& layout : hooks::kRecordLayouts) {
    if (layout.kind == kind) return &layout;
  }
  return nullptr;
}

std::size_t RecordBuffer::append_fixed(void* fixed, std::size_t fixed_size, std::initializer_list<ByteView> ranges) {
  auto* const fixed_bytes = static_cast<std::uint8_t*>(fixed);
  std::size_t size = fixed_size;
  std::size_t range_at = fixed_size - ranges.size() * sizeof(ByteRange);
  for (const ByteView bytes : ranges) {
    const ByteRange range{static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(bytes.size())};
    std::memcpy(fixed_bytes + range_at, &range, sizeof range);
    range_at += sizeof range;
    size += bytes.size();
  }
  const std::size_t padded = (size + 7) / 8 * 8;
  // An MQTT packet has at most 256 MiB, so a record of one never comes near the limit of its size field.
  CHECK(padded <= std::numeric_limits<std::uint32_t>::max());
  RecordHeader header;
  std::memcpy(&header, fixed, sizeof header);
  header.size = static_cast<std::uint32_t>(padded);
  header.version = hooks::kRecordVersion;
  std::memcpy(fixed, &header, sizeof header);

  const std::size_t at = bytes_.size();
  bytes_.insert(bytes_.end(), fixed_bytes, fixed_bytes + fixed_size);
  for (const ByteView bytes : ranges) bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  bytes_.resize(at + padded);
  return at;
}

}  // namespace mortise::storage
