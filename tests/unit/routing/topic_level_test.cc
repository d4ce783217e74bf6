#include "broker/routing/topic_level.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/unit/routing/routing_fixtures.h"

namespace mortise::routing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

/// "text" for a level with nothing below, "text/" for one with.
std::string name(const TopicLevel& level) { return level.text + (level.has_more_below ? "/" : ""); }

/// What is kept at each level of one place, asked for in pages of `most`.
template <class Index>
std::map<std::string, std::size_t> levels(const Index& index, std::optional<std::string_view> under, std::size_t most) {
  std::map<std::string, std::size_t> found;
  std::optional<std::string> after;
  for (;;) {
    const LevelPage page =
        index.levels({under, after ? std::optional<std::string_view>(*after) : std::nullopt, PageRoom(most)});
    EXPECT_LE(page.levels.size(), most);
    for (const TopicLevel& level : page.levels)
      EXPECT_TRUE(found.emplace(name(level), level.here).second) << level.text;
    if (page.is_last) return found;
    after = page.levels.back().text;
  }
}

TEST(TopicLevels, OfRetainedMessages) {
  ReclaimDomain reclaim{1};
  RetainedIndex index{reclaim, {}};
  EXPECT_THAT(levels(index, std::nullopt, 10), IsEmpty());
  for (const char* topic : {"a", "a/b", "a/c/d", "/x", "$SYS/y"}) index.set(message(topic, "1"));
  for (const std::size_t most : {1U, 2U, 10U}) {
    EXPECT_THAT(levels(index, std::nullopt, most), ElementsAre(Pair("$SYS/", 0), Pair("/", 0), Pair("a/", 1)));
    EXPECT_THAT(levels(index, "a", most), ElementsAre(Pair("b", 1), Pair("c/", 0)));
    EXPECT_THAT(levels(index, "a/c", most), ElementsAre(Pair("d", 1)));
    EXPECT_THAT(levels(index, "", most), ElementsAre(Pair("x", 1))) << "below the empty level";
  }
  EXPECT_THAT(levels(index, "a/b", 10), IsEmpty());
  EXPECT_THAT(levels(index, "nothing/there", 10), IsEmpty());
}

TEST(TopicLevels, OfSubscriptions) {
  ReclaimDomain reclaim{1};
  SubscriptionIndex index{reclaim};
  std::uint32_t number = 0;
  for (const char* filter : {"#", "+/x", "a/#", "a/#", "a/+", "a/b", "a/b", "a/b/#"})
    index.subscribe(filter, subscription(session(++number)));
  for (const std::size_t most : {1U, 2U, 10U}) {
    EXPECT_THAT(levels(index, std::nullopt, most), ElementsAre(Pair("#", 1), Pair("+/", 0), Pair("a/", 0)));
    EXPECT_THAT(levels(index, "a", most), ElementsAre(Pair("#", 2), Pair("+", 1), Pair("b/", 2)));
    EXPECT_THAT(levels(index, "+", most), ElementsAre(Pair("x", 1)));
    EXPECT_THAT(levels(index, "a/b", most), ElementsAre(Pair("#", 1)));
  }
}

TEST(TopicLevels, ManyComeInPagesEachOnce) {
  ReclaimDomain reclaim{1};
  RetainedIndex index{reclaim, {}};
  std::map<std::string, std::size_t> expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = std::to_string(i);
    index.set(message("many/" + text, "1"));
    expected.emplace(text, 1);
  }
  EXPECT_EQ(levels(index, "many", 7), expected);
  EXPECT_EQ(levels(index, "many", 1000), expected);
  EXPECT_EQ(levels(index, "many", 100'000), expected);
}

TEST(TopicLevels, APageGoesOnBehindALevelThatIsGone) {
  ReclaimDomain reclaim{1};
  RetainedIndex index{reclaim, {}};
  for (int i = 0; i < 100; ++i) index.set(message("t/" + std::to_string(i), "1"));
  const LevelPage first = index.levels({"t", std::nullopt, PageRoom(50)});
  ASSERT_EQ(first.levels.size(), 50U);
  index.set(message("t/" + first.levels.back().text, ""));
  const LevelPage second = index.levels({"t", first.levels.back().text, PageRoom(100)});
  EXPECT_EQ(second.levels.size(), 50U);
  EXPECT_TRUE(second.is_last);
}

}  // namespace
}  // namespace mortise::routing
