#include "broker/config/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace mortise::config {
namespace {

using testing::HasSubstr;

std::string json_of(std::string_view yaml) {
  const auto document = parse_document(yaml);
  if (!document) return "error: " + document.error().text;
  const auto json = to_json_text(**document, "config");
  return json ? *json : "error: " + json.error().text;
}

TEST(Json, PlainScalarsAreTypedByTheCoreSchema) {
  EXPECT_EQ(json_of("[null, Null, ~, ]"), "[null,null,null]");
  EXPECT_EQ(json_of("[true, True, TRUE, false]"), "[true,true,true,false]");
  EXPECT_EQ(json_of("[1, -1, +7, 0o17, 0xFF, 007]"), "[1,-1,7,15,255,7]");
  EXPECT_EQ(json_of("[1.5, -0.25, 1e3, .5, 2.]"), "[1.5,-0.25,1000.0,0.5,2.0]");
  EXPECT_EQ(json_of("[yes, no, on, off, 1_000, 0b1, 1:30, 12e, e5, -, +, .]"),
            R"(["yes","no","on","off","1_000","0b1","1:30","12e","e5","-","+","."])");
}

TEST(Json, QuotedScalarsStayText) {
  EXPECT_EQ(json_of("['1', \"true\", \"\", '~', !!str 5]"), R"(["1","true","","~","5"])");
  EXPECT_EQ(json_of("a: |\n  12\n"), R"({"a":"12\n"})");
}

TEST(Json, TheLargestNumbersAreExact) {
  EXPECT_EQ(json_of("[9223372036854775807, -9223372036854775808, 18446744073709551615]"),
            "[9223372036854775807,-9223372036854775808,18446744073709551615]");
}

TEST(Json, NumbersThatJsonCannotHoldAreErrorsThatNameThePlace) {
  EXPECT_EQ(
      json_of("{a: {b: [1, .inf]}}"),
      "error: config.a.b[1]: \".inf\" is a number that JSON cannot hold; put it in quotes if it is meant as text");
  for (const char* number : {"-.INF", ".nan", "18446744073709551616", "-9223372036854775809", "1e999"})
    EXPECT_THAT(json_of(std::string("{a: ") + number + "}"), HasSubstr("JSON cannot hold")) << number;
}

TEST(Json, MappingsKeepTheirOrderAndKeysAreText) {
  EXPECT_EQ(json_of("{z: 1, a: 2, 5: 3, true: 4, \"q\\\"\": {}, l: []}"),
            R"({"z":1,"a":2,"5":3,"true":4,"q\"":{},"l":[]})");
}

TEST(Json, TextIsEscapedAndStaysUtf8) {
  EXPECT_EQ(json_of("a: \"é\\n\\t\\\"\\u0001\""), "{\"a\":\"é\\n\\t\\\"\\u0001\"}");
}

TEST(Json, AliasesAreWrittenOut) { EXPECT_EQ(json_of("{a: &x {k: [1]}, b: *x}"), R"({"a":{"k":[1]},"b":{"k":[1]}})"); }

}  // namespace
}  // namespace mortise::config
