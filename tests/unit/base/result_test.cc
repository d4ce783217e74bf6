#include "broker/base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace mortise {
namespace {

enum class Refused { kTooLong, kEmpty };

Result<std::size_t, Refused> length_of(const std::string& text) {
  if (text.empty()) return failure(Refused::kEmpty);
  if (text.size() > 5) return failure(Refused::kTooLong);
  return text.size();
}

Result<std::string, Refused> doubled(const std::string& text) {
  Result<std::size_t, Refused> length = length_of(text);
  if (!length) return std::move(length).as_failure();
  return text + text;
}

TEST(Result, HoldsTheValue) {
  const Result<std::size_t, Refused> result = length_of("abc");
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result);
  EXPECT_EQ(*result, 3u);
}

TEST(Result, HoldsTheError) {
  const Result<std::size_t, Refused> result = length_of("abcdefgh");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), Refused::kTooLong);
}

TEST(Result, PassesAnErrorOnToAResultOfAnotherType) {
  const Result<std::string, Refused> result = doubled("");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), Refused::kEmpty);
  EXPECT_EQ(*doubled("ab"), "abab");
}

TEST(Result, MovesAValueThatCannotBeCopied) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 7);
}

TEST(Result, MakesAnErrorForTheUserFromText) {
  const Result<int> result = failure("no such file: x; create it");
  EXPECT_EQ(result.error().message, "no such file: x; create it");
  const Result<int> other = failure(std::string("port in use"));
  EXPECT_EQ(other.error().message, "port in use");
}

TEST(Result, OfVoidIsASuccessUntilItFails) {
  Result<void, Refused> success;
  EXPECT_TRUE(success.ok());
  Result<void, Refused> failed = failure(Refused::kEmpty);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error(), Refused::kEmpty);
  const Result<int, Refused> passed_on = std::move(failed).as_failure();
  EXPECT_EQ(passed_on.error(), Refused::kEmpty);
}

TEST(ResultDeathTest, LookingAtTheValueOfAFailureAborts) {
  const Result<std::size_t, Refused> result = length_of("");
  EXPECT_DEATH(static_cast<void>(result.value()), "CHECK\\(ok\\(\\)\\) failed");
}

TEST(ResultDeathTest, LookingAtTheErrorOfASuccessAborts) {
  const Result<std::size_t, Refused> result = length_of("a");
  EXPECT_DEATH(static_cast<void>(result.error()), "CHECK\\(!ok\\(\\)\\) failed");
}

}  // namespace
}  // namespace mortise
