// Readers on several loops while writers change everything: meant for ThreadSanitizer and AddressSanitizer.

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/routing/routing_fixtures.h"

namespace mortise::routing {
namespace {

constexpr std::uint32_t kStable = 1'000'000;  // the slot of who is always subscribed

std::size_t count_of(const MatchResultPtr& result, std::uint32_t slot) {
  std::size_t count = 0;
  for (const MatchEntry& entry : result->entries()) count += entry.subscriber.slot.index == slot;
  return count;
}

class RoutingThreadsTest : public testing::Test {
 protected:
  static constexpr std::size_t kReaders = 3;
  static constexpr int kChanges = 20'000;

  void change_subscriptions() {
    std::mt19937 random(7);
    for (int i = 0; i < kChanges; ++i) {
      const std::string filter = filters_[random() % filters_.size()];
      const mqtt::SessionId subscriber = session(static_cast<std::uint32_t>(random() % 60));
      if (random() % 2 == 0) {
        index_.subscribe(filter, random() % 4 == 0 ? ruled(subscriber, {{true, "#"}}) : subscription(subscriber));
      } else {
        index_.unsubscribe(filter, subscriber);
      }
    }
  }

  void change_retained() {
    std::mt19937 random(8);
    for (int i = 0; i < kChanges; ++i) {
      const std::string topic = "r/" + std::to_string(random() % 50) + "/x";
      const WallTime expires_at = random() % 2 == 0 ? WallTime(Millis(random() % 1000)) : kNeverWall;
      retained_.set(message(topic, random() % 3 == 0 ? "" : "payload", expires_at));
      if (i % 100 == 0) retained_.expire(WallTime(Millis(random() % 1000)), 10, [](std::string_view, std::uint64_t) {});
    }
  }

  /// One loop: iterations with matches in them, and a nap now and then.
  void read(LoopIndex loop) {
    MatchCache cache(index_, {.maximum_entries = 32, .maximum_bytes = 100'000});
    std::mt19937 random(loop);
    reclaim_.woke_up(loop);
    while (!stop_.load()) {
      const std::string& topic = topics_[random() % topics_.size()];
      EXPECT_EQ(count_of(index_.match(topic), kStable), 1u);
      EXPECT_EQ(count_of(cache.match(topic), kStable), 1u);
      bool found_stable = false;
      RetainedCursor cursor;
      const auto visit = [&](const mqtt::MessagePtr& found, std::uint64_t) {
        EXPECT_FALSE(found_stable && found->topic() == "r/stable") << "twice";
        found_stable = found_stable || found->topic() == "r/stable";
        EXPECT_TRUE(as_text(found->payload()) == "payload");
        return true;
      };
      for (std::size_t nodes = 1 + random() % 40; !retained_.match("r/#", cursor, nodes, {}, visit);
           nodes = 1 + random() % 40)
        reclaim_.passed_iteration(loop);
      EXPECT_TRUE(found_stable);
      reclaim_.passed_iteration(loop);
      if (random() % 8 == 0) {
        reclaim_.went_to_sleep(loop);
        std::this_thread::yield();
        reclaim_.woke_up(loop);
      }
    }
    reclaim_.went_to_sleep(loop);
  }

  const std::vector<std::string> topics_ = {"a", "a/b", "a/b/c", "x/y", "a/b/0", "a/b/1", "a/b/2"};
  const std::vector<std::string> filters_ = {"a",   "a/b",   "a/#",   "+/b",   "#",     "a/b/c", "x/y/z",
                                             "+/+", "a/b/+", "a/b/0", "a/b/1", "a/b/2", "x/#",   "x/+"};
  ReclaimDomain reclaim_{kReaders};
  SubscriptionIndex index_{reclaim_};
  RetainedIndex retained_{reclaim_, {}};
  std::atomic<bool> stop_{false};
};

TEST_F(RoutingThreadsTest, ReadersFindWhatStaysWhileWritersChangeTheRest) {
  for (const char* topic : {"a", "a/b", "a/b/c", "x/y", "a/b/0", "a/b/1", "a/b/2"}) {
    index_.subscribe(topic, subscription(session(kStable)));
  }
  retained_.set(message("r/stable", "payload"));
  std::vector<std::thread> readers;
  for (std::size_t loop = 0; loop < kReaders; ++loop) {
    readers.emplace_back([this, loop] { read(static_cast<LoopIndex>(loop)); });
  }
  std::thread subscriptions([this] { change_subscriptions(); });
  std::thread retained([this] { change_retained(); });
  subscriptions.join();
  retained.join();
  stop_ = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(reclaim_.reclaim(), 0u);
}

/// One publisher and one subscriber race for one topic: what is replayed and what is delivered live never overlap and
/// leave no gap, whoever is first. (DESIGN's step 6: a subscriber inserts, then replays retained.)
TEST(RetainedBoundaryTest, NoRetainedMessageIsLostOrDoubledWhenSubscribingRacesWithPublishing) {
  for (int round = 0; round < 300; ++round) {
    ReclaimDomain reclaim(2);
    SubscriptionIndex index(reclaim);
    RetainedIndex retained(reclaim, {});
    constexpr std::uint64_t kMessages = 150;
    std::vector<bool> live(kMessages + 1);
    std::thread publisher([&] {
      for (std::uint64_t i = 1; i <= kMessages; ++i) {
        const std::uint64_t sequence = retained.set(message("t", "x")).sequence;
        const MatchResultPtr result = index.match("t");
        for (const MatchEntry& entry : result->entries()) live[sequence] = sequence > entry.retained_boundary;
      }
    });
    while (retained.sequence() < 5) std::this_thread::yield();  // into the middle of it
    std::uint64_t replayed = 0;
    const std::uint64_t boundary = index.subscribe("t", subscription(session(1)), retained).retained_boundary;
    match_all(retained, "t", {}, 100, [&](const mqtt::MessagePtr&, std::uint64_t sequence) {
      if (sequence <= boundary) replayed = sequence;
    });
    publisher.join();
    for (std::uint64_t sequence = 1; sequence <= kMessages; ++sequence) {
      ASSERT_EQ(live[sequence], sequence > boundary) << "round " << round;
    }
    // The replay found the last message up to the boundary, or a later one had replaced it, which came live.
    ASSERT_TRUE(replayed == boundary || (replayed == 0 && boundary < kMessages)) << "round " << round;
  }
}

}  // namespace
}  // namespace mortise::routing
