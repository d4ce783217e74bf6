#include "broker/base/keyed_hash.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <unordered_set>

#include "broker/base/random.h"

namespace mortise {
namespace {

TEST(KeyedHash, AnswersTheSameForTheSameTextUnderOneSecret) {
  const KeyedHash hash = KeyedHash::random();
  const KeyedHash copy = hash;
  EXPECT_EQ(hash("client"), hash("client"));
  EXPECT_EQ(hash("client"), copy("client"));
}

TEST(KeyedHash, AnswersDifferentlyUnderAnotherSecret) {
  EXPECT_NE(KeyedHash::random()("client"), KeyedHash::random()("client"));
}

TEST(KeyedHash, SpreadsSimilarTexts) {
  const KeyedHash hash = KeyedHash::random();
  std::unordered_set<std::uint64_t> seen;
  for (int i = 0; i < 10'000; ++i) seen.insert(hash("client-" + std::to_string(i)));
  EXPECT_EQ(seen.size(), 10'000u);
  EXPECT_NE(hash(""), hash(std::string_view("\0", 1)));
}

TEST(RandomBytes, DifferEachTime) {
  std::array<unsigned char, 16> one{};
  std::array<unsigned char, 16> other{};
  random_bytes(one.data(), one.size());
  random_bytes(other.data(), other.size());
  EXPECT_NE(one, other);
}

}  // namespace
}  // namespace mortise
