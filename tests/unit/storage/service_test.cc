#include "broker/storage/service.h"

#include <gtest/gtest.h>

#include "broker/storage/records.h"
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

TEST(Service, NothingIsDurableBeforeItsCommit) {
  MemoryStore store;
  Heard heard;
  Found found;
  Service service(store, heard, options());
  ASSERT_TRUE(service.start(found));
  Lane& lane = service.lane(0);
  EXPECT_TRUE(lane.is_durable(lane.position()));
  store.hold();
  lane.inbound_put(1, 7);
  const std::uint64_t position = lane.position();
  lane.flush();
  ASSERT_TRUE(store.wait_for([&] { return store.attempts == 1; }));
  EXPECT_FALSE(lane.is_durable(position));
  store.release();
  ASSERT_TRUE(heard.wait_for_position(0, position));
  EXPECT_TRUE(lane.is_durable(position));
}

TEST(Service, WhatArrivesDuringACommitGoesTogetherInTheNext) {
  MemoryStore store;
  Heard heard;
  Found found;
  Service service(store, heard, options());
  ASSERT_TRUE(service.start(found));
  Lane& lane = service.lane(0);
  store.hold();
  lane.inbound_put(1, 1);
  lane.flush();
  ASSERT_TRUE(store.wait_for([&] { return store.attempts == 1; }));
  for (std::uint16_t id = 2; id <= 100; ++id) {
    lane.inbound_put(1, id);
    lane.flush();
  }
  store.release();
  ASSERT_TRUE(heard.wait_for_position(0, lane.position()));
  service.stop();
  EXPECT_EQ(store.commits.size(), 2u);
  EXPECT_EQ(store.inbound.size(), 100u);
}

TEST(Service, AFailedCommitIsTriedAgainWithTheSameNumbersUntilItWorks) {
  MemoryStore store;
  Heard heard;
  Found found;
  Service service(store, heard, options());
  ASSERT_TRUE(service.start(found));
  store.set(store.failures_left, std::uint64_t{3});
  Lane& lane = service.lane(0);
  lane.inbound_put(1, 1);
  lane.flush();
  ASSERT_TRUE(heard.wait_for_position(0, 1));
  lane.inbound_put(1, 2);
  lane.flush();
  ASSERT_TRUE(heard.wait_for_position(0, 2));
  service.stop();
  EXPECT_EQ(heard.states, (std::vector<bool>{true, false}));
  EXPECT_EQ(store.attempts, 5u);
  EXPECT_EQ(store.opened, 4u) << "opened again before each further attempt";
  ASSERT_EQ(store.commits.size(), 2u);
  EXPECT_EQ(store.commits[0].first, 1u);
  EXPECT_EQ(store.commits[1].first, store.commits[0].last + 1);
}

TEST(Service, WhatWasHandedOverWhileTheStoreFailedIsCommittedWhenItWorksAgain) {
  MemoryStore store;
  Heard heard;
  Found found;
  Service service(store, heard, options());
  ASSERT_TRUE(service.start(found));
  store.set(store.failures_left, ~std::uint64_t{0});
  Lane& lane = service.lane(0);
  lane.inbound_put(1, 1);
  lane.flush();
  ASSERT_TRUE(store.wait_for([&] { return store.attempts > 2; }));
  lane.inbound_put(1, 2);
  lane.flush();
  const std::uint64_t attempts = store.get(store.attempts);
  // Taken while it fails: another attempt has begun since.
  ASSERT_TRUE(store.wait_for([&] { return store.attempts > attempts + 1; }));
  store.set(store.failures_left, std::uint64_t{0});
  EXPECT_TRUE(heard.wait_for_position(0, lane.position()));
}

TEST(Service, NothingIsAcknowledgedWhileTheStoreFails) {
  MemoryStore store;
  Heard heard;
  Found found;
  Service service(store, heard, options());
  ASSERT_TRUE(service.start(found));
  store.set(store.failures_left, ~std::uint64_t{0});
  Lane& lane = service.lane(0);
  lane.inbound_put(1, 1);
  lane.flush();
  ASSERT_TRUE(store.wait_for([&] { return store.attempts > 5; }));
  EXPECT_FALSE(lane.is_durable(lane.position()));
  service.stop();
  EXPECT_FALSE(lane.is_durable(lane.position()));
  EXPECT_EQ(heard.states, std::vector<bool>{true});
}

TEST(Service, CreditRunsOutAndComesBack) {
  MemoryStore store;
  Heard heard;
  Found found;
  auto small = options();
  small.credit_bytes = 4096;
  Service service(store, heard, small);
  ASSERT_TRUE(service.start(found));
  Lane& lane = service.lane(0);
  store.hold();
  EXPECT_TRUE(lane.has_credit());
  lane.queue_put(1, entry(1, message("a", std::string(5000, 'x'))));
  EXPECT_FALSE(lane.has_credit());
  lane.flush();
  ASSERT_TRUE(store.wait_for([&] { return store.attempts == 1; }));
  EXPECT_FALSE(lane.has_credit());
  store.release();
  ASSERT_TRUE(heard.wait_for_position(0, lane.position()));
  EXPECT_TRUE(lane.has_credit());
}

TEST(Service, WhatOneLaneHasBeyondItsCreditTheOthersDoNotGet) {
  MemoryStore store;
  Heard heard;
  Found found;
  Service::Options small = options(2);
  small.credit_bytes = 1000;
  Service service(store, heard, small);
  ASSERT_TRUE(service.start(found));
  store.set(store.failures_left, ~std::uint64_t{0});
  Lane& keeps = service.lane(0);
  Lane& publishes = service.lane(1);
  // What was published on the other loop is kept by this one.
  for (mqtt::PacketId id = 1; id <= 1000 && publishes.has_credit(); ++id) {
    keeps.inbound_put(1, id);
    keeps.flush();
  }
  EXPECT_FALSE(publishes.has_credit());
  EXPECT_FALSE(keeps.has_credit());
  store.set(store.failures_left, std::uint64_t{0});
  ASSERT_TRUE(heard.wait_for([&] { return heard.positions.contains(1); })) << "it is told that it may go on";
  EXPECT_TRUE(publishes.has_credit());
  ASSERT_TRUE(heard.wait_for_position(0, keeps.position()));
  EXPECT_TRUE(keeps.has_credit());
}

TEST(Service, AFetchSeesEverythingAppendedBeforeItInOrder) {
  MemoryStore store;
  Heard heard;
  Found found;
  Service service(store, heard, options(2));
  ASSERT_TRUE(service.start(found));
  Lane& lane = service.lane(1);
  for (session::QueuePosition position = 1; position <= 5; ++position)
    lane.queue_put(8, entry(position, message("t/" + std::to_string(position))));
  lane.queue_released(8, 4);
  lane.queue_remove(8, 1, 1);
  lane.fetch(8, 0, 3, 1 << 20);
  lane.fetch(8, 4, 3, 1 << 20);
  lane.flush();
  ASSERT_TRUE(heard.wait_for([&] { return heard.pages.size() == 2; }));
  service.stop();
  const auto& [loop, first] = heard.pages[0];
  EXPECT_EQ(loop, 1);
  EXPECT_EQ(first.session, 8u);
  ASSERT_EQ(first.records.size(), 3u);
  EXPECT_EQ(first.records[0].position, 2u);
  EXPECT_EQ(first.records[0].message->topic(), "t/2");
  EXPECT_FALSE(first.records[1].released);
  EXPECT_TRUE(first.records[2].released);
  EXPECT_FALSE(first.is_last);
  const Page& second = heard.pages[1].second;
  ASSERT_EQ(second.records.size(), 1u);
  EXPECT_EQ(second.records[0].position, 5u);
  EXPECT_TRUE(second.is_last);
}

TEST(Service, AFetchWaitsForTheGroupItsLaneWaitsFor) {
  MemoryStore store;
  Heard heard;
  Found found;
  Service service(store, heard, options(2));
  ASSERT_TRUE(service.start(found));
  const std::uint64_t group = service.lane(0).new_group();
  service.lane(0).begin_piece(group, 2);
  service.lane(0).queue_put(1, entry(1, message("a")));
  service.lane(0).end_piece();
  service.lane(0).fetch(1, 0, 10, 1 << 20);
  service.lane(0).flush();
  service.lane(1).inbound_put(2, 1);
  service.lane(1).flush();
  ASSERT_TRUE(heard.wait_for_position(1, 1));
  EXPECT_EQ(store.get(store.fetched), 0u);
  service.lane(1).begin_piece(group, 0);
  service.lane(1).end_piece();
  service.lane(1).flush();
  ASSERT_TRUE(heard.wait_for([&] { return !heard.pages.empty(); }));
  EXPECT_EQ(heard.pages[0].second.records.size(), 1u);
}

TEST(Service, AFailedFetchSaysSo) {
  MemoryStore store;
  Heard heard;
  Found found;
  Service service(store, heard, options());
  ASSERT_TRUE(service.start(found));
  store.set(store.fails_to_fetch, true);
  service.lane(0).fetch(1, 0, 10, 1 << 20);
  service.lane(0).flush();
  ASSERT_TRUE(heard.wait_for([&] { return !heard.pages.empty(); }));
  EXPECT_TRUE(heard.pages[0].second.failed);
}

TEST(Service, APageWithoutItsEndIsLastOnlyWhenEmpty) {
  MemoryStore store;
  store.says_end_of_page = false;
  Heard heard;
  Found found;
  Service service(store, heard, options());
  ASSERT_TRUE(service.start(found));
  service.lane(0).queue_put(1, entry(1, message("a")));
  service.lane(0).fetch(1, 0, 10, 1 << 20);
  service.lane(0).fetch(1, 1, 10, 1 << 20);
  service.lane(0).flush();
  ASSERT_TRUE(heard.wait_for([&] { return heard.pages.size() == 2; }));
  EXPECT_FALSE(heard.pages[0].second.is_last);
  EXPECT_TRUE(heard.pages[1].second.is_last);
}

TEST(Service, WithAnIntervalNothingWaitsAndStoppingCommitsTheRest) {
  MemoryStore store;
  Heard heard;
  Found found;
  auto slow = options();
  slow.durability = session::Durability::kInterval;
  slow.interval = Millis(3'600'000);
  Service service(store, heard, slow);
  ASSERT_TRUE(service.start(found));
  Lane& lane = service.lane(0);
  lane.inbound_put(1, 1);
  EXPECT_TRUE(lane.is_durable(lane.position()));
  lane.flush();
  ASSERT_TRUE(heard.wait_for_position(0, 1));
  for (std::uint16_t id = 2; id < 50; ++id) {
    lane.inbound_put(1, id);
    lane.flush();
  }
  service.stop();
  EXPECT_EQ(store.commits.size(), 2u);
  EXPECT_EQ(store.inbound.size(), 49u);
}

TEST(Service, AFetchDoesNotWaitForTheInterval) {
  MemoryStore store;
  Heard heard;
  Found found;
  auto slow = options();
  slow.durability = session::Durability::kNone;
  slow.interval = Millis(3'600'000);
  Service service(store, heard, slow);
  ASSERT_TRUE(service.start(found));
  Lane& lane = service.lane(0);
  lane.inbound_put(1, 1);
  lane.flush();
  ASSERT_TRUE(heard.wait_for_position(0, 1));
  lane.queue_put(1, entry(1, message("a")));
  lane.fetch(1, 0, 10, 1 << 20);
  lane.flush();
  ASSERT_TRUE(heard.wait_for([&] { return !heard.pages.empty(); }));
  EXPECT_EQ(heard.pages[0].second.records.size(), 1u);
}

TEST(Service, WhatWasHandedOverIsCommittedAtStopEvenAfterOneFailure) {
  MemoryStore store;
  Heard heard;
  Found found;
  auto patient = options();
  patient.retry_first = patient.retry_max = Millis(3'600'000);
  Service service(store, heard, patient);
  ASSERT_TRUE(service.start(found));
  store.set(store.failures_left, std::uint64_t{1});
  service.lane(0).inbound_put(1, 1);
  service.lane(0).flush();
  ASSERT_TRUE(heard.wait_for([&] { return !heard.states.empty(); }));
  service.lane(0).inbound_put(1, 2);
  service.lane(0).flush();
  service.stop();
  EXPECT_EQ(store.inbound.size(), 2u);
}

TEST(Service, AStoreThatCannotBeOpenedOrReadIsTheErrorOfStart) {
  Heard heard;
  Found found;
  MemoryStore closed;
  closed.refuses_to_open = true;
  Service one(closed, heard, options());
  const auto refused = one.start(found);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "memory: cannot be opened: give it another chance");
  MemoryStore damaged;
  damaged.fails_to_load = true;
  Service two(damaged, heard, options());
  EXPECT_FALSE(two.start(found));
}

TEST(Service, TheSameMessageInQueuesOfSeveralLoopsIsStoredOnce) {
  MemoryStore store;
  Heard heard;
  Found found;
  Service service(store, heard, options(2));
  ASSERT_TRUE(service.start(found));
  const auto m = message("a");
  const std::uint64_t group = service.lane(0).new_group();
  service.lane(0).begin_piece(group, 2);
  service.lane(0).queue_put(1, entry(1, m));
  service.lane(0).queue_put(2, entry(1, m));
  service.lane(0).end_piece();
  service.lane(0).flush();
  service.lane(1).begin_piece(group, 0);
  service.lane(1).queue_put(3, entry(1, m));
  service.lane(1).end_piece();
  service.lane(1).flush();
  ASSERT_TRUE(heard.wait_for_position(1, service.lane(1).position()));
  service.stop();
  ASSERT_EQ(store.messages.size(), 1u);
  EXPECT_EQ(store.messages.begin()->second.refs, 3u);
}

}  // namespace
}  // namespace mortise::storage
