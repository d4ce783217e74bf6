#include <gtest/gtest.h>

#include <mortise/testing/fake_host.hpp>

#include "probe_plugin.h"

namespace mortise::testing {
namespace {

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(host_.start(), Status::ok); }

  FakeHost host_{mortise_plugin_entry};
};

TEST_F(StoreTest, ABatchIsReadRecordByRecord) {
  std::vector<std::string> seen;
  probe_hooks.commit = [&seen](const StoreCommitView& batch) {
    EXPECT_EQ(*batch.first_operation(), 11u);
    EXPECT_EQ(*batch.last_operation(), 12u);
    Records records = batch.records();
    for (const RecordView record : records) {
      if (const auto* put = record.as<mortise_session_put>()) {
        seen.push_back("put " + std::to_string(record.session()) + " " + std::string(record.bytes(put->client_id)));
      }
      if (record.as<mortise_session_remove>() != nullptr) seen.push_back("remove");
    }
    return records.status();
  };
  RecordBlock batch;
  mortise_session_put put{};
  put.expires_at_ms = MORTISE_EXPIRES_NEVER;
  ASSERT_EQ(batch.put(put, 11, 5, {"key", "client", "", "body"}), Status::ok);
  ASSERT_EQ(batch.put(mortise_session_remove{}, 12, 5, {}), Status::ok);
  EXPECT_EQ(host_.commit(batch), Status::ok);
  EXPECT_EQ(seen, (std::vector<std::string>{"put 5 client", "remove"}));
}

TEST_F(StoreTest, ADamagedBatchEndsTheLoopAndIsReported) {
  std::size_t count = 0;
  probe_hooks.commit = [&count](const StoreCommitView& batch) {
    Records records = batch.records();
    for (const RecordView record : records) count += record.kind() != 0;
    return records.status();
  };
  RecordBlock batch;
  ASSERT_EQ(batch.put(mortise_session_remove{}, 1, 5, {}), Status::ok);
  std::string damaged(reinterpret_cast<const char*>(batch.bytes().data), batch.size());
  ASSERT_EQ(batch.put_whole(damaged), Status::ok);
  damaged[4] = MORTISE_RECORD_SESSION_PUT;  // too short for one
  ASSERT_EQ(batch.put_whole(damaged), Status::ok);
  EXPECT_EQ(host_.commit(batch), Status::e_corrupt);
  EXPECT_EQ(count, 2u);
}

TEST_F(StoreTest, APageOfManyRecordsArrivesWholeAndInOrder) {
  probe_hooks.load = [](const StoreLoadView& request, RecordSink& sink) {
    EXPECT_EQ(*request.cursor().copy(), "from here");
    const std::string body(1000, 'b');
    for (std::uint64_t i = 1; i <= 300; ++i) {
      EXPECT_EQ(sink.put(mortise_subscription_put{}, i, 1, {"filter/" + std::to_string(i), body}), Status::ok);
    }
    EXPECT_GT(sink.bytes(), 300'000u);
    return sink.end_of_page(true, "next");
  };
  const Page page = host_.load("from here");
  EXPECT_EQ(page.status, Status::ok);
  EXPECT_TRUE(page.is_ended);
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.cursor, "next");
  ASSERT_EQ(page.records.size(), 300u);
  const RecordView last(reinterpret_cast<const mortise_record*>(page.records[299].data()));
  EXPECT_EQ(last.bytes(last.as<mortise_subscription_put>()->filter), "filter/300");
}

TEST_F(StoreTest, ARecordWithTheWrongNumberOfRangesIsRefusedAndStaysInTheStatus) {
  probe_hooks.fetch = [](const StoreFetchView&, RecordSink& sink) {
    EXPECT_EQ(sink.put(mortise_subscription_put{}, 1, 1, {"only one"}), Status::e_invalid);
    EXPECT_EQ(sink.put_whole("1234567"), Status::e_invalid) << "the first refusal stays";
    return sink.end_of_page(false);
  };
  EXPECT_EQ(host_.fetch(1).status, Status::e_invalid);
}

TEST_F(StoreTest, AKeptRecordIsEmittedAsItWasCommitted) {
  std::string kept;
  probe_hooks.commit = [&kept](const StoreCommitView& batch) {
    Records records = batch.records();
    for (const RecordView record : records) kept = record.whole();
    return records.status();
  };
  probe_hooks.load = [&kept](const StoreLoadView&, RecordSink& sink) {
    (void)sink.put_whole(kept);
    return sink.end_of_page(false);
  };
  RecordBlock batch;
  ASSERT_EQ(batch.put(mortise_retained_put{}, 1, 0, {"topic", "payload", "body"}), Status::ok);
  ASSERT_EQ(host_.commit(batch), Status::ok);
  EXPECT_EQ(host_.load().records.at(0), kept);
}

}  // namespace
}  // namespace mortise::testing
