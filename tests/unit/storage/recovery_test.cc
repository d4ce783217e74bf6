#include "broker/storage/recovery.h"

#include <gtest/gtest.h>

#include <cstring>

#include "broker/storage/records.h"
#include "broker/storage/service.h"
#include "tests/unit/storage/memory_store.h"
#include "tests/unit/storage/storage_fixtures.h"

namespace mortise::storage {
namespace {

using testing::entry;
using testing::Found;
using testing::Heard;
using testing::MemoryStore;
using testing::message;
using testing::options;
using testing::session_of;

/// Runs a broker's life on a store: appends through a lane, then stops.
template <class Life>
void live(MemoryStore& store, Life life) {
  Heard heard;
  Found found;
  Service service(store, heard, options());
  ASSERT_TRUE(service.start(found));
  life(service.lane(0));
  service.lane(0).flush();
  ASSERT_TRUE(heard.wait_for_position(0, service.lane(0).position()));
}

session::SubscriptionRecord subscription(const std::string& filter) {
  session::SubscriptionRecord record;
  record.filter = record.routed_filter = filter;
  return record;
}

TEST(Recovery, EverythingOfASessionComesBackTogether) {
  MemoryStore store;
  live(store, [](Lane& lane) {
    for (int i = 1; i <= 20; ++i) {
      const session::SessionNumber number = lane.new_session_number();
      lane.session_put(session_of(number, "client-" + std::to_string(i)));
      lane.subscription_put(number, subscription("a/" + std::to_string(i)));
      lane.subscription_put(number, subscription("b/#"));
      lane.inbound_put(number, static_cast<mqtt::PacketId>(i));
      lane.will_put(number, WallTime(Millis(5)), message("will/" + std::to_string(i)));
      for (std::uint64_t position = 1; position <= 3; ++position) lane.queue_put(number, entry(position, message("q")));
      lane.queue_remove(number, 1, 1);
    }
    lane.retained_put(message("kept"), 1);
    lane.retained_put(message("gone"), 2);
    lane.retained_remove("gone", 3);
  });
  Found found;
  const auto report = Recovery(found).run(store);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sessions, 20u);
  EXPECT_EQ(report->subscriptions, 40u);
  EXPECT_EQ(report->wills, 20u);
  EXPECT_EQ(report->queued_messages, 40u);
  EXPECT_EQ(report->retained, 1u);
  EXPECT_EQ(report->bad, 0u);
  ASSERT_EQ(found.sessions.size(), 20u);
  for (const StoredSession& stored : found.sessions) {
    const std::string i = stored.session.principal->client_id.substr(7);
    EXPECT_EQ(stored.subscriptions.size(), 2u);
    EXPECT_EQ(stored.inbound, std::vector<mqtt::PacketId>{static_cast<mqtt::PacketId>(std::stoi(i))});
    EXPECT_EQ(stored.will->topic(), "will/" + i);
    EXPECT_EQ(stored.queue.first, 2u);
    EXPECT_EQ(stored.queue.last, 3u);
    EXPECT_EQ(stored.queue.messages, 2u);
  }
  ASSERT_EQ(found.retained_messages.size(), 1u);
  EXPECT_EQ(found.retained_messages[0]->topic(), "kept");
}

TEST(Recovery, SessionNumbersAndOperationNumbersAreNeverUsedTwice) {
  MemoryStore store;
  session::SessionNumber last = 0;
  std::uint64_t operation = 0;
  for (int life = 0; life < 5; ++life) {
    live(store, [&](Lane& lane) {
      for (int i = 0; i < 3; ++i) {
        const session::SessionNumber number = lane.new_session_number();
        EXPECT_GT(number, last);
        last = number;
        lane.session_put(session_of(number, "c"));
        lane.session_remove(number);  // nothing of it is left to learn its number from
      }
    });
    EXPECT_GT(store.commits.back().first, operation);
    operation = store.commits.back().last;
  }
}

TEST(Recovery, DamagedRecordsAreSkippedAndCountedAndTheRestIsThere) {
  MemoryStore store;
  live(store, [](Lane& lane) {
    for (int i = 1; i <= 3; ++i) {
      const session::SessionNumber number = lane.new_session_number();
      lane.session_put(session_of(number, "c" + std::to_string(i)));
      lane.subscription_put(number, subscription("a"));
    }
  });
  std::string& damaged = store.sessions.begin()->second;
  damaged[damaged.size() / 2] = '\xff';
  std::memset(damaged.data() + sizeof(RecordHeader), 0xff, 40);
  store.extra = {"short", std::string(64, '\0')};
  Found found;
  const auto report = Recovery(found).run(store);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sessions, 2u);
  EXPECT_EQ(report->bad, 4u) << "the session, what belongs to it, and two that are no records";
}

TEST(Recovery, UnknownKindsAreCountedAndNoError) {
  MemoryStore store;
  hooks::SessionRemoveRecord later{};
  RecordBuffer buffer;
  buffer.append(later);
  const std::uint16_t kind = 999;
  buffer.patch(offsetof(RecordHeader, kind), &kind, sizeof kind);
  store.extra = {std::string(as_text(buffer.view()))};
  Found found;
  const auto report = Recovery(found).run(store);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->unknown, 1u);
  EXPECT_EQ(report->bad, 0u);
}

TEST(Recovery, OfTwoSessionsOfOneClientTheNewerStays) {
  MemoryStore store;
  live(store, [](Lane& lane) {
    lane.session_put(session_of(1, "same"));
    lane.session_put(session_of(2, "same"));
  });
  Found found;
  const auto report = Recovery(found).run(store);
  ASSERT_TRUE(report);
  ASSERT_EQ(found.sessions.size(), 1u);
  EXPECT_EQ(found.sessions[0].session.number, 2u);
  EXPECT_EQ(report->bad, 1u);
}

/// A store whose load never gets anywhere.
class Stuck final : public hooks::StoreHooks {
 public:
  std::string_view name() const noexcept override { return "stuck"; }
  Result<void> open() override { return {}; }
  Result<void> commit(ByteView, std::uint64_t, std::uint64_t) override { return {}; }
  Result<std::uint64_t> load(std::uint64_t, const Sink&) override { return std::uint64_t{7}; }
  Result<void> fetch(std::uint64_t, std::uint64_t, std::uint32_t, std::uint64_t, const Sink&) override { return {}; }
};

TEST(Recovery, AStoreWhosePagesDoNotAdvanceIsRefused) {
  Stuck store;
  Found found;
  EXPECT_FALSE(Recovery(found).run(store));
}

}  // namespace
}  // namespace mortise::storage
