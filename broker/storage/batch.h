#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/mqtt/message.h"
#include "broker/session/journal.h"
#include "broker/storage/range_set.h"
#include "broker/storage/record_buffer.h"

namespace mortise::storage {

/// What one commit of the store gets: whole records, numbered without gaps.
struct Batch {
  RecordBuffer records;
  std::uint64_t first_number = 0;
  std::uint64_t last_number = 0;
  bool empty() const noexcept { return records.empty(); }
};

/// Part of a lane's block that goes into a batch. Borrowed until the batch is built.
struct RunView {
  ByteView records;
  const std::vector<mqtt::MessagePtr>& messages;
};

/// Turns what lanes appended into a batch: numbers the records, writes each message once before the first entry that
/// names it, joins removals, and leaves out what the same batch removes again.
///
/// Design notes. Leaving out is exact because a batch is one transaction and neither a session's number nor a position
/// in its queue is ever used twice: a removal may therefore go to the end of the batch, and an entry that it covers
/// need not be written. A subscriber that is there and acknowledges within a commit's time costs the store nothing. A
/// message's number is that of the record that writes it, so nothing else must be remembered to keep it unique.
///
/// What loops append about one retained topic comes in the order of their lanes, not of their changes. So only the last
/// change that a batch knows is written, and of a topic that was written lately nothing older than that.
///
/// Unsynchronised (the store thread's).
class BatchBuilder {
 public:
  /// Builds the batch of all runs, in order; numbers begin at `next_number`, `mark` is the next session's number to
  /// note with it (0: none). Empty when nothing of it needs to be written.
  Batch build(const std::vector<RunView>& runs, std::uint64_t next_number, std::uint64_t mark);
  /// Queue entries left out so far.
  std::uint64_t elided() const noexcept { return elided_; }

  /// Retained topics whose last change is remembered, in each of two generations: an older change is behind by what a
  /// loop does in one iteration.
  static constexpr std::size_t kRememberedTopics = 8192;

 private:
  struct Written {
    std::size_t at = 0;
    std::uint64_t number = 0;
    std::uint32_t refs = 0;
  };
  void look_ahead(const std::vector<RunView>& runs);
  void note_change(ByteView record);
  bool is_last_change(ByteView record) const;
  void add(ByteView record, const std::vector<mqtt::MessagePtr>& messages);
  void add_queue_put(ByteView record, const std::vector<mqtt::MessagePtr>& messages);
  Written& written(const mqtt::MessagePtr& message);
  void add_numbered(ByteView record);
  void add_mark(std::uint64_t mark);
  void add_removals();
  RangeSet::Range* removal_of(std::uint64_t session, std::uint64_t position);

  Batch batch_;
  std::uint64_t next_number_ = 0;
  std::unordered_map<const mqtt::Message*, Written> written_;
  std::unordered_map<session::SessionNumber, RangeSet> removals_;
  std::uint64_t elided_ = 0;
  std::unordered_map<std::string, std::uint64_t> changes_, older_changes_;  // of retained topics
};

}  // namespace mortise::storage
