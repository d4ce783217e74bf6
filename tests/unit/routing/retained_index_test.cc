#include "broker/routing/retained_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/routing/routing_fixtures.h"

namespace mortise::routing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Outcome = RetainedIndex::SetOutcome;

WallTime at(std::int64_t millis) { return WallTime(Millis(millis)); }

class RetainedIndexTest : public testing::Test {
 protected:
  std::string payload_of(std::string_view topic) const {
    std::string payload;
    index_.match(topic, {}, [&](const mqtt::MessagePtr& found, std::uint64_t) {
      payload = as_text(found->payload());
      return true;
    });
    return payload;
  }

  ReclaimDomain reclaim_{1};
  RetainedIndex index_{reclaim_, {}};
};

// [MQTT-3.3.1-5] A retained message replaces the one of its topic.
TEST_F(RetainedIndexTest, ANewMessageReplacesTheOldOneOfItsTopic) {
  EXPECT_EQ(index_.set(message("a/b", "1")).outcome, Outcome::kAdded);
  EXPECT_EQ(index_.set(message("a/b", "2")).outcome, Outcome::kReplaced);
  EXPECT_EQ(index_.set(message("a", "3")).outcome, Outcome::kAdded);
  EXPECT_EQ(payload_of("a/b"), "2");
  EXPECT_EQ(index_.messages(), 2u);
}

// [MQTT-3.3.1-6] [MQTT-3.3.1-7] An empty payload removes, and is itself not stored.
TEST_F(RetainedIndexTest, AnEmptyPayloadRemovesAndIsNotStored) {
  EXPECT_EQ(index_.set(message("a", "")).outcome, Outcome::kNothingToRemove);
  index_.set(message("a", "1"));
  index_.set(message("a/b", "1"));
  EXPECT_EQ(index_.set(message("a", "")).outcome, Outcome::kRemoved);
  EXPECT_THAT(retained_topics(index_, "#"), ElementsAre("a/b"));
  EXPECT_EQ(index_.set(message("a", "")).outcome, Outcome::kNothingToRemove);
  EXPECT_EQ(index_.messages(), 1u);
}

TEST_F(RetainedIndexTest, EveryChangeHasALargerNumber) {
  std::uint64_t last = index_.sequence();
  for (const char* payload : {"1", "2", "", "", "3"}) {
    const std::uint64_t sequence = index_.set(message("a", payload)).sequence;
    EXPECT_GT(sequence, last);
    EXPECT_EQ(index_.sequence(), sequence);
    last = sequence;
  }
}

TEST_F(RetainedIndexTest, FiltersFindWhatTheyMatch) {
  for (const char* topic : {"a", "a/b", "a/b/c", "a/d", "a/", "/a", "b/b", "/", "a//c"})
    index_.set(message(topic, "x"));
  EXPECT_THAT(retained_topics(index_, "a"), ElementsAre("a"));
  EXPECT_THAT(retained_topics(index_, "a/#"), ElementsAre("a", "a/", "a//c", "a/b", "a/b/c", "a/d"));
  EXPECT_THAT(retained_topics(index_, "+/b"), ElementsAre("a/b", "b/b"));
  EXPECT_THAT(retained_topics(index_, "a/+"), ElementsAre("a/", "a/b", "a/d"));
  EXPECT_THAT(retained_topics(index_, "+/+"), ElementsAre("/", "/a", "a/", "a/b", "a/d", "b/b"));
  EXPECT_THAT(retained_topics(index_, "a/+/c"), ElementsAre("a//c", "a/b/c"));
  EXPECT_THAT(retained_topics(index_, "+"), ElementsAre("a"));
  EXPECT_THAT(retained_topics(index_, "+/#"), SizeIs(9));
  EXPECT_THAT(retained_topics(index_, "#"), SizeIs(9));
  EXPECT_THAT(retained_topics(index_, "a/b/c/d"), IsEmpty());
  EXPECT_THAT(retained_topics(index_, "c/#"), IsEmpty());
}

// [MQTT-4.7.2-1] A filter that begins with a wildcard does not find topics that begin with $.
TEST_F(RetainedIndexTest, AWildcardInTheFirstLevelDoesNotFindTopicsThatBeginWithADollarSign) {
  for (const char* topic : {"$SYS/uptime", "$SYS", "a/$SYS", "b"}) index_.set(message(topic, "x"));
  EXPECT_THAT(retained_topics(index_, "#"), ElementsAre("a/$SYS", "b"));
  EXPECT_THAT(retained_topics(index_, "+/+"), ElementsAre("a/$SYS"));
  EXPECT_THAT(retained_topics(index_, "+/uptime"), IsEmpty());
  EXPECT_THAT(retained_topics(index_, "+"), ElementsAre("b"));
  EXPECT_THAT(retained_topics(index_, "$SYS/#"), ElementsAre("$SYS", "$SYS/uptime"));
  EXPECT_THAT(retained_topics(index_, "$SYS/+"), ElementsAre("$SYS/uptime"));
  EXPECT_THAT(retained_topics(index_, "a/+"), ElementsAre("a/$SYS"));
}

TEST_F(RetainedIndexTest, AVisitorStopsTheWalk) {
  for (int i = 0; i < 100; ++i) index_.set(message("t/" + std::to_string(i), "x"));
  int visited = 0;
  index_.match("#", {}, [&](const mqtt::MessagePtr&, std::uint64_t) { return ++visited < 7; });
  EXPECT_EQ(visited, 7);
}

TEST_F(RetainedIndexTest, AVisitorMayChangeTheIndex) {
  for (int i = 0; i < 100; ++i) index_.set(message("t/" + std::to_string(i), "x"));
  int visited = 0;
  index_.match("#", {}, [&](const mqtt::MessagePtr& found, std::uint64_t sequence) {
    ++visited;
    EXPECT_TRUE(index_.remove_if(found->topic(), sequence));
    return true;
  });
  EXPECT_EQ(visited, 100);
  EXPECT_EQ(index_.messages(), 0u);
}

TEST_F(RetainedIndexTest, AtTheLimitNewTopicsAreRefusedAndWhatIsStoredStays) {
  RetainedIndex index(reclaim_, {.maximum_messages = 2, .maximum_bytes = 1u << 20});
  index.set(message("a", "1"));
  index.set(message("b", "1"));
  EXPECT_EQ(index.set(message("c", "1")).outcome, Outcome::kFull);
  EXPECT_EQ(index.set(message("a", "2")).outcome, Outcome::kReplaced);
  EXPECT_THAT(retained_topics(index, "#"), ElementsAre("a", "b"));
  index.set(message("a", ""));
  EXPECT_EQ(index.set(message("c", "1")).outcome, Outcome::kAdded);
}

TEST_F(RetainedIndexTest, BytesAreLimitedWithTheTreeCounted) {
  RetainedIndex index(reclaim_, {.maximum_messages = 1000, .maximum_bytes = 20'000});
  const std::string large(4'000, 'x');
  EXPECT_EQ(index.set(message("a", large)).outcome, Outcome::kAdded);
  EXPECT_EQ(index.set(message("a", large + large + large + large + large)).outcome, Outcome::kFull);
  EXPECT_EQ(index.set(message("a", "small")).outcome, Outcome::kReplaced);
  // 1,000 levels: little text, a large tree.
  std::string deep = "a";
  for (int i = 0; i < 1000; ++i) deep += "/b";
  EXPECT_EQ(index.set(message(deep, "x")).outcome, Outcome::kFull);
  EXPECT_LE(index.bytes(), 20'000u);
}

TEST_F(RetainedIndexTest, BytesReturnToWhereTheyBegan) {
  const std::size_t before = index_.bytes();
  for (int i = 0; i < 500; ++i) index_.set(message("t/" + std::to_string(i) + "/x", "payload", at(1000 + i)));
  for (int i = 0; i < 500; ++i) index_.set(message("t/" + std::to_string(i) + "/x", "other"));
  for (int i = 0; i < 500; ++i) index_.set(message("t/" + std::to_string(i) + "/x", ""));
  EXPECT_EQ(index_.bytes(), before);
  EXPECT_EQ(index_.messages(), 0u);
}

// [MQTT-3.3.2-5] An expired message is not delivered; here: not found.
TEST_F(RetainedIndexTest, ExpiredMessagesAreNotFoundEvenBeforeTheyAreRemoved) {
  index_.set(message("a", "1", at(100)));
  index_.set(message("b", "1"));
  EXPECT_THAT(retained_topics(index_, "#", at(99)), ElementsAre("a", "b"));
  EXPECT_THAT(retained_topics(index_, "#", at(100)), ElementsAre("b"));
  EXPECT_EQ(index_.messages(), 2u);
}

TEST_F(RetainedIndexTest, ExpireRemovesTheEarliestFirstAndNoMoreThanAsked) {
  for (int i = 9; i >= 0; --i) index_.set(message("t/" + std::to_string(i), "x", at(100 + i)));
  std::vector<std::string> removed;
  const auto note = [&](std::string_view topic) { removed.emplace_back(topic); };
  EXPECT_EQ(index_.expire(at(50), 10, note), 0u);
  EXPECT_EQ(index_.expire(at(105), 4, note), 4u);
  EXPECT_THAT(removed, ElementsAre("t/0", "t/1", "t/2", "t/3"));
  EXPECT_EQ(index_.expire(at(105), 10, note), 2u);
  EXPECT_EQ(index_.messages(), 4u);
}

TEST_F(RetainedIndexTest, AReplacedMessagesExpiryIsForgotten) {
  index_.set(message("a", "1", at(100)));
  index_.set(message("a", "2"));
  index_.set(message("b", "1", at(100)));
  index_.set(message("b", "2", at(300)));
  EXPECT_EQ(index_.expire(at(200), 10, [](std::string_view) {}), 0u);
  EXPECT_EQ(index_.messages(), 2u);
}

TEST_F(RetainedIndexTest, ACallbackOfExpireMayUseTheIndex) {
  index_.set(message("a", "1", at(100)));
  index_.expire(at(200), 10, [&](std::string_view topic) { index_.set(message(topic, "again")); });
  EXPECT_EQ(payload_of("a"), "again");
}

TEST_F(RetainedIndexTest, RemoveIfRemovesOnlyTheMessageMeant) {
  const std::uint64_t first = index_.set(message("a", "1")).sequence;
  const std::uint64_t second = index_.set(message("a", "2")).sequence;
  EXPECT_FALSE(index_.remove_if("a", first));
  EXPECT_FALSE(index_.remove_if("b", second));
  EXPECT_FALSE(index_.remove_if("a", 0));
  EXPECT_TRUE(index_.remove_if("a", second));
  EXPECT_FALSE(index_.remove_if("a", second));
}

TEST_F(RetainedIndexTest, ADeepTopicNeedsNoDeepStack) {
  const std::string topic = deepest("a");
  const std::string plus = deepest("+");
  index_.set(message(topic, "x"));
  EXPECT_THAT(retained_topics(index_, topic), SizeIs(1));
  EXPECT_THAT(retained_topics(index_, plus), SizeIs(1));
  EXPECT_THAT(retained_topics(index_, "#"), SizeIs(1));
  EXPECT_THAT(retained_topics(index_, topic.substr(0, 2001) + "/#"), SizeIs(1));
  EXPECT_EQ(index_.set(message(topic, "")).outcome, Outcome::kRemoved);
}

TEST_F(RetainedIndexTest, HoldStillTellsTheLastNumber) {
  const std::uint64_t last = index_.set(message("a", "1")).sequence;
  std::uint64_t held = 0;
  index_.hold_still([&](std::uint64_t sequence) { held = sequence; });
  EXPECT_EQ(held, last);
}

}  // namespace
}  // namespace mortise::routing
