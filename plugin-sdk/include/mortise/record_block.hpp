#pragma once

/// Store records written one behind the other: what the sink of load and fetch, and a test's batch, are made of.

#include <mortise/store_records.h>

#include <cstring>
#include <initializer_list>
#include <mortise/status.hpp>
#include <vector>

MORTISE_SDK_BEGIN

/// The record kind of each structure of store_layouts.h.
template <class Fixed>
struct RecordKind;
#define MORTISE_RECORD_KIND(name, kind_number)          \
  template <>                                           \
  struct RecordKind<mortise_##name> {                   \
    static constexpr std::uint32_t value = kind_number; \
  };
MORTISE_FOR_EACH_RECORD(MORTISE_RECORD_KIND)
#undef MORTISE_RECORD_KIND

/// A growing block of whole records, aligned to 8. Unsynchronised.
class RecordBlock {
 public:
  /// Appends a record: the fixed part (its header is filled in here) and the bytes of its ranges, in their order.
  /// Errors: e_invalid (not as many ranges as the kind has), e_range (4 GiB).
  template <class Fixed>
  Status put(const Fixed& fixed, std::uint64_t number, std::uint64_t session,
             std::initializer_list<std::string_view> ranges) {
    constexpr std::uint32_t kKind = RecordKind<Fixed>::value;
    if (ranges.size() != mortise_record_range_count(kKind)) return Status::e_invalid;
    std::size_t size = sizeof(Fixed);
    for (const std::string_view range : ranges) size += range.size();
    if (size > UINT32_MAX - 8) return Status::e_range;
    size = padded(size);
    char* const record = room(size);
    Fixed head = fixed;
    head.header.size = static_cast<std::uint32_t>(size);
    head.header.kind = static_cast<std::uint16_t>(kKind);
    head.header.version = MORTISE_RECORD_VERSION;
    head.header.number = number;
    head.header.session = session;
    std::memcpy(record, &head, sizeof head);
    place(record, sizeof(Fixed), ranges);
    return Status::ok;
  }
  /// Appends one record as it was read. Errors: e_corrupt (not exactly one sound record).
  Status put_whole(std::string_view bytes) {
    if (bytes.size() < sizeof(mortise_record) || bytes.size() % 8 != 0) return Status::e_corrupt;
    mortise_record header;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.size != bytes.size()) return Status::e_corrupt;
    std::memcpy(room(bytes.size()), bytes.data(), bytes.size());
    return Status::ok;
  }
  /// Lifetime: until the block changes.
  mortise_bytes bytes() const { return {reinterpret_cast<const char*>(words_.data()), used_}; }
  std::size_t size() const { return used_; }
  void clear() { used_ = 0; }

 private:
  static std::size_t padded(std::size_t size) { return (size + 7) / 8 * 8; }

  char* room(std::size_t size) {
    const std::size_t words = (used_ + size) / 8;
    if (words_.size() < words) words_.resize(words_.size() * 2 > words ? words_.size() * 2 : words);
    char* const at = reinterpret_cast<char*>(words_.data()) + used_;
    used_ += size;
    return at;
  }

  static void place(char* record, std::size_t fixed_size, std::initializer_list<std::string_view> ranges) {
    std::size_t at = fixed_size;
    char* entry = record + fixed_size - ranges.size() * sizeof(mortise_range);
    for (const std::string_view bytes : ranges) {
      const mortise_range range = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(bytes.size())};
      std::memcpy(entry, &range, sizeof range);
      if (!bytes.empty()) std::memcpy(record + at, bytes.data(), bytes.size());
      entry += sizeof range;
      at += bytes.size();
    }
    std::memset(record + at, 0, padded(at) - at);
  }

  std::vector<std::uint64_t> words_;  // aligned to 8
  std::size_t used_ = 0;              // bytes
};

MORTISE_SDK_END
