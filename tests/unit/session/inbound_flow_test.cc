#include "broker/session/inbound_flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recording_journal.h"

namespace mortise::session::testing {
namespace {

using ::testing::ElementsAre;

TEST(InboundFlow, APacketIdentifierIsADuplicateUntilItIsReleased) {  // MQTT-4.3.3-10, MQTT-4.3.3-12
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

}  // namespace
}  // namespace mortise::session::testing
