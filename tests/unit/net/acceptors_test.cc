#include "broker/net/acceptors.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>

namespace mortise::net {
namespace {

TEST(Acceptors, AListenerThatThereIsNoRoomToWatchIsTriedAgain) {
  std::string folder = (std::filesystem::temp_directory_path() / "mortise-acceptors-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  config::ListenerSettings settings;
  settings.is_unix = true;
  settings.path = folder + "/s";
  settings.url = "unix://" + settings.path;
  const auto listener = Listener::open(settings, 0);
  ASSERT_TRUE(listener) << listener.error().message;
  auto poller = Poller::create();
  ASSERT_TRUE(poller);
  LoopCounters counters;
  const LoopLimits limits;
  Acceptors acceptors(*poller, counters, limits);
  const SteadyTime start = steady_now();

  // The kernel refuses a second time as it would without room.
  ASSERT_TRUE(poller->add((*listener)->descriptor(), EPOLLIN | EPOLLEXCLUSIVE, {}));
  acceptors.add(*listener, start);
  const SteadyTime again = acceptors.next_deadline();
  EXPECT_EQ(again, start + limits.accept_pause);
  acceptors.resume(again);
  EXPECT_EQ(acceptors.next_deadline(), again + limits.accept_pause);
  poller->remove((*listener)->descriptor());
  acceptors.resume(again + limits.accept_pause);
  EXPECT_EQ(acceptors.next_deadline(), kNever);

  const Descriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, settings.path.data(), settings.path.size());
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(poller->wait(steady_now(), steady_now() + Seconds(10)), 1U);
  EXPECT_EQ(poller->event(0).token.kind, PollToken::Kind::kListener);
  int accepted = 0;
  acceptors.accept_from(poller->event(0).token.index, steady_now(), [&](Stream, core::PeerInfo) { ++accepted; });
  EXPECT_EQ(accepted, 1);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace mortise::net
