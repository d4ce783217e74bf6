#pragma once

#include <mortise/abi.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/hooks/instances.h"

namespace mortise::plugin_host {

/// How a page ended.
struct PageEnd {
  bool has_more = false;
  std::string cursor;
};

/// One page of records that a store plugin emits: checked record by record, copied, and handed on only when its hook
/// has returned OK (R9). Unsynchronised: the store's thread.
class RecordPage {
 public:
  enum class Source : std::uint8_t { kLoad, kFetch };
  RecordPage(Source source, std::size_t limit) : source_(source), limit_(limit) {}

  /// Takes whole records back to back. A record that cannot be used is skipped and counted. Errors: E_INVALID (sizes do
  /// not add up), E_RANGE (the page is full; an end_of_page still fits).
  std::uint32_t emit(ByteView records);

  /// What was skipped, and why the first of them was.
  std::uint64_t skipped() const noexcept { return skipped_; }
  const std::string& first_reason() const noexcept { return first_reason_; }

  /// Nothing when no end_of_page came.
  const std::optional<PageEnd>& end() const noexcept { return end_; }
  /// Hands the records on, end_of_page apart; stops when the sink has enough.
  void deliver(const hooks::StoreHooks::Sink& sink) const;

 private:
  void take(ByteView record);
  void skip(const std::string& reason);
  void take_end(ByteView record);

  const Source source_;
  const std::size_t limit_;
  std::vector<std::uint64_t> block_;  // records are aligned to 8
  std::vector<std::size_t> begins_;   // bytes into block_
  std::size_t used_ = 0;
  std::optional<PageEnd> end_;
  std::uint64_t skipped_ = 0;
  std::string first_reason_;
};

}  // namespace mortise::plugin_host
