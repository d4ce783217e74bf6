#include "broker/net/hand_over.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace mortise::net {
namespace {

struct Item {
  int poster = 0;
  int number = 0;
  Item* next = nullptr;
};

TEST(HandOver, KeepsTheOrderOfEachPosterAndLosesNothing) {
  HandOver<Item> line;
  constexpr int kPosters = 4, kEach = 20'000;
  std::vector<std::thread> posters;
  for (int poster = 0; poster < kPosters; ++poster) {
    posters.emplace_back([&line, poster] {
      for (int number = 0; number < kEach; ++number) line.push(std::make_unique<Item>(Item{poster, number, nullptr}));
    });
  }
  std::vector<int> next(kPosters);
  for (int taken = 0; taken < kPosters * kEach;) {
    Chain<Item> chain = line.take();
    while (const std::unique_ptr<Item> item = chain.pop_front()) {
      ASSERT_EQ(item->number, next[static_cast<std::size_t>(item->poster)]++);
      ++taken;
    }
  }
  for (std::thread& poster : posters) poster.join();
  EXPECT_TRUE(line.empty());
}

TEST(HandOver, DestroysWhatNobodyTook) {
  HandOver<Item> line;
  line.push(std::make_unique<Item>());
  line.push(std::make_unique<Item>());
}

}  // namespace
}  // namespace mortise::net
