#include "broker/session/outbound_flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recording_journal.h"
#include "tests/conformance/proof.h"

namespace mortise::session::testing {
namespace {

using mqtt::QoS;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Acknowledged = OutboundFlow::Acknowledged;
using Enqueued = OutboundFlow::Enqueued;

constexpr WallTime kWall{std::chrono::hours(1000)};

mqtt::MessagePtr message(std::string_view payload, WallTime expires_at = kNeverWall) {
  mqtt::MessageView fields;
  fields.topic = "t";
  fields.payload = as_bytes(payload);
  fields.qos = QoS::kExactlyOnce;
  fields.expires_at = expires_at;
  return mqtt::Message::make(fields);
}

class OutboundFlowTest : public ::testing::Test {
 protected:
  Enqueued put(std::string_view payload, QoS qos = QoS::kAtLeastOnce, Durably durably = {}) {
    return flow.enqueue({message(payload), qos, false, {}, 0}, durably);
  }
  /// The payloads next() gives until it gives no more; "PUBREL" for releases, "+" behind duplicates.
  std::vector<std::string> take(std::uint16_t quota = 65535, Durably durably = {}, WallTime now = kWall) {
    std::vector<std::string> sent;
    for (;;) {
      const auto send = flow.next(quota, now, durably);
      if (!send && durably && flow.wants_announcement(quota)) {
        announce(quota);
        continue;
      }
      if (!send) return sent;
      ids.push_back(send->packet_id);
      sent.push_back(send->is_release ? "PUBREL"
                                      : std::string(as_text(send->message->payload())) + (send->dup ? "+" : ""));
    }
  }
  /// What a session's owner does when the flow wants it.
  void announce(std::uint16_t quota) {
    flow.announce(quota);
    journal.session_put({});
    flow.announcement_is_at(journal.position());
    stored_sent_until = flow.announced();
  }
  /// The flow as it is after a crash, with its first page.
  void restart_broker(const QueueSummary& summary) {
    OutboundFlow after_restart{queues};
    after_restart.restore(summary, stored_sent_until);
    bool is_last = false;
    auto page = journal.page(after_restart.begin_page(), 512, is_last);
    after_restart.append_page(std::move(page), is_last);
    flow = std::move(after_restart);
    ids.clear();
  }

  SessionLimits limits;
  QueueScope queues{limits};
  OutboundFlow flow{queues};
  std::vector<mqtt::PacketId> ids;
  RecordingJournal journal;
  QueuePosition stored_sent_until = 0;
  const Durably durable{&journal, 7};
};

TEST_F(OutboundFlowTest, MessagesLeaveInTheirOrder) {  // MQTT-4.6.0-5
  for (const char* text : {"1", "2", "3"}) put(text);
  EXPECT_THAT(take(), ElementsAre("1", "2", "3"));
  EXPECT_THAT(ids, ElementsAre(1, 2, 3));
}

TEST_F(OutboundFlowTest, NoMoreThanTheReceiveMaximumAreOnTheirWay) {  // MQTT-3.3.4-9
  for (const char* text : {"1", "2", "3"}) put(text);
  EXPECT_THAT(take(2), ElementsAre("1", "2"));
  EXPECT_EQ(flow.acknowledged(1, {}), Acknowledged::kDone);
  EXPECT_THAT(take(2), ElementsAre("3"));
  EXPECT_EQ(flow.in_flight(), 2);
}

TEST_F(OutboundFlowTest, AcknowledgementsInAnyOrderFreeTheirPlaces) {
  for (const char* text : {"1", "2", "3", "4"}) put(text);
  EXPECT_EQ(take(3).size(), 3u);
  EXPECT_EQ(flow.acknowledged(2, {}), Acknowledged::kDone);
  EXPECT_EQ(flow.acknowledged(3, {}), Acknowledged::kDone);
  EXPECT_EQ(flow.acknowledged(2, {}), Acknowledged::kUnknown);
  EXPECT_THAT(take(3), ElementsAre("4"));
  EXPECT_EQ(flow.acknowledged(1, {}), Acknowledged::kDone);
  EXPECT_EQ(flow.acknowledged(4, {}), Acknowledged::kDone);
  EXPECT_TRUE(flow.empty());
  EXPECT_EQ(flow.bytes(), 0u);
}

TEST_F(OutboundFlowTest, AnAcknowledgementOfNothingInFlightIsUnknown) {
  put("1");
  for (const int id : {0, 1, 2, 65535})
    EXPECT_EQ(flow.acknowledged(static_cast<mqtt::PacketId>(id), {}), Acknowledged::kUnknown) << id;
}

TEST_F(OutboundFlowTest, AnAcknowledgementOfAnotherKindIsWrongAndChangesNothing) {  // MQTT-4.3.2-3, MQTT-4.3.3-3
  put("1");
  put("2", QoS::kExactlyOnce);
  put("3", QoS::kExactlyOnce);
  take();
  flow.received(3, {});
  EXPECT_EQ(flow.received(1, {}), Acknowledged::kWrong) << "PUBREC for QoS 1";
  EXPECT_EQ(flow.refused(1, {}), Acknowledged::kWrong) << "PUBREC with an error for QoS 1";
  EXPECT_EQ(flow.completed(1, {}), Acknowledged::kWrong) << "PUBCOMP for QoS 1";
  EXPECT_EQ(flow.acknowledged(2, {}), Acknowledged::kWrong) << "PUBACK for QoS 2";
  EXPECT_EQ(flow.completed(2, {}), Acknowledged::kWrong) << "PUBCOMP before PUBREC";
  EXPECT_EQ(flow.acknowledged(3, {}), Acknowledged::kWrong) << "PUBACK after PUBREC";
  EXPECT_EQ(flow.in_flight(), 3u);
  flow.restart();
  EXPECT_THAT(take(), ElementsAre("1+", "2+", "PUBREL"));
}

TEST_F(OutboundFlowTest, ARefusedMessageIsDoneAndAReceivedOneIsNotRefusedAnyMore) {  // MQTT-4.3.3-4
  put("1", QoS::kExactlyOnce);
  put("2", QoS::kExactlyOnce);
  take();
  EXPECT_EQ(flow.refused(1, {}), Acknowledged::kDone);
  EXPECT_EQ(flow.received(2, {}), Acknowledged::kReleased);
  EXPECT_EQ(flow.refused(2, {}), Acknowledged::kUnknown);
  EXPECT_EQ(flow.messages(), 1u);
  EXPECT_EQ(flow.completed(2, {}), Acknowledged::kDone);
}

TEST_F(OutboundFlowTest, APubrelNeedsNoRoomInASmallerWindow) {  // MQTT-3.3.4-10, 5.0 section 4.9
  put("1");
  for (const char* text : {"2", "3", "4"}) put(text, QoS::kExactlyOnce);
  put("5");
  EXPECT_EQ(take(4).size(), 4u);
  for (mqtt::PacketId id = 3; id <= 4; ++id) flow.received(id, {});
  flow.restart();
  ids.clear();
  EXPECT_THAT(take(1), ElementsAre("1+", "PUBREL", "PUBREL"));
  EXPECT_THAT(ids, ElementsAre(1, 3, 4));
  EXPECT_EQ(flow.in_flight(), 1u);
  EXPECT_EQ(flow.completed(3, {}), Acknowledged::kDone);
  EXPECT_THAT(take(1), IsEmpty()) << "what took no room gives none back";
  EXPECT_EQ(flow.acknowledged(1, {}), Acknowledged::kDone);
  EXPECT_THAT(take(1), ElementsAre("2+"));
  EXPECT_EQ(flow.received(2, {}), Acknowledged::kReleased);
  EXPECT_EQ(flow.completed(2, {}), Acknowledged::kDone);
  EXPECT_THAT(take(1), ElementsAre("5")) << "and 4 is not released twice";
  EXPECT_EQ(flow.completed(4, {}), Acknowledged::kDone);
  EXPECT_EQ(flow.acknowledged(5, {}), Acknowledged::kDone);
  EXPECT_TRUE(flow.empty());
  EXPECT_EQ(flow.in_flight(), 0u);
}

TEST_F(OutboundFlowTest, ACompletionThatComesBeforeItsPubrelIsSaidAgainIsTaken) {
  put("1");
  put("2", QoS::kExactlyOnce);
  take();
  flow.received(2, {});
  flow.restart();
  EXPECT_EQ(flow.completed(2, {}), Acknowledged::kDone);
  EXPECT_EQ(flow.in_flight(), 0u);
  EXPECT_THAT(take(), ElementsAre("1+"));
  EXPECT_EQ(flow.in_flight(), 1u);
}

TEST_F(OutboundFlowTest, AReconnectSendsAgainWhatWasNotAcknowledged) {  // MQTT-4.4.0-1, MQTT-4.6.0-1
  put("1");
  put("2", QoS::kExactlyOnce);
  put("3", QoS::kExactlyOnce);
  put("4");
  take(3);
  EXPECT_EQ(flow.received(2, {}), Acknowledged::kReleased);
  flow.restart();
  ids.clear();
  EXPECT_THAT(take(), ElementsAre("1+", "PUBREL", "3+", "4"));
  EXPECT_THAT(ids, ElementsAre(1, 2, 3, 4));
}

TEST_F(OutboundFlowTest, WhatWasSentOnceIsNotExpired) {  // MQTT-4.4.0-1 before MQTT-3.3.2-5
  flow.enqueue({message("1", kWall + 1s), QoS::kAtLeastOnce, false, {}, 0}, {});
  flow.enqueue({message("2", kWall + 1s), QoS::kAtLeastOnce, false, {}, 0}, {});
  EXPECT_THAT(take(1), ElementsAre("1"));
  flow.restart();
  EXPECT_THAT(take(65535, {}, kWall + 2s), ElementsAre("1+"));
  EXPECT_EQ(flow.expired(), 1u);
}

TEST_F(OutboundFlowTest, AFullQueueDropsItsOldestAndGoesOn) {
  limits.queue.max_messages = 3;
  for (const char* text : {"1", "2", "3"}) EXPECT_EQ(put(text), Enqueued::kQueued);
  EXPECT_EQ(put("4"), Enqueued::kQueuedDroppingOldest);
  EXPECT_EQ(put("5"), Enqueued::kQueuedDroppingOldest);
  // Two holes stand before what is sent next: one call must pass over both.
  EXPECT_THAT(take(), ElementsAre("3", "4", "5"));
}

TEST_F(OutboundFlowTest, AFullQueueThatMayNotDropTheOldestRefusesTheNewest) {
  limits.queue.max_messages = 2;
  limits.queue.when_full = WhenFull::kDropNew;
  put("1");
  put("2");
  EXPECT_EQ(put("3"), Enqueued::kDropped);
  EXPECT_THAT(take(), ElementsAre("1", "2"));
}

TEST_F(OutboundFlowTest, AMessageLargerThanTheWholeQueueDropsNothingElse) {
  limits.queue.max_bytes = 4096;
  put("1");
  EXPECT_EQ(put(std::string(8192, 'x')), Enqueued::kDropped);
  EXPECT_THAT(take(), ElementsAre("1"));
}

TEST_F(OutboundFlowTest, AQueueThatOverflowsForEverStaysAsSmallAsItsLimit) {
  limits.queue.max_messages = 100;
  for (int i = 0; i < 100'000; ++i) put("x");
  EXPECT_EQ(flow.messages(), 100u);
  EXPECT_LE(flow.entries_in_memory(), 101u);
}

TEST_F(OutboundFlowTest, AClientThatNeverAcknowledgesDoesNotGrowTheQueue) {
  limits.queue.max_messages = 100;
  limits.max_inflight = 10;
  put("first");
  take();
  for (int i = 0; i < 100'000; ++i) {
    put("x");
    take();
  }
  EXPECT_LE(flow.entries_in_memory(), 100u + 2 * 65535u);
}

TEST_F(OutboundFlowTest, PacketIdentifiersComeAroundAndAreNeverUsedTwiceAtOnce) {  // MQTT-2.2.1-3
  limits.max_inflight = 3;
  for (int round = 0; round < 70'000; ++round) {
    put("x");
    ids.clear();
    ASSERT_EQ(take().size(), 1u) << round;
    ASSERT_NE(ids[0], 0);
    ASSERT_EQ(ids[0], round % 65535 + 1);
    ASSERT_EQ(flow.acknowledged(ids[0], {}), Acknowledged::kDone);
  }
}

TEST_F(OutboundFlowTest, APacketIdentifierInUseIsNotGivenToAnotherMessage) {
  PROVES("5.0 MQTT-2.2.1-4", "5.0 MQTT-4.3.2-1", "5.0 MQTT-4.3.3-1", "3.1.1 MQTT-2.3.1-4");
  put("held");
  take();
  ASSERT_THAT(ids, ElementsAre(1));
  int given = 0;
  for (;; ++given) {
    const bool is_qos_2 = given % 2 == 1;
    put("x", is_qos_2 ? QoS::kExactlyOnce : QoS::kAtLeastOnce);
    ids.clear();
    take();
    if (ids.empty()) break;
    ASSERT_EQ(ids.size(), 1u);
    ASSERT_GT(ids[0], 1) << given;
    if (is_qos_2) {
      ASSERT_EQ(flow.received(ids[0], {}), Acknowledged::kReleased);
      ASSERT_EQ(flow.completed(ids[0], {}), Acknowledged::kDone);
    } else {
      ASSERT_EQ(flow.acknowledged(ids[0], {}), Acknowledged::kDone);
    }
  }
  EXPECT_EQ(given, 65'534) << "all others, and then it waits for the one in use";
  EXPECT_EQ(flow.acknowledged(1, {}), Acknowledged::kDone);
  EXPECT_THAT(take(), ElementsAre("x"));
  EXPECT_THAT(ids, ElementsAre(1));
}

TEST_F(OutboundFlowTest, RemoveIfLeavesWhatIsOnItsWay) {
  for (const char* text : {"1", "2", "3"}) put(text);
  take(1);
  EXPECT_EQ(flow.remove_if([](const mqtt::Message&) { return true; }, {}), 2u);
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_EQ(flow.messages(), 1u);
  EXPECT_EQ(flow.acknowledged(1, {}), Acknowledged::kDone);
  put("4");
  EXPECT_THAT(take(), ElementsAre("4"));
}

TEST_F(OutboundFlowTest, AHeldMessageAndWhatIsBehindItWait) {
  journal.durable = 0;
  put("1", QoS::kExactlyOnce, durable);
  put("2", QoS::kAtLeastOnce, durable);
  EXPECT_THAT(take(10, durable), IsEmpty());
  EXPECT_TRUE(flow.is_held(durable));
  journal.durable = UINT64_MAX;
  EXPECT_THAT(take(10, durable), ElementsAre("1", "2"));
}

TEST_F(OutboundFlowTest, NothingIsHeldWhenNothingWaitsForTheStore) {  // R10: memory_only
  journal.durable = 0;
  Durably memory_only = durable;
  memory_only.waits = false;
  put("1", QoS::kExactlyOnce, durable);
  EXPECT_FALSE(flow.is_held(memory_only));
  EXPECT_THAT(take(10, memory_only), ElementsAre("1"));
}

// ---- Pages ----------------------------------------------------------------------------------------------------------

TEST_F(OutboundFlowTest, ALongDurableQueueIsReadBackInPages) {
  limits.queue.max_messages = 100'000;
  for (int i = 1; i <= 5000; ++i) put(std::to_string(i), QoS::kAtLeastOnce, durable);
  EXPECT_GT(flow.paged_out(), 0u);
  std::vector<std::string> got;
  while (got.size() < 5000) {
    const std::size_t before = got.size();
    ids.clear();
    for (auto& text : take(100, durable)) got.push_back(text);
    for (const mqtt::PacketId id : ids) ASSERT_EQ(flow.acknowledged(id, durable), Acknowledged::kDone);
    if (flow.wants_page()) {
      bool is_last = false;
      auto page = journal.page(flow.begin_page(), OutboundFlow::kPageMessages, is_last);
      put("late", QoS::kAtLeastOnce, durable);  // while the page is on its way
      flow.append_page(std::move(page), is_last);
    }
    ASSERT_TRUE(got.size() > before || flow.wants_page()) << got.size();
  }
  for (int i = 1; i <= 5000; ++i) ASSERT_EQ(got[static_cast<std::size_t>(i - 1)], std::to_string(i));
}

TEST_F(OutboundFlowTest, ItsScopeKnowsWhatAllQueuesHoldTogether) {
  EXPECT_EQ(queues.messages, 0u);
  put("1");
  put("2", QoS::kExactlyOnce);
  const std::uint64_t bytes = flow.bytes();
  EXPECT_GT(bytes, 0u);
  EXPECT_EQ(queues.messages, 2u);
  EXPECT_EQ(queues.bytes, bytes);
  {
    OutboundFlow another{queues};
    another.restore({1, 8, 8, 800}, 0);
    EXPECT_EQ(queues.messages, 10u) << "what the store alone has counts as well";
    EXPECT_EQ(queues.bytes, bytes + another.bytes());
    another.begin_page();
    another.append_page({}, true);
    EXPECT_EQ(queues.messages, 2u) << "the store has lost them";
    EXPECT_EQ(queues.bytes, bytes);
    another.enqueue({message("3"), QoS::kAtLeastOnce, false, {}, 0}, {});
    EXPECT_EQ(queues.messages, 3u);
    OutboundFlow moved = std::move(another);
    EXPECT_EQ(queues.messages, 3u);
  }
  EXPECT_EQ(queues.messages, 2u) << "the queue has ended";
  EXPECT_EQ(queues.bytes, bytes);
  take();
  EXPECT_EQ(flow.acknowledged(ids[0], {}), Acknowledged::kDone);
  EXPECT_EQ(flow.received(ids[1], {}), Acknowledged::kReleased);
  EXPECT_EQ(queues.messages, 1u);
  EXPECT_EQ(flow.completed(ids[1], {}), Acknowledged::kDone);
  EXPECT_EQ(queues.messages, 0u);
  EXPECT_EQ(queues.bytes, 0u);
  limits.queue.max_messages = 3;
  for (int i = 0; i < 10; ++i) put(std::to_string(i));
  EXPECT_EQ(queues.messages, 3u) << "what makes room does not count";
}

TEST_F(OutboundFlowTest, ARestoredQueueThatIsFullDropsItsOldestOnceItsFirstPageIsThere) {
  limits.queue.max_messages = 8;
  for (int i = 1; i <= 8; ++i) put(std::to_string(i), QoS::kAtLeastOnce, durable);
  OutboundFlow after_restart{queues};
  after_restart.restore({1, 8, 8, 800}, 0);
  ASSERT_TRUE(after_restart.is_nearly_full());
  restart_broker({1, 8, 8, 800});
  EXPECT_EQ(put("9", QoS::kAtLeastOnce, durable), Enqueued::kQueuedDroppingOldest);
  EXPECT_THAT(take(10, durable), ElementsAre("2", "3", "4", "5", "6", "7", "8", "9"));
}

TEST_F(OutboundFlowTest, ARestoredQueueThatIsFullKeepsWhatMayBeInFlight) {  // MQTT-4.4.0-1
  limits.queue.max_messages = 4;
  for (int i = 1; i <= 4; ++i) put(std::to_string(i), QoS::kAtLeastOnce, durable);
  EXPECT_THAT(take(2, durable), ElementsAre("1", "2"));
  restart_broker({1, 4, 4, 400});
  EXPECT_EQ(put("5", QoS::kAtLeastOnce, durable), Enqueued::kQueuedDroppingOldest);
  EXPECT_THAT(take(10, durable), ElementsAre("1+", "2+", "4", "5"));
}

TEST_F(OutboundFlowTest, ARestoredQueueGoesOnWhereItWas) {  // MQTT-3.3.1-1, MQTT-3.3.1-3, MQTT-4.4.0-1
  for (int i = 1; i <= 5; ++i) put(std::to_string(i), i == 2 ? QoS::kExactlyOnce : QoS::kAtLeastOnce, durable);
  EXPECT_THAT(take(3, durable), ElementsAre("1", "2", "3"));
  flow.received(2, durable);
  restart_broker({1, 5, 5, 500});
  EXPECT_THAT(take(10, durable), ElementsAre("1+", "PUBREL", "3+", "4", "5")) << "4 and 5 were never sent";
  EXPECT_THAT(ids, ElementsAre(1, 2, 3, 4, 5));
  put("6", QoS::kAtLeastOnce, durable);
  EXPECT_THAT(take(10, durable), ElementsAre("6"));
  EXPECT_EQ(ids.back(), 6);
}

TEST_F(OutboundFlowTest, AfterARestartOnlyWhatMayHaveBeenSentOutlivesItsExpiry) {  // MQTT-3.3.2-5, MQTT-4.4.0-1
  for (const char* text : {"1", "2", "3"})
    flow.enqueue({message(text, kWall + 1s), QoS::kAtLeastOnce, false, {}, 0}, durable);
  EXPECT_THAT(take(1, durable), ElementsAre("1"));
  restart_broker({1, 3, 3, 300});
  EXPECT_THAT(take(10, durable, kWall + 2s), ElementsAre("1+"));
  EXPECT_EQ(flow.expired(), 2u);
}

TEST_F(OutboundFlowTest, NothingIsSentBeforeTheStoreKnowsThatItMayBe) {  // MQTT-3.3.1-1: else a crash would lose DUP
  for (const char* text : {"1", "2", "3"}) put(text, QoS::kAtLeastOnce, durable);
  EXPECT_FALSE(flow.next(2, kWall, durable)) << "not announced";
  ASSERT_TRUE(flow.wants_announcement(2));
  journal.durable = journal.position();
  announce(2);
  EXPECT_FALSE(flow.next(2, kWall, durable)) << "not durable";
  EXPECT_TRUE(flow.is_held(durable));
  journal.durable = journal.position();
  EXPECT_THAT(take(2, durable), ElementsAre("1", "2"));
  EXPECT_EQ(flow.announced(), 2u) << "what has no room is not taken for sent";
}

TEST_F(OutboundFlowTest, AMessageAnnouncedBeforeItIsQueuedNeedNotWait) {
  journal.durable = 0;
  ASSERT_TRUE(flow.wants_announcement_first(10));
  announce(10);
  for (int i = 1; i <= 10; ++i) {
    EXPECT_FALSE(flow.wants_announcement_first(10)) << i;
    put("x", QoS::kAtLeastOnce, durable);
    EXPECT_EQ(take(10, durable).size(), 1u) << i;
    flow.acknowledged(static_cast<mqtt::PacketId>(i), durable);
  }
  EXPECT_TRUE(flow.wants_announcement_first(10)) << "one record for a window";
}

TEST_F(OutboundFlowTest, AWideWindowIsAnnouncedAheadOfWhatItSends) {
  limits.queue.max_messages = 10'000;
  for (int i = 0; i < 1000; ++i) put("x", QoS::kAtLeastOnce, durable);
  EXPECT_EQ(take(100, durable).size(), 100u);
  const std::size_t before = journal.position();
  EXPECT_GE(flow.announced(), 150u);
  for (mqtt::PacketId id = 1; id <= 40; ++id) flow.acknowledged(id, durable);
  EXPECT_EQ(take(100, durable).size(), 40u);
  EXPECT_EQ(journal.position(), before + 40) << "nothing but what was acknowledged";
}

TEST_F(OutboundFlowTest, WhenTheClientLeavesTheStoreLearnsExactlyWhatWasSent) {
  flow.announce_connection(100);
  EXPECT_EQ(flow.announced(), 100u);
  for (const char* text : {"1", "2", "3"}) put(text, QoS::kAtLeastOnce, durable);
  EXPECT_EQ(take(2, durable).size(), 2u);
  flow.withdraw_announcement();
  EXPECT_EQ(flow.announced(), 2u);
}

TEST_F(OutboundFlowTest, PositionsThatMayHaveBeenSentAreNotUsedAgain) {  // MQTT-2.2.1-4
  flow.restore({}, 30);
  put("31", QoS::kExactlyOnce, durable);
  EXPECT_EQ(journal.queue.back().position, 31u);
  EXPECT_THAT(take(10, durable), ElementsAre("31"));
  EXPECT_THAT(ids, ElementsAre(31));
}

TEST_F(OutboundFlowTest, OfAStoreThatDoesNotSayEverythingMayHaveBeenSent) {
  put("1", QoS::kAtLeastOnce, durable);
  stored_sent_until = kAllMayBeSent;
  restart_broker({1, 1, 1, 100});
  put("2", QoS::kAtLeastOnce, durable);
  EXPECT_THAT(take(10, durable), ElementsAre("1+", "2"));
  EXPECT_THAT(ids, ElementsAre(1, 2));
}

TEST_F(OutboundFlowTest, WhatTheStoreLostIsGoneAndTheRestGoesOn) {
  flow.restore({3, 9, 7, 700}, 3);
  flow.begin_page();
  std::vector<QueueRecord> page;
  for (const QueuePosition at : std::vector<QueuePosition>{3, 4, 7})
    page.push_back({at, message(std::to_string(at)), QoS::kAtLeastOnce, false, false, {}});
  flow.append_page(std::move(page), true);
  EXPECT_EQ(flow.messages(), 3u);
  EXPECT_EQ(flow.paged_out(), 0u);
  EXPECT_THAT(take(), ElementsAre("3+", "4", "7"));
  EXPECT_THAT(ids, ElementsAre(3, 4, 7));
  put("10");
  EXPECT_THAT(take(), ElementsAre("10"));
  EXPECT_EQ(ids.back(), 10);
}

TEST_F(OutboundFlowTest, AStoreThatCountsWrongDoesNotMovePositions) {
  // It says two messages up to position 9 and has three.
  flow.restore({1, 9, 2, 100}, 9);
  flow.begin_page();
  std::vector<QueueRecord> page;
  page.push_back({1, message("1"), QoS::kAtLeastOnce, false, false, {}});
  page.push_back({2, message("2"), QoS::kAtLeastOnce, false, false, {}});
  flow.append_page(std::move(page), false);
  put("10", QoS::kAtLeastOnce, durable);
  EXPECT_EQ(journal.queue.back().position, 10u);
  EXPECT_THAT(take(), ElementsAre("1+", "2+", "10"));
  EXPECT_THAT(ids, ElementsAre(1, 2, 10)) << "the Packet Identifier follows from the position";
}

TEST_F(OutboundFlowTest, AFailedPageIsAskedForAgain) {
  flow.restore({1, 5, 5, 500}, 0);
  const QueuePosition after = flow.begin_page();
  EXPECT_FALSE(flow.wants_page());
  flow.page_failed();
  EXPECT_TRUE(flow.wants_page());
  EXPECT_EQ(flow.begin_page(), after);
}

}  // namespace
}  // namespace mortise::session::testing
