#include "broker/net/partial_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mortise::net {
namespace {

void append(PartialBytes& bytes, std::string_view text, std::size_t maximum) {
  const std::span<std::uint8_t> room = bytes.room(text.size(), maximum);
  ASSERT_GE(room.size(), text.size());
  std::ranges::copy(as_bytes(text), room.begin());
  bytes.extend(text.size());
}

TEST(PartialBytes, ConsumedBytesMakeRoomBeforeItGrows) {
  PartialBytes bytes;
  append(bytes, "abcdef", 100);
  bytes.consume(4);
  append(bytes, "ghij", 6);
  EXPECT_EQ(as_text(bytes.view()), "efghij");
  EXPECT_TRUE(bytes.room(1, 6).empty());
  bytes.consume(6);
  EXPECT_TRUE(bytes.empty());
}

TEST(PartialBytes, AMovedOneIsEmpty) {
  PartialBytes bytes;
  bytes.assign(as_bytes("abc"));
  const PartialBytes other = std::move(bytes);
  EXPECT_EQ(as_text(other.view()), "abc");
  EXPECT_TRUE(bytes.empty());  // NOLINT: that is the point
}

TEST(PartialBytes, ShorterBytesReuseTheMemory) {
  PartialBytes bytes;
  bytes.assign(as_bytes("abcdef"));
  const std::uint8_t* memory = bytes.view().data();
  bytes.assign(as_bytes("xy"));
  EXPECT_EQ(as_text(bytes.view()), "xy");
  EXPECT_EQ(bytes.view().data(), memory);
}

}  // namespace
}  // namespace mortise::net
