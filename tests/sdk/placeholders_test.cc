#include "mortise/placeholders.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <memory>

#include "mortise/grants.hpp"
#include "mortise/strict_json.hpp"
#include "mortise/workers.hpp"

namespace mortise {
namespace {

using ::testing::HasSubstr;

// ---- TextTemplate ----

std::optional<std::string> filled(std::string_view text, const std::vector<std::optional<std::string>>& values) {
  std::string out;
  const bool is_whole = TextTemplate(text, {"c", "u", "cn"}).fill(out, [&values](std::size_t name, std::string& to) {
    if (values[name]) to += *values[name];
    return values[name].has_value();
  });
  return is_whole ? std::optional(out) : std::nullopt;
}

TEST(TextTemplate, PlaceholdersAreFilledAndTheirValuesAreNotLookedAtAgain) {
  EXPECT_EQ(filled("", {"1", "2", "3"}), "");
  EXPECT_EQ(filled("a%cb%u%%c%%%c", {"1", "%c", "3"}), "a1b%c%c%1");
  EXPECT_EQ(filled("%c%c", {"%u", "2", "3"}), "%u%u");
  EXPECT_EQ(filled("%cn/%c", {"1", "2", "3"}), "3/1") << "the longest name that fits";
}

TEST(TextTemplate, WhatHasNoValueHasNoText) {
  EXPECT_EQ(filled("a%u", {"1", std::nullopt, "3"}), std::nullopt);
  EXPECT_EQ(filled("a%u", {"1", "", "3"}), "a");
  EXPECT_EQ(filled("a%c", {"1", std::nullopt, "3"}), "a1");
}

TEST(TextTemplate, UnknownPlaceholdersAreNamed) {
  for (const char* const bad : {"%", "a%", "%x", "%%%", "%C"}) {
    try {
      const TextTemplate made(bad, {"c", "u"});
      ADD_FAILURE() << bad;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("known are %c, %u, %% for a percent sign"));
    }
  }
  EXPECT_TRUE(TextTemplate("%u", {"c", "u"}).has_placeholder(1));
  EXPECT_FALSE(TextTemplate("%u", {"c", "u"}).has_placeholder(0));
  EXPECT_FALSE(TextTemplate("%%", {"c", "u"}).has_placeholder());
}

// ---- Filters ----

std::optional<std::string> filter_of(std::string_view pattern, std::optional<std::string_view> value) {
  std::string buffer;
  const auto filter = fill_filter(
      pattern, [value](char) { return value; }, buffer);
  return filter ? std::optional(std::string(*filter)) : std::nullopt;
}

TEST(Filters, AValueIsPartOfALevelOrThereIsNoFilter) {
  EXPECT_EQ(filter_of("a/%c/b%%", "x%u"), "a/x%u/b%");
  for (const char* const value : {"", "a/b", "+", "#", "a+"}) EXPECT_EQ(filter_of("a/%c", value), std::nullopt);
  EXPECT_EQ(filter_of("a/%c", std::nullopt), std::nullopt);
  EXPECT_EQ(filter_of("%c", "$SYS"), std::nullopt);
  EXPECT_EQ(filter_of("a/%c", "$SYS"), "a/$SYS");
  EXPECT_EQ(filter_of("%c", std::string(65'536, 'a')), std::nullopt);
}

TEST(Filters, PatternsThatMeanNoFilterAreFound) {
  for (const char* const good : {"a", "#", "+/%c/#", "%u", "a%%", "$SYS/#"})
    EXPECT_EQ(problem_of_pattern(good), nullptr);
  for (const char* const bad : {"", "a/#/b", "a#", "%x", "%", "a/%", "$share/g/a", "%c+"})
    EXPECT_NE(problem_of_pattern(bad), nullptr) << bad;
  EXPECT_EQ(problem_of_pattern(pattern_of("100%c")), nullptr);
  EXPECT_EQ(filter_of(pattern_of("100%c"), "x"), "100%c") << "a text that stands for itself";
}

TEST(Filters, GrantsAreNoLongerThanANote) {
  Grants grants;
  const std::string half(32'764, 'a');
  EXPECT_TRUE(grants.add(true, half));
  EXPECT_TRUE(grants.add(false, half));
  EXPECT_FALSE(grants.add(true, "ab"));
  EXPECT_TRUE(grants.add(true, "a"));
  EXPECT_EQ(grants.note().size(), std::size_t{MORTISE_MAX_NOTE_BYTES});
}

// ---- JSON ----

std::string why_refused(std::string_view text) {
  const char* why = "";
  return parse_strictly(text, 3, why) ? "" : why;
}

TEST(StrictJson, TakesOneValueWithoutKeysTwiceAndNotTooDeep) {
  for (const char* const good :
       {"1", "null", "[]", "[[[1]]]", R"({"a":{"a":{"a":1}}})", R"([{"a":1},{"a":2}])", " {} "})
    EXPECT_EQ(why_refused(good), "") << good;
  for (const char* const bad : {"", "{", "{}{}", "[1,]", "//x\n1", "NaN", "1e999", "\"\xff\"", "\"\\ud800\"", "'a'"})
    EXPECT_EQ(why_refused(bad), "it is not JSON") << bad;
  for (const char* const twice : {R"({"a":1,"a":1})", R"([{"b":{"a":1,"\u0061":2}}])"})
    EXPECT_EQ(why_refused(twice), "its JSON has a key twice") << twice;
  for (const std::string& deep :
       {std::string("[[[[1]]]]"), std::string(R"({"a":[{"b":{}}]})"), std::string(1'000'000, '[')})
    EXPECT_EQ(why_refused(deep), "its JSON is nested too deeply");
}

// ---- Workers ----

TEST(WorkersTest, APlaceIsTakenUntilTheWorkIsDoneOrItIsGivenBack) {
  std::atomic<int> done{0};
  std::atomic<int> dropped{0};
  std::mutex gate;
  auto workers = std::make_unique<Workers<std::unique_ptr<int>>>(
      1, 3,
      [&](std::unique_ptr<int>& job) {
        const std::lock_guard<std::mutex> wait(gate);
        done += *job;
      },
      [&](std::unique_ptr<int>& job) { dropped += *job; });
  std::unique_lock<std::mutex> closed(gate);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(workers->reserve());
    workers->submit(std::make_unique<int>(1));
  }
  EXPECT_FALSE(workers->reserve());
  closed.unlock();
  while (!workers->reserve()) std::this_thread::yield();
  workers->give_back();
  workers.reset();
  EXPECT_EQ(done + dropped, 3);
}

}  // namespace
}  // namespace mortise
