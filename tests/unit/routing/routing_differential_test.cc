// Random filters and topics against the naive twin, with churn: whatever the order of changes, the same answers.

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "broker/mqtt/topic.h"
#include "tests/conformance/proof.h"
#include "tests/unit/routing/naive_twin.h"
#include "tests/unit/routing/routing_fixtures.h"
#include "tests/unit/routing/watched_walk.h"

namespace mortise::routing {
namespace {

/// Short topics over a small alphabet, so that filters and topics meet.
class TopicSource {
 public:
  explicit TopicSource(std::uint32_t seed) : random_(seed) {}
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

  std::string topic() {
    static constexpr const char* kLevels[] = {"a", "b", "c", "", "$x", "dd", "a-longer-level-of-text"};
    std::string made;
    for (std::uint32_t level = 0, levels = 1 + below(5); level < levels; ++level) {
      if (level > 0) made += '/';
      made += kLevels[below(std::size(kLevels))];
    }
    return made.empty() ? "a" : made;
  }
  std::string filter() {
    std::string made;
    for (const std::string& level : NaiveTwin::split(topic())) made += (below(3) == 0 ? "+" : level) + "/";
    made.pop_back();
    if (below(4) == 0) made = below(8) == 0 ? "#" : made + "/#";
    return made.empty() ? "+" : made;
  }

 private:
  std::mt19937 random_;
};

class RoutingDifferentialTest : public testing::TestWithParam<std::uint32_t> {};

TEST_P(RoutingDifferentialTest, TheFilterFunctionAgreesWithItsTwin) {
  TopicSource source(GetParam());
  for (int i = 0; i < 5000; ++i) {
    const std::string filter = source.filter();
    const std::string topic = source.topic();
    ASSERT_EQ(mqtt::matches(filter, topic), NaiveTwin::matches(filter, topic)) << filter << " " << topic;
  }
}

TEST_P(RoutingDifferentialTest, TheSubscriptionIndexAndTheCacheAgreeWithTheirTwin) {
  PROVES("3.1.1 MQTT-3.3.2-3", "5.0 MQTT-3.3.2-3");
  TopicSource source(GetParam());
  ReclaimDomain reclaim(1);
  SubscriptionIndex index(reclaim);
  MatchCache cache(index, {.maximum_entries = 200, .maximum_bytes = 200'000});
  NaiveTwin twin;
  for (int step = 0; step < 2000; ++step) {
    // Grows for a while, then shrinks: tables and chunks are rebuilt both ways.
    const bool grows = (step / 500) % 2 == 0;
    const std::string filter = source.filter();
    IndexedSubscription made = subscription(session(source.below(40), static_cast<LoopIndex>(source.below(3))));
    made.entry.is_group = made.entry.subscriber.slot.index % 7 == 0;
    made.entry.subscription_identifier = source.below(3);
    if (source.below(5) == 0) {
      made.rules = std::make_shared<const FilterRules>(
          std::vector<FilterRule>{{source.below(2) == 0, source.filter()}, {source.below(2) == 0, source.filter()}});
    }
    if (source.below(4) < (grows ? 3u : 1u)) {
      ASSERT_EQ(index.subscribe(filter, made), twin.subscribe(filter, made));
    } else if (!twin.subscriptions().empty()) {
      auto victim = twin.subscriptions().begin();
      std::advance(victim, source.below(static_cast<std::uint32_t>(twin.subscriptions().size())));
      const auto [old_filter, subscriber] = victim->first;
      ASSERT_TRUE(index.unsubscribe(old_filter, subscriber));
      ASSERT_TRUE(twin.unsubscribe(old_filter, subscriber));
    }
    ASSERT_EQ(index.size(), twin.subscriptions().size());
    const std::string topic = source.topic();
    ASSERT_EQ(NaiveTwin::found_in(index.match(topic)), twin.match(topic)) << topic;
    ASSERT_EQ(NaiveTwin::found_in(cache.match(topic)), twin.match(topic)) << topic;
    if (step % 16 == 0) reclaim.passed_iteration(0);
  }
}

TEST_P(RoutingDifferentialTest, EverythingUnsubscribedLeavesAnEmptyTree) {
  TopicSource source(GetParam());
  ReclaimDomain reclaim(1);
  SubscriptionIndex index(reclaim);
  const std::size_t empty = index.bytes();
  NaiveTwin twin;
  for (int i = 0; i < 2000; ++i) {
    const std::string filter = source.filter();
    const IndexedSubscription made = subscription(session(source.below(100)));
    index.subscribe(filter, made);
    twin.subscribe(filter, made);
  }
  for (const auto& [key, made] : twin.subscriptions()) {
    ASSERT_TRUE(index.unsubscribe(key.first, made.entry.subscriber));
  }
  EXPECT_EQ(index.bytes(), empty);
  reclaim.passed_iteration(0);
  EXPECT_EQ(reclaim.reclaim(), 0u);
}

TEST_P(RoutingDifferentialTest, TheRetainedIndexAgreesWithItsTwin) {
  TopicSource source(GetParam());
  ReclaimDomain reclaim(1);
  RetainedIndex index(reclaim, {});
  NaiveTwin twin;
  for (int step = 0; step < 1000; ++step) {
    const std::string topic = source.topic();
    const bool removes = source.below(3) == 0;
    index.set(message(topic, removes ? "" : std::to_string(step)));
    if (removes) {
      twin.retained().erase(topic);
    } else {
      twin.retained()[topic] = std::to_string(step);
    }
    ASSERT_EQ(index.messages(), twin.retained().size());
    const std::string filter = source.filter();
    ASSERT_EQ(retained_topics(index, filter, {}, 1 + source.below(30)), twin.retained_topics(filter)) << filter;
    if (step % 16 == 0) reclaim.passed_iteration(0);
  }
}

TEST_P(RoutingDifferentialTest, PagedWalksFindWhatTheirTwinSaysWhateverChangesBetweenPages) {
  TopicSource source(GetParam());
  ReclaimDomain reclaim(1);
  RetainedIndex index(reclaim, {});
  NaiveTwin twin;
  std::vector<WatchedWalk> walks;
  int finished = 0;
  for (int step = 0; step < 20'000; ++step) {
    // Grows for a while, then shrinks until little is left.
    const bool grows = (step / 2000) % 2 == 0;
    std::string topic = source.topic();
    if (source.below(3) == 0) topic += "/" + std::to_string(source.below(200));  // a level of many
    const bool removes = source.below(5) < (grows ? 1u : 4u);
    index.set(message(topic, removes ? "" : "x"));
    if (removes) {
      twin.retained().erase(topic);
    } else {
      twin.retained()[topic] = "x";
    }
    for (WatchedWalk& walk : walks) walk.changed(topic);
    if (walks.size() < 8) walks.emplace_back(index, source.below(4) == 0 ? "#" : source.filter(), twin);
    if (step % 3 == 0) {
      const std::size_t at = source.below(static_cast<std::uint32_t>(walks.size()));
      if (walks[at].page(1 + source.below(20), 1 + source.below(5))) {
        walks.erase(walks.begin() + static_cast<std::ptrdiff_t>(at));
        ++finished;
      }
    }
    if (step % 16 == 0) reclaim.passed_iteration(0);
  }
  EXPECT_GT(finished, 20);  // about 55; where things stand in the index is another secret each time
  for (WatchedWalk& walk : walks) walk.finish(4);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RoutingDifferentialTest, testing::Values(1u, 2u, 3u));

}  // namespace
}  // namespace mortise::routing
