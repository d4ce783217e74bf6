#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/check.h"
#include "broker/hooks/generated/store_records.h"

namespace mortise::storage {

using hooks::RecordHeader;
using hooks::RecordKind;

/// The fixed row of a kind; null for one we do not know.
const hooks::RecordLayout* find_layout(RecordKind kind) noexcept;

/// Records back to back, each aligned to 8, as a store plugin reads them. Unsynchronised.
class RecordBuffer {
 public:
  /// Appends one record: `fixed` with its header's kind, version and size filled in, and the bytes of its ranges in
  /// order. Returns where it begins.
  template <class Record>
  std::size_t append(Record fixed, std::initializer_list<ByteView> ranges = {}) {
    fixed.header.kind = static_cast<std::uint16_t>(Record::kKind);
    return append_fixed(&fixed, sizeof fixed, ranges);
  }
  /// Appends a copy of a whole record.
  std::size_t append_copy(ByteView record) {
    const std::size_t at = bytes_.size();
    bytes_.insert(bytes_.end(), record.begin(), record.end());
    return at;
  }
  /// Overwrites `size` bytes at `at`.
  void patch(std::size_t at, const void* value, std::size_t size) noexcept {
    CHECK(at + size <= bytes_.size());
    std::memcpy(bytes_.data() + at, value, size);
  }

  ByteView view() const noexcept { return bytes_; }
  std::size_t size() const noexcept { return bytes_.size(); }
  std::size_t capacity() const noexcept { return bytes_.capacity(); }
  bool empty() const noexcept { return bytes_.empty(); }
  void clear() noexcept { bytes_.clear(); }

 private:
  std::size_t append_fixed(void* fixed, std::size_t fixed_size, std::initializer_list<ByteView> ranges);

  std::vector<std::uint8_t> bytes_;
};

}  // namespace mortise::storage
