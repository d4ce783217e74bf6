#include "broker/session/inbound_flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recording_journal.h"
#include "tests/conformance/proof.h"
#include "tests/unit/allocated_bytes.h"

namespace mortise::session::testing {
namespace {

using ::testing::ElementsAre;

TEST(InboundFlow, APacketIdentifierIsADuplicateUntilItIsReleased) {  // MQTT-4.3.3-10, MQTT-4.3.3-12
  PROVES("3.1.1 MQTT-4.3.3-2", "5.0 MQTT-4.3.3-10", "5.0 MQTT-4.3.3-12");
  InboundFlow flow;
  EXPECT_TRUE(flow.receive(5, {}));
  EXPECT_FALSE(flow.receive(5, {}));
  EXPECT_TRUE(flow.release(5, {}));
  EXPECT_FALSE(flow.release(5, {}));
  EXPECT_TRUE(flow.receive(5, {}));
}

TEST(InboundFlow, EveryChangeIsJournalledOnce) {
  RecordingJournal journal;
  InboundFlow flow;
  const Durably durably{&journal, 3};
  flow.receive(5, durably);
  flow.receive(5, durably);
  flow.release(5, durably);
  flow.release(5, durably);
  EXPECT_THAT(journal.log, ElementsAre("inbound_put 5", "inbound_remove 5"));
}

TEST(InboundFlow, WhatWasStoredIsStillADuplicateAfterARestart) {
  InboundFlow flow;
  flow.restore({1, 9});
  EXPECT_TRUE(flow.contains(1));
  EXPECT_FALSE(flow.receive(9, {}));
  EXPECT_TRUE(flow.receive(2, {}));
  EXPECT_EQ(flow.size(), 3u);
}

TEST(InboundFlow, WhatAnEarlierConnectionLeftCountsWhenItIsSentAgain) {  // 5.0 section 4.9
  InboundFlow flow;
  flow.receive(5, {});
  flow.receive(6, {});
  EXPECT_TRUE(flow.is_counted(5));
  flow.restart();
  EXPECT_FALSE(flow.is_counted(5));
  flow.count(5);
  EXPECT_TRUE(flow.is_counted(5));
  EXPECT_FALSE(flow.is_counted(6));
  EXPECT_TRUE(flow.release(6, {}));
  flow.receive(6, {});
  EXPECT_TRUE(flow.is_counted(6)) << "used anew";
}

TEST(InboundFlow, EveryPacketIdentifierAtOnceTakesFourBytesEachAtTheMost) {
  InboundFlow flow;
  const mortise::testing::Growth all;
  for (std::uint32_t round = 0; round < 10; ++round) {
    // In an order of no use to anybody: 7 and 65,535 have no common divisor.
    for (std::uint32_t i = 0; i < 65'535; ++i) {
      EXPECT_EQ(flow.receive(static_cast<mqtt::PacketId>(i * 7 % 65'535 + 1), {}), round == 0);
    }
  }
  EXPECT_EQ(flow.size(), 65'535u);
  EXPECT_LT(all.bytes(), 4 * 65'536 + 1024);
}

}  // namespace
}  // namespace mortise::session::testing
