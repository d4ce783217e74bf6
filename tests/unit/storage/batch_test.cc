#include "broker/storage/batch.h"

#include <gtest/gtest.h>

#include "broker/storage/record_view.h"
#include "broker/storage/records.h"
#include "tests/unit/storage/storage_fixtures.h"

namespace mortise::storage {
namespace {

using testing::entry;
using testing::message;

/// What a lane would have appended.
struct Appended {
  RecordBuffer records;
  std::vector<mqtt::MessagePtr> messages;

  void put(session::SessionNumber session, session::QueuePosition position, const mqtt::MessagePtr& m) {
    messages.push_back(m);
    append_queue_put(records, session, entry(position, m), messages.size() - 1);
  }
  void remove(session::SessionNumber session, session::QueuePosition first, session::QueuePosition last) {
    hooks::QueueRemoveRecord fixed{};
    fixed.header.session = session;
    fixed.first_position = first;
    fixed.last_position = last;
    records.append(fixed);
  }
  void retain(const mqtt::MessagePtr& m, std::uint64_t change) {
    const std::size_t at = records.size();
    append_retained_put(records, *m);
    records.patch(at + offsetof(RecordHeader, number), &change, sizeof change);
  }
  void clear(std::string_view topic, std::uint64_t change) {
    hooks::RetainedRemoveRecord fixed{};
    fixed.header.number = change;
    records.append(fixed, {as_bytes(topic)});
  }
  void release(session::SessionNumber session, session::QueuePosition position) {
    hooks::QueueStateRecord fixed{};
    fixed.header.session = session;
    fixed.position = position;
    fixed.state = hooks::kQueueStateReleased;
    records.append(fixed);
  }
};

/// Kinds of a batch's records, after checking that their numbers rise by one.
std::vector<RecordKind> kinds_of(const Batch& batch) {
  std::vector<RecordKind> kinds;
  std::uint64_t number = batch.first_number;
  RecordsView records(batch.records.view());
  while (const auto bytes = records.next()) {
    const auto record = RecordView::parse(*bytes);
    EXPECT_TRUE(record) << record.error().message;
    EXPECT_EQ(record->header().number, number++);
    kinds.push_back(record->kind());
  }
  EXPECT_FALSE(records.is_damaged());
  EXPECT_EQ(batch.last_number, number - 1);
  return kinds;
}

TEST(BatchBuilder, WritesAMessageOnceForAllQueuesOfAllLanes) {
  const auto m = message("a");
  Appended one, two;
  one.put(1, 1, m);
  one.put(2, 1, m);
  two.put(3, 1, m);
  const Batch batch =
      BatchBuilder().build({{one.records.view(), one.messages}, {two.records.view(), two.messages}}, 10, 0);
  using enum RecordKind;
  EXPECT_EQ(kinds_of(batch), (std::vector{kMessagePut, kQueuePut, kQueuePut, kQueuePut}));
  const auto first = RecordView::parse(*RecordsView(batch.records.view()).next());
  EXPECT_EQ(first->as<hooks::MessagePutRecord>().refs, 3u);
  EXPECT_EQ(first->as<hooks::MessagePutRecord>().message, 10u);
}

TEST(BatchBuilder, LeavesOutAnEntryThatTheSameBatchRemoves) {
  Appended lane;
  lane.put(1, 1, message("a"));
  lane.release(1, 1);
  lane.put(1, 2, message("b"));
  lane.remove(1, 1, 1);
  lane.remove(1, 2, 2);
  BatchBuilder builder;
  EXPECT_TRUE(builder.build({{lane.records.view(), lane.messages}}, 1, 0).empty());
  EXPECT_EQ(builder.elided(), 2u);
}

TEST(BatchBuilder, KeepsARemovalThatReachesWhatIsStored) {
  Appended lane;
  lane.put(1, 5, message("a"));
  lane.put(1, 6, message("b"));
  lane.remove(1, 4, 5);
  lane.remove(2, 5, 5);
  const Batch batch = BatchBuilder().build({{lane.records.view(), lane.messages}}, 1, 0);
  using enum RecordKind;
  EXPECT_EQ(kinds_of(batch), (std::vector{kMessagePut, kQueuePut, kQueueRemove, kQueueRemove}));
}

TEST(BatchBuilder, ARemovalOfTheWholeQueueIsNeverLeftOut) {
  Appended lane;
  lane.put(1, 1, message("a"));
  lane.remove(1, 0, ~std::uint64_t{0});
  const Batch batch = BatchBuilder().build({{lane.records.view(), lane.messages}}, 1, 0);
  EXPECT_EQ(kinds_of(batch), (std::vector{RecordKind::kQueueRemove}));
}

TEST(BatchBuilder, AnEntryOfAnotherSessionStaysWhenOneIsLeftOut) {
  const auto m = message("a");
  Appended lane;
  lane.put(1, 1, m);
  lane.put(2, 1, m);
  lane.remove(1, 1, 1);
  const Batch batch = BatchBuilder().build({{lane.records.view(), lane.messages}}, 1, 0);
  using enum RecordKind;
  ASSERT_EQ(kinds_of(batch), (std::vector{kMessagePut, kQueuePut}));
  EXPECT_EQ(RecordView::parse(*RecordsView(batch.records.view()).next())->as<hooks::MessagePutRecord>().refs, 1u);
}

TEST(BatchBuilder, OfARetainedTopicTheLastChangeIsWrittenWhicheverLaneSaysIt) {
  Appended one, two, late;
  one.retain(message("a", "new"), 8);
  one.clear("b", 6);
  two.retain(message("a", "old"), 7);
  two.retain(message("b", "again"), 9);
  BatchBuilder builder;
  const Batch batch = builder.build({{one.records.view(), one.messages}, {two.records.view(), two.messages}}, 1, 0);
  EXPECT_EQ(kinds_of(batch), (std::vector{RecordKind::kRetainedPut, RecordKind::kRetainedPut}));
  RecordsView records(batch.records.view());
  for (const std::string_view expected : {"new", "again"}) {
    const auto bytes = records.next();
    ASSERT_TRUE(bytes);
    const auto stored = decode_retained_put(*RecordView::parse(*bytes));
    ASSERT_TRUE(stored);
    EXPECT_EQ(as_text((*stored)->payload()), expected);
  }
  late.retain(message("a", "older"), 5);
  EXPECT_TRUE(builder.build({{late.records.view(), late.messages}}, 3, 0).empty());
}

TEST(BatchBuilder, AMarkGoesOnlyWithOtherRecords) {
  const std::vector<mqtt::MessagePtr> none;
  EXPECT_TRUE(BatchBuilder().build({{ByteView(), none}}, 1, 99).empty());
  Appended lane;
  lane.put(1, 1, message("a"));
  const Batch batch = BatchBuilder().build({{lane.records.view(), lane.messages}}, 1, 99);
  EXPECT_EQ(kinds_of(batch).back(), RecordKind::kMarkPut);
}

}  // namespace
}  // namespace mortise::storage
