#include "broker/routing/expiry_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

namespace mortise::routing {
namespace {

struct Item {
  WallTime time;
  std::size_t heap_place = ExpiryHeap<Item>::kNoPlace;
  WallTime expires_at() const { return time; }
};

TEST(ExpiryHeapTest, WhateverIsAddedAndRemovedTheFirstIsTheEarliest) {
  std::mt19937 random(3);
  ExpiryHeap<Item> heap;
  std::vector<std::unique_ptr<Item>> items;
  for (int step = 0; step < 5000; ++step) {
    if (items.empty() || random() % 5 < 3) {
      items.push_back(std::make_unique<Item>(Item{WallTime(Millis(random() % 100))}));
      heap.add(*items.back());
    } else {
      std::swap(items[random() % items.size()], items.back());
      heap.remove(*items.back());
      EXPECT_EQ(items.back()->heap_place, ExpiryHeap<Item>::kNoPlace);
      items.pop_back();
    }
    const auto earliest = std::min_element(items.begin(), items.end(),
                                           [](const auto& one, const auto& other) { return one->time < other->time; });
    ASSERT_EQ(heap.first() == nullptr, items.empty());
    if (!items.empty()) {
      ASSERT_EQ(heap.first()->time, (*earliest)->time);
    }
  }
}

TEST(ExpiryHeapTest, RemovingWhatIsNotInItDoesNothing) {
  ExpiryHeap<Item> heap;
  Item item{WallTime{}};
  heap.remove(item);
  EXPECT_EQ(heap.first(), nullptr);
}

}  // namespace
}  // namespace mortise::routing
