#include "broker/routing/level_hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace mortise::routing {
namespace {

TEST(LevelHashTest, EveryByteAndTheLengthCount) {
  const LevelHash hash;
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string text(size, 'a');
    EXPECT_EQ(hash(text), hash(std::string(text)));
    EXPECT_NE(hash(text), hash(text + 'a'));
    EXPECT_NE(hash(text), hash(text + '\0'));
    for (std::size_t at = 0; at < size; ++at) {
      std::string other = text;
      other[at] = 'b';
      EXPECT_NE(hash(text), hash(other)) << size << " " << at;
    }
  }
}

TEST(LevelHashTest, TwoKeysDisagree) {
  const LevelHash one;
  const LevelHash other;
  EXPECT_NE(one("some/topic"), other("some/topic"));
}

// Counting texts are what topics look like: low bits, high bits and the middle must all spread.
TEST(LevelHashTest, NumberedTextsSpreadOverEveryPartOfTheHash) {
  const LevelHash hash;
  for (const int shift : {0, 20, 32, 40, 52}) {
    std::vector<int> buckets(256);
    for (int i = 0; i < 256 * 64; ++i) ++buckets[(hash("device" + std::to_string(i)) >> shift) & 255];
    for (const int count : buckets) {
      EXPECT_GT(count, 16) << shift;
      EXPECT_LT(count, 160) << shift;
    }
  }
}

}  // namespace
}  // namespace mortise::routing
