#pragma once

#include <cstring>
#include <optional>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/hooks/generated/store_records.h"

namespace mortise::storage {

/// One record whose size, version and ranges were checked. Borrowed, for the call.
class RecordView {
 public:
  /// Checks `bytes` as exactly one record. An unknown kind passes with its header alone.
  /// Errors: what is wrong with it. Cost: no allocation on success.
  static Result<RecordView> parse(ByteView bytes);

  const hooks::RecordHeader& header() const noexcept { return header_; }
  hooks::RecordKind kind() const noexcept { return static_cast<hooks::RecordKind>(header_.kind); }
  bool is_known() const noexcept { return is_known_; }
  ByteView bytes() const noexcept { return bytes_; }

  /// The fixed part; only for the record's own kind, and a CHECK otherwise.
  template <class Record>
  Record as() const noexcept {
    CHECK(is_known_ && kind() == Record::kKind);
    Record fixed;
    std::memcpy(&fixed, bytes_.data(), sizeof fixed);
    return fixed;
  }
  /// Bytes of a range of the fixed part, checked by parse.
  ByteView range(const hooks::ByteRange& range) const noexcept {
    return range.length == 0 ? ByteView() : bytes_.subspan(range.offset, range.length);
  }

 private:
  RecordView(ByteView bytes, const hooks::RecordHeader& header, bool is_known)
      : bytes_(bytes), header_(header), is_known_(is_known) {}

  ByteView bytes_;
  hooks::RecordHeader header_;
  bool is_known_;
};

/// Walks a block of records that lie back to back. Borrowed, for the call.
class RecordsView {
 public:
  explicit RecordsView(ByteView block) noexcept : rest_(block) {}
  /// The bytes of the next record; nothing at the end, or when what follows has no possible size (see is_damaged).
  std::optional<ByteView> next() noexcept;
  bool is_damaged() const noexcept { return is_damaged_; }

 private:
  ByteView rest_;
  bool is_damaged_ = false;
};

}  // namespace mortise::storage
