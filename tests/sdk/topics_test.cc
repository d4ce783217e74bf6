#include <gtest/gtest.h>

#include <mortise/text.hpp>
#include <mortise/topics.hpp>
#include <vector>

namespace mortise {
namespace {

/// All texts of up to `levels` levels, each one of `choices`.
std::vector<std::string> all_of(const std::vector<std::string>& choices, int levels) {
  std::vector<std::string> made = choices;
  std::vector<std::string> longest = choices;
  for (int i = 1; i < levels; ++i) {
    std::vector<std::string> next;
    for (const std::string& begin : longest) {
      for (const std::string& level : choices) next.push_back(begin + "/" + level);
    }
    made.insert(made.end(), next.begin(), next.end());
    longest = std::move(next);
  }
  return made;
}

/// The definition of MQTT 5.0 section 4.7, level by level, without any cleverness.
bool matches_by_definition(std::string_view filter, std::string_view topic) {
  if (topic[0] == '$' && (filter[0] == '+' || filter[0] == '#')) return false;  // [MQTT-4.7.2-1]
  const auto split = [](std::string_view text) {
    std::vector<std::string_view> levels;
    for (bool is_last = false; !is_last;) levels.push_back(detail::take_level(text, is_last));
    return levels;
  };
  const auto f = split(filter);
  const auto t = split(topic);
  for (std::size_t i = 0; i < f.size(); ++i) {
    if (f[i] == "#") return true;  // and the parent level: section 4.7.1.2
    if (i >= t.size()) return i == t.size() && f[i] == "#";
    if (f[i] != "+" && f[i] != t[i]) return false;
    if (i + 1 == t.size() && i + 2 == f.size() && f[i + 1] == "#") return true;
  }
  return f.size() == t.size();
}

class TopicsTest : public ::testing::Test {
 protected:
  // Names one level deeper than the filters, with a level ("z") that no filter names: enough to tell any two apart.
  const std::vector<std::string> names_ = all_of({"a", "b", "z", "$s"}, 4);
  std::vector<std::string> filters_;

  void SetUp() override {
    for (const std::string& filter : all_of({"a", "b", "+", "#", "$s"}, 3)) {
      if (is_filter(filter)) filters_.push_back(filter);
    }
  }
};

TEST_F(TopicsTest, AFilterCoversANameExactlyIfItMatchesIt) {
  for (const std::string& filter : filters_) {
    for (const std::string& name : names_) {
      ASSERT_EQ(covers(filter, name), matches_by_definition(filter, name)) << filter << " " << name;
    }
  }
}

TEST_F(TopicsTest, CoversAndOverlapsSayWhatTheSetsOfNamesSay) {
  std::vector<std::vector<bool>> sets;
  for (const std::string& filter : filters_) {
    std::vector<bool> set;
    for (const std::string& name : names_) set.push_back(matches_by_definition(filter, name));
    sets.push_back(std::move(set));
  }
  for (std::size_t i = 0; i < filters_.size(); ++i) {
    for (std::size_t k = 0; k < filters_.size(); ++k) {
      bool contains = true;
      bool meets = false;
      for (std::size_t n = 0; n < names_.size(); ++n) {
        contains = contains && (sets[i][n] || !sets[k][n]);
        meets = meets || (sets[i][n] && sets[k][n]);
      }
      ASSERT_EQ(covers(filters_[i], filters_[k]), contains) << filters_[i] << " over " << filters_[k];
      ASSERT_EQ(overlaps(filters_[i], filters_[k]), meets) << filters_[i] << " and " << filters_[k];
    }
  }
}

TEST(TopicTextTest, WildcardsAreWholeLevelsAndTheManyLevelOneIsLast) {  // [MQTT-4.7.1-1] [MQTT-4.7.1-2]
  for (const char* const good : {"a", "/", "+", "#", "+/a/#", "a//b", "$SYS/#", " "})
    EXPECT_TRUE(is_filter(good)) << good;
  for (const char* const bad : {"", "a+", "+a", "a#", "#/a", "a/#/b", "a/b+/c"}) EXPECT_FALSE(is_filter(bad)) << bad;
  EXPECT_FALSE(is_filter(std::string_view("a\0b", 3)));
}

TEST(TopicTextTest, AValueFitsInALevelUnlessItWouldBeMoreOrLessThanOne) {
  for (const char* const good : {"a", "$x", "%", " ", "ü", "a b"}) EXPECT_TRUE(fits_in_level(good)) << good;
  for (const char* const bad : {"", "/", "a/b", "+", "a#"}) EXPECT_FALSE(fits_in_level(bad)) << bad;
  EXPECT_FALSE(fits_in_level(std::string_view("\0", 1)));
}

TEST(TopicTextTest, AStarStandsForAnythingAndNothingElseDoes) {
  EXPECT_TRUE(matches_pattern("", ""));
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("a*c*", "abcbc"));
  EXPECT_TRUE(matches_pattern("*aab", "aaaaab"));
  EXPECT_TRUE(matches_pattern("*:8883", "tls://0.0.0.0:8883"));
  EXPECT_FALSE(matches_pattern("a", "ab"));
  EXPECT_FALSE(matches_pattern("a?", "ab"));
  EXPECT_FALSE(matches_pattern("", "a"));
  EXPECT_FALSE(matches_pattern(std::string(1000, '*') + "b", std::string(100'000, 'a')));
}

TEST(TopicTextTest, QuotedTextIsOneBoundedLine) {
  EXPECT_EQ(quoted("a\n\"b\\\x7f"), "\"a\\x0a\\\"b\\\\\\x7f\"");
  EXPECT_EQ(quoted("abc", 2), "\"ab...\"");
}

}  // namespace
}  // namespace mortise
