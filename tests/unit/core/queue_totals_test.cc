#include "broker/session/queue_share.h"
#include "core_test.h"

// What $SYS says is stored: the queues of sessions and of shared subscriptions, wherever their messages are.

namespace mortise::core::testing {
namespace {

class QueueTotals : public CoreTest {};
INSTANTIATE_TEST_SUITE_P(Loops, QueueTotals, ::testing::Values(1, 3));

TEST_P(QueueTotals, WhatWaitsInQueuesIsCountedWhereverItWaits) {
  for (const bool has_store : {false, true}) {
    TestBroker broker(options(has_store));
    const auto queued = [&] { return broker.total(&ShardHoldings::queued_messages); };
    TestClient& subscriber = connected(broker, "s", 1000);
    subscriber.subscribe("t", 1);
    TestClient& member = connected(broker, "m", 1000);
    member.subscribe("$share/g/t", 1);
    broker.make_durable();
    for (TestClient* client : {&subscriber, &member}) client->drop();
    TestClient& publisher = connected(broker, "p");
    for (int i = 0; i < 2000; ++i) {
      publisher.publish("t", std::string(100, 'x'), 1, 1);
      if (i % 50 == 49) broker.make_durable();
    }
    EXPECT_EQ(queued(), 4000u) << "in each queue; most of it in the store alone where there is one";
    EXPECT_GT(broker.total(&ShardHoldings::queued_bytes), 4000u * 100);
    std::optional<TestBroker> after;
    if (has_store) {
      after.emplace(std::move(broker));
      EXPECT_EQ(after->total(&ShardHoldings::queued_messages), 4000u);
    }
    TestBroker& now = after ? *after : broker;
    for (const char* id : {"s", "m"}) {
      TestClient& again = now.client();
      again.connect(id, false, 1000);
      std::size_t got = 0;
      for (int round = 0; round < 200 && got < 2000; ++round) {
        now.serve_pages();
        now.make_durable();
        got += again.take_publishes().size();
      }
      EXPECT_EQ(got, 2000u) << id;
    }
    EXPECT_EQ(now.total(&ShardHoldings::queued_messages), 0u);
    EXPECT_EQ(now.total(&ShardHoldings::queued_bytes), 0u);
  }
}

}  // namespace
}  // namespace mortise::core::testing
