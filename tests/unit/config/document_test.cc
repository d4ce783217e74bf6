#include "broker/config/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/parse_helpers.h"

namespace mortise::config {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Document, AnEmptyFileIsAnErrorThatShowsHowToAskForDefaults) {
  EXPECT_EQ(error_of(""), "test.yaml:1:1: there is nothing in this file; `{}` asks for all defaults");
  EXPECT_EQ(error_of("# only a comment\n"), "test.yaml:1:1: there is nothing in this file; `{}` asks for all defaults");
  EXPECT_EQ(error_of("---\n"), "test.yaml:1:1: there is nothing in this file; `{}` asks for all defaults");
}

TEST(Document, InvalidYamlIsOneLineWithItsPlace) {
  EXPECT_THAT(error_of("node: {name: a\nmqtt: 1\n"), StartsWith("test.yaml:"));
  EXPECT_THAT(error_of("node: [a\n"), HasSubstr("not valid YAML: "));
  EXPECT_THAT(error_of("node:\n  name: a\n bad: b\n"), StartsWith("test.yaml:3:"));
  EXPECT_THAT(error_of("a: *nowhere\n"), HasSubstr("not valid YAML: "));
  for (const char* text : {"node: {name: a\nmqtt: 1\n", "a: *nowhere\n", "%YAML 9.9\n---\n{}"})
    EXPECT_EQ(error_of(text).find('\n'), std::string::npos) << text;
}

TEST(Document, AMessageOfTheParserIsOneLineOfTextWhateverItQuotes) {
  EXPECT_EQ(error_of("a: \"\\\n\\\x04\""), "test.yaml:2:3: not valid YAML: unknown escape character: ?");
  EXPECT_EQ(error_of("a: \"\\\xC3\xA9\""), "test.yaml:1:7: not valid YAML: unknown escape character: ?");
}

TEST(Document, AKeyWrittenTwiceIsAnErrorAtTheSecond) {
  EXPECT_EQ(error_of("mqtt:\n  receive_maximum: 1\n  receive_maximum: 2\n"),
            "test.yaml:3:3: \"receive_maximum\" is written twice in one mapping; keep one");
  EXPECT_THAT(error_of("plugins:\n  - {name: a, library: auth.so, config: {x: 1, x: 2}}\n"),
              HasSubstr("\"x\" is written twice"));
}

TEST(Document, AKeyThatIsNoScalarIsAnError) {
  EXPECT_THAT(error_of("? [a, b]\n: 1\n"), HasSubstr("a key must be a plain word"));
  EXPECT_THAT(error_of("? {a: b}\n: 1\n"), HasSubstr("a key must be a plain word"));
  EXPECT_THAT(error_of("~: 1\n"), HasSubstr("a key must be a plain word"));
}

TEST(Document, ASecondDocumentIsAnError) {
  EXPECT_THAT(error_of("node: {name: a}\n---\nnode: {name: b}\n"),
              HasSubstr("a second document begins here; one file holds one"));
}

TEST(Document, TagsOtherThanStrAreErrors) {
  EXPECT_THAT(error_of("node: {name: !!binary aGk=}\n"),
              HasSubstr("the tag \"tag:yaml.org,2002:binary\" is not known here"));
  EXPECT_THAT(error_of("node: !thing {name: a}\n"), HasSubstr("is not known here"));
  EXPECT_EQ(settings_of("node: {name: !!str 5}\n")->node_name, "5");
}

TEST(Document, TextThatIsNotUtf8IsAnErrorWithItsLine) {
  EXPECT_EQ(error_of("node:\n  name: \xff\n"), "test.yaml:2:1: not UTF-8 text");
  EXPECT_EQ(error_of("\xff\xfe{\0}\0"), "test.yaml:1:1: not UTF-8 text");
}

TEST(Document, AnchorsAndAliasesStandForWhatTheyName) {
  const auto settings = settings_of("session: {max_inflight: &n 7}\nmqtt: {receive_maximum: *n}\n");
  EXPECT_EQ(settings->mqtt.receive_maximum, 7);
}

TEST(Document, AnAliasInsideOfItsOwnAnchorIsAnError) {
  EXPECT_THAT(error_of("plugins:\n  - {name: a, library: auth.so, config: &c {self: *c}}\n"),
              HasSubstr("an alias inside of what its own anchor names"));
}

TEST(Document, NestingDeeperThanTheLimitIsAnErrorNotAnOverflow) {
  EXPECT_THAT(error_of("a: " + std::string(40, '[') + std::string(40, ']')),
              HasSubstr("nested more than 32 levels deep"));
  EXPECT_NE(error_of(std::string(500'000, '[')), "no error");
  EXPECT_NE(error_of(std::string(500'000, '{')), "no error");
}

TEST(Document, NestingByAliasesIsHeldToTheSameLimit) {
  std::string text = "a0: &a0 [1]\n";
  for (int i = 1; i < 200; ++i)
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  EXPECT_THAT(error_of(text), HasSubstr("nested more than 32 levels deep"));
}

TEST(Document, AliasesThatGrowExponentiallyAreAnErrorNotAnOutOfMemory) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 20; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) text += (j == 0 ? "" : ", ") + before;
    text += "]\n";
  }
  EXPECT_THAT(error_of(text), HasSubstr("too large with its aliases written out (at most 8MiB)"));
}

TEST(Document, AFileLargerThanTheLimitIsAnError) {
  EXPECT_THAT(error_of(std::string(kMaximumFileSize + 1, '#')),
              HasSubstr("larger than 1MiB: this is not a configuration"));
}

}  // namespace
}  // namespace mortise::config
