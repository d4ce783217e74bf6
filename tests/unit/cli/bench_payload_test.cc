#include "broker/cli/bench_payload.h"

#include <gtest/gtest.h>

namespace mortise::cli {
namespace {

TEST(BenchPayload, a_stamp_is_read_back) {
  std::string payload(64, 'x');
  write_stamp(payload, {12345678901u, -5, 7}, true);
  const auto stamp = read_stamp(as_bytes(payload), true);
  ASSERT_TRUE(stamp);
  EXPECT_EQ(stamp->sequence, 12345678901u);
  EXPECT_EQ(stamp->intended_at, -5);
  EXPECT_EQ(stamp->publisher, 7u);
}

TEST(BenchPayload, one_changed_bit_anywhere_is_found) {
  std::string payload(67, 'x');  // not whole words
  write_stamp(payload, {1, 2, 3}, true);
  for (char& byte : payload) {
    for (int bit = 0; bit < 8; ++bit) {
      byte = static_cast<char>(byte ^ (1 << bit));
      EXPECT_FALSE(read_stamp(as_bytes(payload), true)) << &byte - payload.data() << " bit " << bit;
      byte = static_cast<char>(byte ^ (1 << bit));
    }
  }
  EXPECT_TRUE(read_stamp(as_bytes(payload), true));
}

TEST(BenchPayload, a_payload_that_was_cut_is_found) {
  std::string payload(kStampSize, 'x');
  write_stamp(payload, {1, 2, 3}, true);
  EXPECT_TRUE(read_stamp(as_bytes(payload), true));
  EXPECT_FALSE(read_stamp(as_bytes(payload.substr(0, kStampSize - 1)), true));
  EXPECT_FALSE(read_stamp({}, false));
}

}  // namespace
}  // namespace mortise::cli
