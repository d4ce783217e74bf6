#include "broker/plugin_host/record_page.h"

#include <cstring>

#include "broker/hooks/generated/store_records.h"

namespace mortise::plugin_host {

namespace {

const hooks::RecordLayout* find_layout(std::uint16_t kind) noexcept {
  for (const hooks::RecordLayout& layout : hooks::kRecordLayouts) {
    if (static_cast<std::uint16_t>(layout.kind) == kind) return &layout;
  }
  return nullptr;
}

hooks::RecordHeader header_of(ByteView record) noexcept {
  hooks::RecordHeader header;
  std::memcpy(&header, record.data(), sizeof header);
  return header;
}

/// Why a record cannot be used; null when it can. Its size is right already.
const char* what_is_wrong(ByteView record, const hooks::RecordLayout& layout, bool is_expected) noexcept {
  if (!is_expected) return "is of a kind that does not belong here";
  if (header_of(record).version < hooks::kRecordVersion) return "has version 0";
  if (record.size() < layout.fixed_size) return "is shorter than its fixed part";
  for (std::uint32_t i = 0; i < layout.range_count; ++i) {
    hooks::ByteRange range;
    std::memcpy(&range, record.data() + layout.fixed_size - (layout.range_count - i) * sizeof range, sizeof range);
    const bool is_inside = range.length == 0 ? range.offset <= record.size()
                                             : range.offset >= layout.fixed_size && range.offset <= record.size() &&
                                                   range.length <= record.size() - range.offset;
    if (!is_inside) return "has a range outside of it";
  }
  return nullptr;
}

}  // namespace

void RecordPage::skip(const std::string& reason) {
  if (skipped_++ == 0) first_reason_ = reason;
}

std::uint32_t RecordPage::emit(ByteView records) {
  // First all sizes, so that a block is taken as a whole or not at all.
  for (std::size_t at = 0; at < records.size();) {
    if (records.size() - at < sizeof(hooks::RecordHeader)) return MORTISE_E_INVALID;
    const std::uint32_t size = header_of(records.subspan(at)).size;
    if (size < sizeof(hooks::RecordHeader) || size % 8 != 0 || size > records.size() - at) return MORTISE_E_INVALID;
    at += size;
  }
  const bool is_end_alone = !records.empty() &&
                            header_of(records).kind == static_cast<std::uint16_t>(hooks::RecordKind::kEndOfPage) &&
                            records.size() <= sizeof(hooks::EndOfPageRecord) + MORTISE_MAX_CURSOR_BYTES;
  if (!is_end_alone && (records.size() > limit_ || used_ > limit_ - records.size())) return MORTISE_E_RANGE;
  for (std::size_t at = 0; at < records.size();) {
    const ByteView record = records.subspan(at, header_of(records.subspan(at)).size);
    take(record);
    at += record.size();
  }
  return MORTISE_OK;
}

void RecordPage::take(ByteView record) {
  const hooks::RecordHeader header = header_of(record);
  if (end_) return skip("a record follows end_of_page");
  const hooks::RecordLayout* layout = find_layout(header.kind);
  // Kinds of a later version are kept: whoever reads the page skips what it does not know.
  if (layout != nullptr) {
    const bool is_expected = source_ == Source::kLoad ? layout->in_load : layout->in_fetch;
    if (const char* wrong = what_is_wrong(record, *layout, is_expected)) {
      return skip("record " + std::to_string(header.number) + " (" + std::string(layout->name) + ") " + wrong);
    }
    if (layout->kind == hooks::RecordKind::kEndOfPage) return take_end(record);
  }
  begins_.push_back(used_);
  block_.resize((used_ + record.size()) / sizeof(std::uint64_t));
  std::memcpy(reinterpret_cast<std::uint8_t*>(block_.data()) + used_, record.data(), record.size());
  used_ += record.size();
}

void RecordPage::take_end(ByteView record) {
  hooks::EndOfPageRecord fixed;
  std::memcpy(&fixed, record.data(), sizeof fixed);
  if (fixed.more > 1 || fixed.cursor.length > MORTISE_MAX_CURSOR_BYTES) return skip("end_of_page is not valid");
  end_.emplace();
  end_->has_more = fixed.more == 1;
  if (fixed.cursor.length != 0) end_->cursor = as_text(record.subspan(fixed.cursor.offset, fixed.cursor.length));
}

void RecordPage::deliver(const hooks::StoreHooks::Sink& sink) const {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(block_.data());
  for (std::size_t i = 0; i < begins_.size(); ++i) {
    const std::size_t end = i + 1 < begins_.size() ? begins_[i + 1] : used_;
    if (!sink(ByteView(bytes + begins_[i], end - begins_[i]))) return;
  }
}

}  // namespace mortise::plugin_host
