#include "broker/base/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace mortise {
namespace {

using namespace std::string_literals;

struct QuotedCase {
  const char* name;
  std::string text;
  std::string expected;
};

class Quoted : public testing::TestWithParam<QuotedCase> {};

TEST_P(Quoted, EscapesWhatCouldBreakALogLine) { EXPECT_EQ(quoted(GetParam().text), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(Cases, Quoted,
                         testing::Values(QuotedCase{"Empty", "", R"("")"}, QuotedCase{"Plain", "a/b c", R"("a/b c")"},
                                         QuotedCase{"Quote", "a\"b", R"("a\"b")"},
                                         QuotedCase{"Backslash", "a\\b", R"("a\\b")"},
                                         QuotedCase{"Newline", "a\nb", R"("a\nb")"},
                                         QuotedCase{"Control", "\x01\x1f\x7f", R"("\x01\x1f\x7f")"},
                                         QuotedCase{"Nul", "a\0b"s, R"("a\x00b")"},
                                         QuotedCase{"CarriageReturn", "a\rb", R"("a\x0db")"},
                                         QuotedCase{"Utf8TwoBytes", "\xC3\xA9", "\"\xC3\xA9\""},
                                         QuotedCase{"Utf8ThreeBytes", "\xE2\x82\xAC", "\"\xE2\x82\xAC\""},
                                         QuotedCase{"Utf8FourBytes", "\xF0\x9F\x98\x80", "\"\xF0\x9F\x98\x80\""},
                                         QuotedCase{"LoneContinuation", "\x80", R"("\x80")"},
                                         QuotedCase{"CutSequence", "\xE2\x82", R"("\xe2\x82")"},
                                         QuotedCase{"InvalidLead", "\xFF\xFE", R"("\xff\xfe")"},
                                         QuotedCase{"OverlongLead", "\xC0\x80", R"("\xc0\x80")"},
                                         QuotedCase{"OverlongSlash", "\xE0\x80\xAF", R"("\xe0\x80\xaf")"},
                                         QuotedCase{"Surrogate", "\xED\xA0\x80", R"("\xed\xa0\x80")"},
                                         QuotedCase{"BeyondUnicode", "\xF4\x90\x80\x80", R"("\xf4\x90\x80\x80")"},
                                         QuotedCase{"C1Control", "\xC2\x9B", R"("\xc2\x9b")"}),
                         [](const auto& test) { return test.param.name; });

TEST(QuotedLimit, CutsLongTextAndSaysSo) {
  EXPECT_EQ(quoted("abcdef", 3), R"("abc"...)");
  EXPECT_EQ(quoted("abc", 3), R"("abc")");
}

TEST(QuotedLimit, DoesNotCutInsideACharacter) { EXPECT_EQ(quoted("ab\xE2\x82\xAC", 3), "\"ab\xE2\x82\xAC\""); }

TEST(Bytes, TextAndBytesAreTheSameMemory) {
  const std::string text = "topic";
  const ByteView bytes = as_bytes(text);
  EXPECT_EQ(bytes.size(), text.size());
  EXPECT_EQ(as_text(bytes).data(), text.data());
}

TEST(Bytes, SameTextIsEqualityWhateverTheLengthAndWhereverTheyDiffer) {
  for (std::size_t size = 0; size <= 70; ++size) {
    std::string one(size, 'x');
    for (std::size_t i = 0; i < size; ++i) one[i] = static_cast<char>(i * 37 + 200);
    EXPECT_TRUE(is_same_text(one, std::string(one))) << size;
    EXPECT_FALSE(is_same_text(one, one + "y")) << size;
    for (std::size_t i = 0; i < size; ++i) {
      std::string other = one;
      other[i] = static_cast<char>(other[i] ^ 1);
      EXPECT_FALSE(is_same_text(one, other)) << size << " at " << i;
    }
  }
}

TEST(Bytes, InWordsIsTheSameView) {
  const std::string text = "a view";
  EXPECT_EQ(in_words(std::string_view(text)).data(), text.data());
  EXPECT_EQ(in_words(as_bytes(text)).size(), text.size());
  EXPECT_TRUE(in_words(ByteView()).empty());
}

TEST(Bytes, WipeLeavesZeroes) {
  std::array<char, 16> secret{};
  secret.fill('s');
  wipe(secret.data(), secret.size());
  for (const char c : secret) EXPECT_EQ(c, 0);
}

}  // namespace
}  // namespace mortise
