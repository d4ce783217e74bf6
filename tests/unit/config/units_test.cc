#include "broker/config/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mortise::config {
namespace {

using testing::HasSubstr;

std::string size_error(std::string_view text) {
  const auto size = parse_size(text);
  return size ? "no error" : size.error().message;
}
std::string duration_error(std::string_view text) {
  const auto duration = parse_duration(text);
  return duration ? "no error" : duration.error().message;
}

TEST(Units, SizesAreBytesTimesTheirUnit) {
  EXPECT_EQ(*parse_size("512B"), 512u);
  EXPECT_EQ(*parse_size("64KiB"), 65536u);
  EXPECT_EQ(*parse_size("1MiB"), 1048576u);
  EXPECT_EQ(*parse_size("2GiB"), 2147483648u);
}

TEST(Units, DurationsAreMillisecondsTimesTheirUnit) {
  EXPECT_EQ(*parse_duration("500ms"), 500u);
  EXPECT_EQ(*parse_duration("10s"), 10'000u);
  EXPECT_EQ(*parse_duration("5m"), 300'000u);
  EXPECT_EQ(*parse_duration("1h"), 3'600'000u);
  EXPECT_EQ(*parse_duration("7d"), 604'800'000u);
}

TEST(Units, ABareNumberIsAnErrorThatShowsTheRemedy) {
  EXPECT_EQ(size_error("1024"), "the unit is missing; write 1024B or another of B, KiB, MiB, GiB");
  EXPECT_EQ(duration_error("10"), "the unit is missing; write 10ms or another of ms, s, m, h, d");
}

TEST(Units, AnUnknownUnitIsAnErrorThatNamesTheOneMeant) {
  EXPECT_EQ(size_error("1MB"), "the unit \"MB\" is not known, write 1MiB; units are B, KiB, MiB, GiB");
  EXPECT_THAT(size_error("64k"), HasSubstr("write 64KiB;"));
  EXPECT_THAT(duration_error("5min"), HasSubstr("write 5m;"));
  EXPECT_THAT(duration_error("3 days"), HasSubstr("the unit \" days\" is not known"));
  EXPECT_THAT(duration_error("10sec"), HasSubstr("write 10s;"));
  EXPECT_THAT(duration_error("2months"), testing::Not(HasSubstr("write")));
}

TEST(Units, WhatIsNoWholeNumberIsAnError) {
  EXPECT_THAT(size_error("big"), HasSubstr("\"big\" is not a size; write a whole number and a unit"));
  EXPECT_THAT(size_error(""), HasSubstr("is not a size"));
  EXPECT_THAT(size_error("-1KiB"), HasSubstr("is not a size"));
  EXPECT_THAT(size_error("1.5MiB"), HasSubstr("the unit \".5MiB\" is not known"));
  EXPECT_THAT(duration_error("soon"), HasSubstr("is not a duration"));
}

TEST(Units, WhatDoesNotFitIsTooLargeInsteadOfWrappingAround) {
  EXPECT_THAT(size_error("99999999999999999999B"), HasSubstr("is too large"));
  EXPECT_THAT(size_error("18446744073709551615GiB"), HasSubstr("is too large"));
  EXPECT_THAT(duration_error("18446744073709551615d"), HasSubstr("is too large"));
}

TEST(Units, RenderingIsExactAndReadsBack) {
  for (const std::uint64_t bytes : {0u, 1u, 1000u, 65535u, 65536u, 1u << 20, 3u << 20, 1u << 30})
    EXPECT_EQ(*parse_size(render_size(bytes)), bytes);
  for (const std::uint64_t ms : {0u, 1u, 1500u, 60'000u, 604'800'000u})
    EXPECT_EQ(*parse_duration(render_duration(ms)), ms);
  EXPECT_EQ(render_size(65535), "65535B");
  EXPECT_EQ(render_size(65536), "64KiB");
  EXPECT_EQ(render_duration(604'800'000), "7d");
  EXPECT_EQ(render_duration(90'000), "90s");
}

}  // namespace
}  // namespace mortise::config
