#include "broker/mqtt/topic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/conformance/proof.h"

namespace mortise::mqtt {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

struct MatchCase {
  const char* filter;
  const char* topic;
  bool matches;
};

/// The examples of 5.0 section 4.7, and their edges.
constexpr MatchCase kMatches[] = {
    {"sport/tennis/player1/#", "sport/tennis/player1", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
    {"sport/tennis/player1/#", "sport/tennis/player10", false},
    {"sport/#", "sport", true},
    {"#", "a", true},
    {"#", "/", true},
    {"#", "a/b/c", true},
    {"sport/tennis/+", "sport/tennis/player1", true},
    {"sport/tennis/+", "sport/tennis/player2", true},
    {"sport/tennis/+", "sport/tennis/player1/ranking", false},
    {"sport/+", "sport", false},
    {"sport/+", "sport/", true},
    {"+/+", "/finance", true},
    {"/+", "/finance", true},
    {"+", "/finance", false},
    {"+", "finance", true},
    {"+/tennis/#", "sport/tennis", true},
    {"+/tennis/#", "/tennis/x", true},
    {"sport/+/player1", "sport/tennis/player1", true},
    {"sport/+/player1", "sport//player1", true},
    {"sport/+/player1", "sport/player1", false},
    {"+/#", "a", true},
    {"a/+/#", "a", false},
    {"a/+/#", "a/b", true},
    {"a/#", "a/", true},
    {"a//#", "a/", true},
    {"a//#", "a", false},
    {"ACCOUNTS", "Accounts", false},
    {"/finance", "finance", false},
    {"a", "a/", false},
    {"a/", "a", false},
    {"a/b", "a", false},
    {"a", "ab", false},
    {"ab", "a", false},
    {"a/b/c", "a/b/d", false},
    // [MQTT-4.7.2-1]
    {"#", "$SYS/x", false},
    {"+/monitor/Clients", "$SYS/monitor/Clients", false},
    {"+", "$", false},
    {"$SYS/#", "$SYS/", true},
    {"$SYS/#", "$SYS", true},
    {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
    {"a/+", "a/$b", true},
    {"a/#", "a/$b/c", true},
};

TEST(Matches, FollowsTheExamplesOfSection47) {  // [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.2-1] [MQTT-4.7.3-4]
  PROVES("3.1.1 MQTT-4.7.1-3", "3.1.1 MQTT-4.7.2-1", "5.0 MQTT-4.7.1-2", "5.0 MQTT-4.7.2-1");
  for (const MatchCase& c : kMatches) EXPECT_EQ(matches(c.filter, c.topic), c.matches) << c.filter << " " << c.topic;
}

struct FilterCase {
  std::string filter;
  const char* statement;  // null: it is well formed
  std::string share_name;
  std::string inner;
};

const std::vector<FilterCase>& filters() {
  static const std::vector<FilterCase> kCases = {
      {"a", nullptr, "", "a"},
      {"/", nullptr, "", "/"},
      {"#", nullptr, "", "#"},
      {"+", nullptr, "", "+"},
      {"+/+/#", nullptr, "", "+/+/#"},
      {"a/+/b/#", nullptr, "", "a/+/b/#"},
      {" ", nullptr, "", " "},
      {"$SYS/#", nullptr, "", "$SYS/#"},
      {"$share", nullptr, "", "$share"},
      {"$shared/a/b", nullptr, "", "$shared/a/b"},
      {"", "MQTT-4.7.3-1", "", ""},
      {"#/a", "MQTT-4.7.1-1", "", ""},
      {"a#", "MQTT-4.7.1-1", "", ""},
      {"a/#b", "MQTT-4.7.1-1", "", ""},
      {"a/##", "MQTT-4.7.1-1", "", ""},
      {"sport/tennis#", "MQTT-4.7.1-1", "", ""},
      {"sport/tennis/#/ranking", "MQTT-4.7.1-1", "", ""},
      {"sport+", "MQTT-4.7.1-2", "", ""},
      {"+a", "MQTT-4.7.1-2", "", ""},
      {"a/+b/c", "MQTT-4.7.1-2", "", ""},
      {"++", "MQTT-4.7.1-2", "", ""},
      {"+#", "MQTT-4.7.1-2", "", ""},
      {"$share/g/a", nullptr, "g", "a"},
      {"$share/g/#", nullptr, "g", "#"},
      {"$share/consumer1//finance", nullptr, "consumer1", "/finance"},
      {"$share/$g/+/a", nullptr, "$g", "+/a"},
      {"$share/", "MQTT-4.8.2-1", "", ""},
      {"$share//a", "MQTT-4.8.2-1", "", ""},
      {"$share/+/a", "MQTT-4.8.2-2", "", ""},
      {"$share/g#/a", "MQTT-4.8.2-2", "", ""},
      {"$share/ab", "MQTT-4.8.2-2", "", ""},
      {"$share/ab/", "MQTT-4.8.2-2", "", ""},
      {"$share/g/a#", "MQTT-4.7.1-1", "", ""},
  };
  return kCases;
}

TEST(ParseTopicFilter, TakesWellFormedOnesApartAndNamesWhatOthersViolate) {
  PROVES("3.1.1 MQTT-4.7.1-2", "3.1.1 MQTT-4.7.1-3", "3.1.1 MQTT-4.7.3-1", "5.0 MQTT-4.7.1-1", "5.0 MQTT-4.7.1-2",
         "5.0 MQTT-4.7.3-1", "5.0 MQTT-4.8.2-1", "5.0 MQTT-4.8.2-2");
  for (const FilterCase& c : filters()) {
    const Result<TopicFilterView, Refusal> parsed = parse_topic_filter(c.filter);
    ASSERT_EQ(parsed.ok(), c.statement == nullptr) << c.filter;
    if (parsed) {
      EXPECT_EQ(parsed->share_name, c.share_name) << c.filter;
      EXPECT_EQ(parsed->filter, c.inner) << c.filter;
      EXPECT_EQ(parsed->is_shared(), !c.share_name.empty());
    } else {
      EXPECT_EQ(parsed.error().reason, ReasonCode::kMalformedPacket) << c.filter;
      EXPECT_STREQ(parsed.error().statement, c.statement) << c.filter;
    }
  }
}

TEST(ParseTopicFilter, HoldsToTheLimits) {
  PROVES("3.1.1 MQTT-4.7.3-3", "5.0 MQTT-4.7.3-3");
  EXPECT_TRUE(parse_topic_filter("a/b/c", {3, 5}));
  EXPECT_EQ(parse_topic_filter("a/b/c/d", {3, 0}).error().reason, ReasonCode::kTopicFilterInvalid);
  EXPECT_EQ(parse_topic_filter("abcdef", {0, 5}).error().reason, ReasonCode::kTopicFilterInvalid);
  EXPECT_EQ(parse_topic_filter("a/b/c/d#", {3, 5}).error().reason, ReasonCode::kMalformedPacket);
  EXPECT_TRUE(parse_topic_filter("$share/group/a/b/c", {3, 5})) << "the ShareName does not count";
  EXPECT_TRUE(parse_topic_filter(std::string(65'535, 'a'), {0, 0}));
  EXPECT_FALSE(parse_topic_filter(std::string(65'536, 'a'), {0, 0}));  // [MQTT-4.7.3-3]
  EXPECT_TRUE(parse_topic_filter(std::string(199, '/')));
  EXPECT_FALSE(parse_topic_filter(std::string(200, '/')));
}

TEST(CheckTopicName, TakesNamesAndNamesWhatOthersViolate) {
  PROVES("3.1.1 MQTT-4.7.1-1", "3.1.1 MQTT-4.7.3-2", "5.0 MQTT-4.7.0-1", "5.0 MQTT-4.7.3-2");
  for (const char* name : {"a", "/", " ", "a/b/", "$SYS/x", "a b", "\xE2\x82\xAC"})
    EXPECT_TRUE(check_topic_name(name)) << name;
  EXPECT_STREQ(check_topic_name("").error().statement, "MQTT-4.7.3-1");
  for (const char* name : {"+", "#", "a/+/b", "a+b", "abcdefgh#", "abcdefghijklmno+", "\xE2\x82\xAC#"}) {
    EXPECT_STREQ(check_topic_name(name).error().statement, "MQTT-3.3.2-2") << name;
    EXPECT_EQ(check_topic_name(name).error().reason, ReasonCode::kMalformedPacket);
  }
  for (const std::string_view name : {"\xff/+"sv, "a/b/c/\xc0\x80+"sv, "\xed\xa0\x80"sv}) {
    EXPECT_STREQ(check_topic_name(name).error().statement, "MQTT-1.5.4-1") << name;
  }
  EXPECT_STREQ(check_topic_name("a\0b"sv).error().statement, "MQTT-1.5.4-2");
  for (const std::string_view control : {"\x01"sv, "\x1f"sv, "\x7f"sv, "\xc2\x80"sv, "\xc2\x9f"sv}) {
    for (std::size_t before = 0; before < 20; ++before) {
      const std::string name = std::string(before, 'a') + std::string(control) + "bcdef";
      EXPECT_STREQ(check_topic_name(name).error().statement, "5.0 1.5.4") << before;
    }
  }
  for (const std::string_view near : {" "sv, "~"sv, "\xc2\xa0"sv, "\xc3\x80"sv}) {
    for (std::size_t before = 0; before < 20; ++before)
      EXPECT_TRUE(check_topic_name(std::string(before, 'a') + std::string(near) + "bcdef")) << before;
  }
  EXPECT_TRUE(check_topic_name("a/b/c", {3, 5}));
  EXPECT_EQ(check_topic_name("a/b/c/d", {3, 0}).error().reason, ReasonCode::kTopicNameInvalid);
  EXPECT_EQ(check_topic_name("abcdef", {0, 5}).error().reason, ReasonCode::kTopicNameInvalid);
  EXPECT_STREQ(check_topic_name(std::string(65'536, 'a')).error().statement, "MQTT-4.7.3-3");
}

// covers and overlaps against their definition, over every filter and topic of few levels and a small alphabet.

void extend(std::vector<std::string>& all, const std::vector<std::string>& levels, const std::string& prefix,
            int depth) {
  for (const std::string& level : levels) {
    const std::string topic = prefix + level;
    all.push_back(topic);
    if (depth > 1) extend(all, levels, topic + "/", depth - 1);
  }
}

std::vector<std::string> topics() {
  std::vector<std::string> all;
  // "other" stands for every name that no filter below spells out.
  extend(all, {"", "a", "$b", "other"}, "", 4);
  std::erase(all, "");
  return all;
}

std::vector<std::string> all_filters() {
  std::vector<std::string> all;
  extend(all, {"", "a", "$b", "+", "#"}, "", 3);
  std::erase_if(all, [](const std::string& filter) { return !parse_topic_filter(filter); });
  return all;
}

TEST(CoversAndOverlaps, AgreeWithMatchingEveryTopicOfASmallWorld) {
  const std::vector<std::string> names = topics();
  const std::vector<std::string> filters_of_world = all_filters();
  std::vector<std::vector<bool>> matched;
  for (const std::string& filter : filters_of_world) {
    std::vector<bool>& row = matched.emplace_back();
    for (const std::string& name : names) row.push_back(matches(filter, name));
  }
  for (std::size_t i = 0; i < filters_of_world.size(); ++i) {
    for (std::size_t j = 0; j < filters_of_world.size(); ++j) {
      bool all_of_j = true;
      bool any_of_both = false;
      for (std::size_t t = 0; t < names.size(); ++t) {
        all_of_j = all_of_j && (!matched[j][t] || matched[i][t]);
        any_of_both = any_of_both || (matched[i][t] && matched[j][t]);
      }
      ASSERT_EQ(covers(filters_of_world[i], filters_of_world[j]), all_of_j)
          << filters_of_world[i] << " covers " << filters_of_world[j];
      ASSERT_EQ(overlaps(filters_of_world[i], filters_of_world[j]), any_of_both)
          << filters_of_world[i] << " overlaps " << filters_of_world[j];
    }
  }
}

/// Matching by its definition, level by level.
bool matches_by_levels(const std::string& filter, const std::string& topic) {
  if (topic[0] == '$' && (filter[0] == '+' || filter[0] == '#')) return false;
  LevelsView filter_levels(filter);
  LevelsView topic_levels(topic);
  std::string_view f;
  std::string_view t;
  while (filter_levels.next(f)) {
    if (f == "#") return true;
    if (!topic_levels.next(t)) return false;
    if (f != "+" && f != t) return false;
  }
  return !topic_levels.next(t);
}

TEST(Matches, AgreesWithItsDefinitionInASmallWorld) {
  for (const std::string& filter : all_filters()) {
    for (const std::string& topic : topics()) {
      // "a/#" matches "a": seen from the definition as one level fewer.
      const bool is_parent = filter.ends_with("/#") && matches_by_levels(filter.substr(0, filter.size() - 2), topic);
      ASSERT_EQ(matches(filter, topic), is_parent || matches_by_levels(filter, topic)) << filter << " " << topic;
    }
  }
}

TEST(IsValidUtf8, FindsAFlawWhereverItStands) {  // [MQTT-1.5.4-1] [MQTT-1.5.4-2]
  PROVES("3.1.1 MQTT-1.5.3-1", "3.1.1 MQTT-1.5.3-2", "5.0 MQTT-1.5.4-1", "5.0 MQTT-1.5.4-2");
  for (std::size_t size = 1; size < 40; ++size) {
    std::string text(size, 'x');
    EXPECT_TRUE(is_valid_utf8(text));
    for (std::size_t at = 0; at < size; ++at) {
      for (const char flaw : {'\0', '\x80', '\xFF'}) {
        text[at] = flaw;
        EXPECT_FALSE(is_valid_utf8(text)) << size << " " << at;
      }
      text[at] = 'x';
    }
  }
}

TEST(IsValidUtf8, TakesCharactersWhereverTheyStand) {  // [MQTT-1.5.4-3]: U+FEFF is a character like others
  PROVES("3.1.1 MQTT-1.5.3-3", "5.0 MQTT-1.5.4-3");
  for (const std::string character :
       {"\xC3\xA9", "\xE2\x82\xAC", "\xEF\xBB\xBF", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF"}) {
    for (std::size_t before = 0; before < 20; ++before) {
      for (std::size_t after = 0; after < 20; ++after) {
        EXPECT_TRUE(is_valid_utf8(std::string(before, 'x') + character + std::string(after, 'x')));
      }
      EXPECT_FALSE(is_valid_utf8(std::string(before, 'x') + character.substr(0, character.size() - 1)));
    }
  }
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_FALSE(is_valid_utf8("\xED\xA0\x80"));
  EXPECT_FALSE(is_valid_utf8("aaaaaaaa\xE2\x82\xAC\0"s));
}

TEST(LevelsView, WalksEveryLevelEmptyOnesToo) {
  const auto levels = [](std::string_view topic) {
    std::vector<std::string> all;
    LevelsView walk(topic);
    for (std::string_view level; walk.next(level);) all.emplace_back(level);
    return all;
  };
  EXPECT_EQ(levels("a//b"), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(levels("/"), (std::vector<std::string>{"", ""}));
  EXPECT_EQ(levels("a"), (std::vector<std::string>{"a"}));
}

}  // namespace
}  // namespace mortise::mqtt
