#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/mqtt/message.h"
#include "broker/session/journal.h"
#include "broker/storage/record_buffer.h"

namespace mortise::storage {

/// Consecutive records of one lane that are made durable together or not at all: a piece of a group, or what was
/// appended between pieces.
struct Segment {
  std::uint64_t group = 0;      // 0: of no group
  std::uint32_t announces = 0;  // as in Journal::begin_piece
  std::size_t records_end = 0;  // where it ends in its block
  std::uint64_t position = 0;   // the lane's position at its end
  std::uint64_t appended = 0;   // bytes the lane had ever appended at its end, for its credit
};

/// A Journal::fetch on its way.
struct FetchRequest {
  std::uint64_t position = 0;  // what was appended up to here comes first
  session::SessionNumber session = 0;
  session::QueuePosition after = 0;
  std::uint32_t max_messages = 0;
  std::uint64_t max_bytes = 0;
};

/// What one lane hands over at once. In a queue_put here, `message` is an index of `messages`: the message itself
/// becomes a record, once for all that name it, when the batch is built; and the number of a retained_put or
/// retained_remove is that of its change in the index. Unsynchronised; moves from the loop to the
/// store thread.
struct Block {
  RecordBuffer records;
  std::vector<mqtt::MessagePtr> messages;
  std::vector<Segment> segments;
  std::vector<FetchRequest> fetches;

  bool empty() const noexcept { return segments.empty() && fetches.empty(); }
  void clear() noexcept {
    records.clear();
    messages.clear();
    segments.clear();
    fetches.clear();
  }
};

}  // namespace mortise::storage
