#include "broker/storage/batch.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "broker/storage/record_view.h"
#include "broker/storage/records.h"

namespace mortise::storage {
namespace {

RecordHeader header_of(ByteView record) {
  RecordHeader header;
  std::memcpy(&header, record.data(), sizeof header);
  return header;
}

template <class Record>
Record fixed_of(ByteView record) {
  Record fixed;
  std::memcpy(&fixed, record.data(), sizeof fixed);
  return fixed;
}

bool is_kind(ByteView record, RecordKind kind) { return header_of(record).kind == static_cast<std::uint16_t>(kind); }

bool is_retained(ByteView record) {
  return is_kind(record, RecordKind::kRetainedPut) || is_kind(record, RecordKind::kRetainedRemove);
}

std::string topic_of(ByteView record) {
  const hooks::ByteRange topic = is_kind(record, RecordKind::kRetainedPut)
                                     ? fixed_of<hooks::RetainedPutRecord>(record).topic
                                     : fixed_of<hooks::RetainedRemoveRecord>(record).topic;
  return std::string(as_text(record.subspan(topic.offset, topic.length)));
}

}  // namespace

Batch BatchBuilder::build(const std::vector<RunView>& runs, std::uint64_t next_number, std::uint64_t mark) {
  batch_ = Batch{};
  batch_.first_number = next_number;
  next_number_ = next_number;
  written_.clear();
  removals_.clear();
  if (changes_.size() >= kRememberedTopics) older_changes_ = std::exchange(changes_, {});
  look_ahead(runs);
  for (const RunView& run : runs) {
    RecordsView records(run.records);
    while (const auto record = records.next()) add(*record, run.messages);
  }
  add_removals();
  if (!batch_.empty() && mark != 0) add_mark(mark);
  batch_.last_number = next_number_ - 1;
  return std::move(batch_);
}

void BatchBuilder::look_ahead(const std::vector<RunView>& runs) {
  for (const RunView& run : runs) {
    RecordsView records(run.records);
    while (const auto record = records.next()) {
      if (is_retained(*record)) note_change(*record);
      if (!is_kind(*record, RecordKind::kQueueRemove)) continue;
      const auto fixed = fixed_of<hooks::QueueRemoveRecord>(*record);
      removals_[fixed.header.session].add(fixed.first_position, fixed.last_position);
    }
  }
}

RangeSet::Range* BatchBuilder::removal_of(std::uint64_t session, std::uint64_t position) {
  if (removals_.empty()) return nullptr;
  const auto found = removals_.find(session);
  return found == removals_.end() ? nullptr : found->second.find(position);
}

void BatchBuilder::note_change(ByteView record) {
  std::string topic = topic_of(record);
  const auto older = older_changes_.find(topic);
  std::uint64_t& last = changes_[std::move(topic)];
  last = std::max({last, header_of(record).number, older != older_changes_.end() ? older->second : 0});
}

bool BatchBuilder::is_last_change(ByteView record) const {
  return header_of(record).number == changes_.at(topic_of(record));
}

void BatchBuilder::add(ByteView record, const std::vector<mqtt::MessagePtr>& messages) {
  if (is_retained(record) && !is_last_change(record)) return;
  if (is_kind(record, RecordKind::kQueuePut)) return add_queue_put(record, messages);
  if (is_kind(record, RecordKind::kQueueRemove)) return;  // joined, at the end
  if (is_kind(record, RecordKind::kQueueState)) {
    const auto fixed = fixed_of<hooks::QueueStateRecord>(record);
    if (removal_of(fixed.header.session, fixed.position) != nullptr) return;
  }
  add_numbered(record);
}

void BatchBuilder::add_queue_put(ByteView record, const std::vector<mqtt::MessagePtr>& messages) {
  auto fixed = fixed_of<hooks::QueuePutRecord>(record);
  if (RangeSet::Range* const removal = removal_of(fixed.header.session, fixed.position)) {
    ++removal->elided;
    ++elided_;
    return;
  }
  Written& message = written(messages.at(fixed.message));
  ++message.refs;
  batch_.records.patch(message.at + offsetof(hooks::MessagePutRecord, refs), &message.refs, sizeof message.refs);
  fixed.message = message.number;
  fixed.header.number = next_number_++;
  const std::size_t at = batch_.records.append_copy(record);
  batch_.records.patch(at, &fixed, sizeof fixed);
}

BatchBuilder::Written& BatchBuilder::written(const mqtt::MessagePtr& message) {
  const auto [found, is_new] = written_.try_emplace(message.get());
  if (is_new) {
    found->second.number = next_number_++;
    found->second.at = append_message_put(batch_.records, found->second.number, *message);
  }
  return found->second;
}

void BatchBuilder::add_numbered(ByteView record) {
  const std::size_t at = batch_.records.append_copy(record);
  const std::uint64_t number = next_number_++;
  batch_.records.patch(at + offsetof(RecordHeader, number), &number, sizeof number);
}

void BatchBuilder::add_removals() {
  for (const auto& [session, set] : removals_) {
    for (const RangeSet::Range& range : set.ranges()) {
      if (range.elided != 0 && range.elided == range.last - range.first + 1) continue;
      hooks::QueueRemoveRecord fixed{};
      fixed.header.number = next_number_++;
      fixed.header.session = session;
      fixed.first_position = range.first;
      fixed.last_position = range.last;
      batch_.records.append(fixed);
    }
  }
}

void BatchBuilder::add_mark(std::uint64_t mark) {
  hooks::MarkPutRecord fixed{};
  fixed.header.number = next_number_++;
  fixed.next_session = mark;
  fixed.next_message = fixed.header.number;
  batch_.records.append(fixed, {ByteView()});
}

}  // namespace mortise::storage
