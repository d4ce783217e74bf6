#include "broker/admin/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mortise::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

/// What is said to be wrong when a body is read for all kinds of fields.
std::string wrong_with(const std::string& body) {
  Fields fields(body);
  fields.text("text");
  fields.number("number", 1, 9);
  fields.flag("flag", false);
  fields.pairs("pairs");
  fields.object("object");
  return fields.wrong();
}

TEST(Fields, WhatIsThereIsRead) {
  Fields fields(R"({"text": "a", "number": 3, "flag": true, "pairs": {"x": "1"}, "object": {"y": 1}})");
  EXPECT_EQ(fields.text("text"), "a");
  EXPECT_EQ(fields.number("number", 1, 9), 3U);
  EXPECT_TRUE(fields.flag("flag", false));
  EXPECT_THAT(fields.pairs("pairs"), ElementsAre(Pair("x", "1")));
  ASSERT_NE(fields.object("object"), nullptr);
  EXPECT_EQ(fields.wrong(), "");
}

TEST(Fields, WhatIsNotThereIsNotWrong) {
  EXPECT_EQ(wrong_with(""), "");
  EXPECT_EQ(wrong_with("{}"), "");
  Fields fields("{}");
  EXPECT_EQ(fields.required_text("topic"), "");
  EXPECT_EQ(fields.wrong(), "the field \"topic\" is missing");
}

// Class E of what broke other brokers: JSON of the wrong type.
TEST(Fields, EveryWrongTypeIsNamedWithItsPlace) {
  EXPECT_THAT(wrong_with("{"), HasSubstr("not JSON"));
  EXPECT_THAT(wrong_with("[]"), HasSubstr("of the type array"));
  EXPECT_THAT(wrong_with("null"), HasSubstr("of the type null"));
  EXPECT_THAT(wrong_with(R"({"text": 1})"), HasSubstr("\"text\" is of the type number"));
  EXPECT_THAT(wrong_with(R"({"text": null})"), HasSubstr("\"text\" is of the type null"));
  for (const char* number : {"0", "10", "-1", "1.5", "\"3\"", "1e300", "99999999999999999999", "true"})
    EXPECT_THAT(wrong_with(std::string(R"({"number": )") + number + "}"), HasSubstr("from 1 to 9")) << number;
  EXPECT_THAT(wrong_with(R"({"flag": "true"})"), HasSubstr("allowed: true, false"));
  EXPECT_THAT(wrong_with(R"({"pairs": "x"})"), HasSubstr("neither"));
  EXPECT_THAT(wrong_with(R"({"pairs": {"x": 1}})"), HasSubstr("no string"));
  EXPECT_THAT(wrong_with(R"({"pairs": [["x"]]})"), HasSubstr("neither"));
  EXPECT_THAT(wrong_with(R"({"object": []})"), HasSubstr("an object"));
  EXPECT_THAT(wrong_with(R"({"txet": "a"})"), HasSubstr("no field \"txet\"; allowed: text, number"));
}

TEST(Fields, TwoFieldsOfOneNameAreRefusedWhereverTheyStand) {
  EXPECT_THAT(wrong_with(R"({"text": "a", "text": "b"})"), HasSubstr("two fields of one name"));
  EXPECT_THAT(wrong_with(R"({"object": {"x": 1, "x": 2}})"), HasSubstr("two fields of one name"));
  EXPECT_THAT(wrong_with(R"({"object": {"list": [{"x": 1}]}, "object": {}})"), HasSubstr("two fields of one name"));
  EXPECT_EQ(wrong_with(R"({"object": {"x": 1, "y": [{"x": 1}, {"x": 2}]}})"), "");
}

TEST(Fields, DepthAndNumberAreBounded) {
  EXPECT_THAT(wrong_with("{\"object\": " + std::string(100'000, '[') + std::string(100'000, ']') + "}"),
              HasSubstr("nested too deep"));
  std::string many = "{";
  for (int i = 0; i < 65; ++i) many += (i == 0 ? "\"" : ", \"") + std::to_string(i) + "\": 1";
  EXPECT_THAT(wrong_with(many + "}"), HasSubstr("more than 64 fields"));
}

TEST(Base64, GoesThereAndBack) {
  const std::string bytes("\x00\xFFtext", 6);
  EXPECT_EQ(to_base64(bytes), "AP90ZXh0");
  EXPECT_EQ(from_base64("AP90ZXh0"), bytes);
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(from_base64(""), "");
  for (const char* wrong : {"A", "AP90ZXh", "AP90 ZXh0", "AP-0ZXh0", "===="}) EXPECT_FALSE(from_base64(wrong)) << wrong;
}

}  // namespace
}  // namespace mortise::admin
