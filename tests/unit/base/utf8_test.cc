#include "broker/base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace mortise {
namespace {

/// How Unicode encodes one code point, by its definition.
std::string encoded(char32_t point) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xC0 | (point >> 6)), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xE0 | (point >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | (point >> 18)), tail(12), tail(6), tail(0)};
}

TEST(Utf8, TakesEveryCodePointButTheSurrogates) {
  for (char32_t point = 0; point <= 0x10FFFF; ++point) {
    const std::string text = encoded(point);
    const bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;
    ASSERT_EQ(utf8_sequence_length(text), is_surrogate ? 0 : text.size()) << std::hex << static_cast<unsigned>(point);
  }
}

TEST(Utf8, TakesNoSequenceThatEndsEarly) {
  for (const char32_t point : {U'é', U'€', U'😀'}) {
    const std::string text = encoded(point);
    for (std::size_t size = 0; size < text.size(); ++size) EXPECT_EQ(utf8_sequence_length(text.substr(0, size)), 0u);
  }
}

TEST(Utf8, TakesNoTwoBytesThatUnicodeDoesNotMakeOfACodePoint) {
  for (unsigned lead = 0x80; lead < 0x100; ++lead) {
    for (unsigned second = 0; second < 0x100; ++second) {
      const std::string text = {static_cast<char>(lead), static_cast<char>(second)};
      const bool is_well_formed = lead >= 0xC2 && lead < 0xE0 && second >= 0x80 && second < 0xC0;
      ASSERT_EQ(utf8_sequence_length(text), is_well_formed ? 2u : 0u) << lead << ' ' << second;
    }
  }
}

TEST(Utf8, TakesNeitherOverlongFormsNorWhatLiesBeyondUnicode) {
  for (const char* text : {"\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xF0\x80\x80\x80",
                           "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF"}) {
    EXPECT_EQ(utf8_sequence_length(text), 0u) << testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace mortise
