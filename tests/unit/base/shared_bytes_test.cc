#include "broker/base/shared_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

namespace mortise {
namespace {

TEST(SharedBytes, AnEmptyOneHasNothing) {
  const SharedBytes none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.view().size(), 0u);
  EXPECT_EQ(none.text(), "");
  EXPECT_TRUE(SharedBytes::copy_of("").empty());
}

TEST(SharedBytes, CopiesWhatItIsGiven) {
  std::string text = "payload";
  const SharedBytes bytes = SharedBytes::copy_of(text);
  text = "XXXXXXX";
  EXPECT_EQ(bytes.text(), "payload");
}

TEST(SharedBytes, CopiesShareTheSameBytes) {
  SharedBytes bytes = SharedBytes::copy_of("payload");
  const SharedBytes copy = bytes;
  EXPECT_EQ(copy.view().data(), bytes.view().data());
  bytes = SharedBytes();
  EXPECT_EQ(copy.text(), "payload");
}

TEST(SharedBytes, AMovedFromOneIsEmpty) {
  SharedBytes bytes = SharedBytes::copy_of("payload");
  const SharedBytes moved = std::move(bytes);
  EXPECT_EQ(moved.text(), "payload");
  EXPECT_TRUE(bytes.empty());  // NOLINT: its state after the move is what is tested
}

TEST(SharedBytes, LetsTheMakerFillAllOfIt) {
  const SharedBytes bytes = SharedBytes::make(1000, [](std::span<std::uint8_t> out) {
    EXPECT_EQ(out.size(), 1000u);
    std::fill(out.begin(), out.end(), std::uint8_t{0xAB});
  });
  EXPECT_EQ(bytes.size(), 1000u);
  EXPECT_TRUE(std::all_of(bytes.view().begin(), bytes.view().end(), [](std::uint8_t byte) { return byte == 0xAB; }));
}

TEST(SharedBytes, MayBeHeldAndDroppedByManyThreads) {
  SharedBytes bytes = SharedBytes::copy_of("payload");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([copy = bytes] {
      for (int round = 0; round < 10'000; ++round) {
        const SharedBytes mine = copy;
        ASSERT_EQ(mine.size(), 7u);
      }
    });
  }
  bytes = SharedBytes();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace mortise
