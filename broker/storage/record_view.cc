#include "broker/storage/record_view.h"

#include <string>

#include "broker/storage/record_buffer.h"

namespace mortise::storage {
namespace {

bool is_inside(const hooks::ByteRange& range, std::size_t fixed_size, std::size_t size) {
  if (range.length == 0) return range.offset <= size;
  return range.offset >= fixed_size && range.offset <= size && range.length <= size - range.offset;
}

Failure<Error> bad(const hooks::RecordLayout& layout, const char* what) {
  return failure(std::string(layout.name) + ": " + what);
}

}  // namespace

Result<RecordView> RecordView::parse(ByteView bytes) {
  RecordHeader header;
  if (bytes.size() < sizeof header) return failure("record: shorter than its header");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.size != bytes.size() || header.size % 8 != 0) return failure("record: wrong size");
  if (header.version == 0) return failure("record: version 0");
  const hooks::RecordLayout* layout = find_layout(static_cast<RecordKind>(header.kind));
  if (layout == nullptr) return RecordView(bytes, header, false);
  if (bytes.size() < layout->fixed_size) return bad(*layout, "shorter than its fixed part");
  for (std::uint32_t i = 0; i < layout->range_count; ++i) {
    hooks::ByteRange range;
    const std::size_t at = layout->fixed_size - (layout->range_count - i) * sizeof range;
    std::memcpy(&range, bytes.data() + at, sizeof range);
    if (!is_inside(range, layout->fixed_size, bytes.size())) return bad(*layout, "a range lies outside");
  }
  return RecordView(bytes, header, true);
}

std::optional<ByteView> RecordsView::next() noexcept {
  if (rest_.empty() || is_damaged_) return std::nullopt;
  std::uint32_t size = 0;
  if (rest_.size() >= sizeof(RecordHeader)) std::memcpy(&size, rest_.data(), sizeof size);
  is_damaged_ = size < sizeof(RecordHeader) || size % 8 != 0 || size > rest_.size();
  if (is_damaged_) return std::nullopt;
  const ByteView record = rest_.first(size);
  rest_ = rest_.subspan(size);
  return record;
}

}  // namespace mortise::storage
