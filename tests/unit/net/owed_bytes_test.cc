#include "broker/net/owed_bytes.h"

#include <gtest/gtest.h>

#include <string>

namespace mortise::net {
namespace {

/// Takes as much as it is allowed to, and passes on what it is asked to flush.
class Sipping final : public ByteStream {
 public:
  std::size_t allowed = 0;
  std::string taken;
  std::size_t held = 0;  // of what it took: until `flush`
  bool holds = false;

  Transfer read(int, std::span<std::uint8_t>) override { return {}; }
  Transfer write(int, std::span<const iovec> vectors) override {
    const std::size_t size = std::min(allowed, vectors.front().iov_len);
    if (size == 0) return {Transfer::Status::kWouldBlock, 0, 0};
    taken.append(static_cast<const char*>(vectors.front().iov_base), size);
    allowed -= size;
    held = holds ? size : 0;
    return {Transfer::Status::kDone, size, 0};
  }
  bool owes_bytes() const noexcept override { return held != 0; }
  Transfer flush(int) override {
    if (allowed == 0) return {Transfer::Status::kWouldBlock, 0, 0};
    held = 0;
    return {Transfer::Status::kDone, 0, 0};
  }
  void say_farewell() override {}
};

TEST(OwedBytes, GoOutInOrderHoweverFewAreTaken) {
  OwedBytes owed;
  Sipping below;
  std::string all;
  for (int i = 0; i < 300; ++i) {
    const std::string more = std::to_string(i);
    owed.append(as_bytes(more));
    all += more;
    below.allowed = 2;
    owed.flush(&below, -1);
  }
  below.allowed = all.size();
  EXPECT_EQ(owed.flush(&below, -1).status, Transfer::Status::kDone);
  EXPECT_TRUE(owed.empty());
  EXPECT_EQ(below.taken, all);
  EXPECT_EQ(owed.memory(), 0u);
}

TEST(OwedBytes, MemoryStaysFlatThoughTheLastByteIsAlwaysOwed) {
  OwedBytes owed;
  Sipping below;
  const std::string one(1000, 'x');
  owed.append(as_bytes(one));
  for (int i = 0; i < 10'000; ++i) {
    owed.append(as_bytes(one));
    below.allowed = one.size();
    EXPECT_EQ(owed.flush(&below, -1).status, Transfer::Status::kWouldBlock);
    ASSERT_EQ(owed.size(), one.size());
    ASSERT_LE(owed.memory(), 8 * one.size());
  }
}

TEST(OwedBytes, WhatIsBelowIsFlushedBeforeMoreIsWritten) {
  OwedBytes owed;
  Sipping below;
  below.holds = true;
  owed.append(as_bytes("abc"));
  below.allowed = 3;
  EXPECT_EQ(owed.flush(&below, -1).status, Transfer::Status::kWouldBlock);
  EXPECT_TRUE(owed.empty());
  EXPECT_EQ(below.taken, "abc");
  below.allowed = 1;
  EXPECT_EQ(owed.flush(&below, -1).status, Transfer::Status::kDone);
}

}  // namespace
}  // namespace mortise::net
