#include "broker/net/client_stream.h"

#include <netinet/in.h>

#include <vector>

#include "test_loops.h"

namespace mortise::net::test {
namespace {

/// A socket bound to a free port of 127.0.0.1, listening with `backlog` or, below 0, not at all.
std::pair<Descriptor, std::uint16_t> bound_socket(int backlog) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  if (backlog >= 0) {
    EXPECT_EQ(::listen(socket.get(), backlog), 0);
  }
  return {std::move(socket), ntohs(address.sin_port)};
}

TEST(ClientStream, ARefusedConnectionSaysWhereTo) {
  const auto [socket, port] = bound_socket(-1);
  const ClientAddress address = ClientAddress::resolve("127.0.0.1", port).value();
  const Result<ClientStream> stream = ClientStream::connect(address, kPatience);
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().message, "cannot connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
}

TEST(ClientStream, ConnectingEndsAtItsDeadline) {
  const auto [socket, port] = bound_socket(0);
  const ClientAddress address = ClientAddress::resolve("127.0.0.1", port).value();
  // Nobody accepts: the queue takes one or two, then the kernel stops answering.
  std::vector<ClientStream> waiting;
  Result<ClientStream> stream = ClientStream::connect(address, Millis{50});
  while (stream && waiting.size() < 10) {
    waiting.push_back(std::move(*stream));
    stream = ClientStream::connect(address, Millis{50});
  }
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().message, "cannot connect to 127.0.0.1:" + std::to_string(port) + ": no answer within 50 ms");
}

TEST(ClientStream, ConnectsFromAnAddressThatWasAskedFor) {
  TestLoops loops;
  const ClientAddress address = ClientAddress::resolve("127.0.0.1", loops.port()).value();
  ClientStream stream = ClientStream::start(address, "127.0.0.2").value();
  ASSERT_TRUE(stream.wait_writable(steady_now() + kPatience));
  EXPECT_TRUE(stream.finish_connect().value());
  EXPECT_FALSE(ClientStream::start(address, "not an address"));
}

}  // namespace
}  // namespace mortise::net::test
