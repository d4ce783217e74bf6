#include "broker/base/flat_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <string_view>

namespace mortise {
namespace {

TEST(FlatMap, AgreesWithAMapWhateverIsPutInAndTakenOut) {
  FlatMap<std::string, int> flat;
  std::map<std::string, int> expected;
  std::minstd_rand random(1);
  for (int step = 0; step < 20'000; ++step) {
    const std::string key = std::to_string(random() % 200);
    const bool grows = random() % 100 < ((step / 2000) % 2 == 0 ? 60u : 40u);
    ASSERT_EQ(flat.contains(std::string_view(key)), expected.contains(key));
    if (grows) {
      flat[key] = expected[key] = step;
    } else if (const auto at = flat.find(key); at != flat.end()) {
      EXPECT_EQ(at->second, expected[key]);
      flat.erase(at);
      expected.erase(key);
    }
    ASSERT_EQ(flat.size(), expected.size());
    ASSERT_EQ(flat.empty(), expected.empty());
    auto other = expected.begin();
    for (const auto& [name, value] : flat) {
      ASSERT_EQ(name, other->first);
      ASSERT_EQ(value, (other++)->second);
    }
  }
}

TEST(FlatMap, AnElementStaysWhereItIsWhileOthersComeAndGo) {
  FlatMap<std::string, int> map;
  const int* first = &(map["m"] = 1);
  for (int i = 0; i < 100; ++i) map[std::to_string(i)] = i;
  for (int i = 0; i < 100; ++i) map.erase(map.find(std::to_string(i)));
  EXPECT_EQ(&map.find("m")->second, first);
  EXPECT_EQ(*first, 1);
  map.clear();
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.find("m"), map.end());
}

}  // namespace
}  // namespace mortise
