#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "broker/base/bytes.h"
#include "broker/net/descriptor.h"
#include "broker/net/transfer.h"

namespace mortise::net::test {

/// Both ends of a stream.
inline std::pair<Descriptor, Descriptor> socket_pair() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

/// What has come so far.
inline std::string read_all(const Descriptor& end) {
  std::string got;
  std::array<std::uint8_t, 65536> bytes;
  for (;;) {
    const Transfer read = receive_bytes(end.get(), bytes);
    if (read.status != Transfer::Status::kDone) return got;
    got.append(as_text(ByteView(bytes).first(read.bytes)));
  }
}

inline void write_all(const Descriptor& end, std::string_view text) {
  const iovec vector{const_cast<char*>(text.data()), text.size()};
  ASSERT_EQ(send_vectors(end.get(), std::span(&vector, 1)).bytes, text.size());
}

}  // namespace mortise::net::test
