#include "broker/net/loop_group.h"

#include <sys/resource.h>

#include "test_loops.h"

namespace mortise::net::test {
namespace {

config::ListenerSettings listener_on(const std::string& host, std::uint16_t port) {
  config::ListenerSettings settings;
  settings.host = host;
  settings.port = port;
  settings.url =
      "tcp://" + (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
  return settings;
}

TEST(LoopGroup, StopsGracefullyAndSaysGoodByeToEverybody) {
  TestLoops::Options options;
  options.loops = 2;
  TestLoops loops(options);
  std::vector<Peer> peers;
  for (int i = 0; i < 20; ++i) {
    peers.push_back(loops.connect());
    peers.back().send(order('E', "hello\n"));
    EXPECT_EQ(peers.back().line(), "hello\n");
  }
  std::thread readers([&] {
    for (Peer& peer : peers) {
      EXPECT_EQ(peer.rest(), "bye\n");
      peer.stream().close();
    }
  });
  EXPECT_EQ(loops.group().stop(kPatience), 0u);
  readers.join();
}

TEST(LoopGroup, AStopWithoutGraceEndsAlthoughAPeerReadsNothing) {
  TestLoops loops;
  Peer slow(loops.port(), 1 << 18);
  slow.send(order('B', "8000000"));
  EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().bytes_written > 0; }));
  EXPECT_EQ(loops.group().stop(Millis{20}), 1u);
  EXPECT_FALSE(loops.mesh().executor(0).post([] {}));
}

TEST(LoopGroup, APortInUseIsNamedWithTheRemedy) {
  TestLoops loops;
  const Result<std::shared_ptr<Listener>> second = Listener::open(listener_on("127.0.0.1", loops.port()), 3);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "cannot listen on tcp://127.0.0.1:" + std::to_string(loops.port()) +
                                        ": address already in use; stop the other program or choose another port in "
                                        "listeners[3].url");
}

TEST(LoopGroup, AnAddressOfAnotherMachineIsNamed) {
  const auto listener = Listener::open(listener_on("192.0.2.1", 0), 0);
  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().message.find("this machine has no such address"), std::string::npos);
}

TEST(LoopGroup, ListensOnIpV6) {
  Result<std::shared_ptr<Listener>> listener = Listener::open(listener_on("::1", 0), 0);
  if (!listener) GTEST_SKIP() << listener.error().message;
  const ClientAddress address = ClientAddress::resolve("::1", (*listener)->port()).value();
  ClientStream client = ClientStream::connect(address, kPatience).value();
  Listener::Accepted accepted = (*listener)->accept(steady_now());
  ASSERT_EQ(accepted.status, Listener::Accepted::Status::kDone);
  EXPECT_EQ(accepted.peer.peer_address, "::1");
  EXPECT_EQ(accepted.peer.local_port, (*listener)->port());
}

TEST(LoopGroup, NoListenerOpensWhenOneCannot) {
  TestLoops loops;
  const std::uint16_t free_port = Listener::open(listener_on("127.0.0.1", 0), 0).value()->port();
  core::Shared shared;
  routing::ReclaimDomain reclaim(1);
  const std::unique_ptr<Mesh> mesh = Mesh::create(shared, {}).value();
  core::Shard shard(0, shared, nullptr);
  const std::unique_ptr<LoopGroup> group = LoopGroup::create(*mesh, reclaim, {&shard}, {}).value();
  group->start();
  EXPECT_FALSE(group->listen({listener_on("127.0.0.1", free_port), listener_on("127.0.0.1", loops.port())}));
  EXPECT_TRUE(Listener::open(listener_on("127.0.0.1", free_port), 0));
}

TEST(LoopGroup, AListenerWithOtherSettingsKeepsItsSocketAndItsConnections) {
  TestLoops loops;
  Peer stays = loops.connect();
  stays.send(order('I'));
  EXPECT_EQ(stays.line(), "loop 0\n");
  config::ListenerSettings changed = loops.group().listeners().front()->settings();
  changed.max_connections = 1;
  LoopGroup::Listeners next = loops.group().prepare({changed}).value();
  EXPECT_EQ(next.front()->port(), loops.port());
  EXPECT_EQ(next.front()->open_connections(), 1U);
  loops.group().use(std::move(next));
  EXPECT_TRUE(loops.eventually([&] { return loops.connect().rest().empty() && loops.group().totals().refused > 0; }));
  stays.send(order('I'));
  EXPECT_EQ(stays.line(), "loop 0\n");
}

TEST(LoopGroup, AListenerThatIsGoneAcceptsNobodyAndWhoIsInStays) {
  TestLoops loops;
  const std::uint16_t port = loops.port();
  Peer stays = loops.connect();
  stays.send(order('I'));
  EXPECT_EQ(stays.line(), "loop 0\n");
  const std::uint16_t free_port = Listener::open(listener_on("127.0.0.1", 0), 0).value()->port();
  loops.group().use(loops.group().prepare({listener_on("127.0.0.1", free_port)}).value());
  const ClientAddress address = ClientAddress::resolve("127.0.0.1", port).value();
  EXPECT_TRUE(loops.eventually([&] { return !ClientStream::connect(address, kPatience); }));
  stays.send(order('I'));
  EXPECT_EQ(stays.line(), "loop 0\n");
  Peer comes(loops.group().listeners().front()->port());
  comes.send(order('I'));
  EXPECT_EQ(comes.line(), "loop 0\n");
}

TEST(LoopGroup, AFullListenerRefusesAndTakesTheNextWhenOneLeft) {
  TestLoops::Options options;
  options.max_connections = 2;
  TestLoops loops(options);
  Peer first = loops.connect();
  first.send(order('I'));
  EXPECT_EQ(first.line(), "loop 0\n");
  {
    Peer second = loops.connect();
    second.send(order('I'));
    EXPECT_EQ(second.line(), "loop 0\n");
    EXPECT_EQ(loops.connect().rest(), "");
    EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().refused == 1; }));
  }
  EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().open == 1; }));
  Peer next = loops.connect();
  next.send(order('I'));
  EXPECT_EQ(next.line(), "loop 0\n");
}

/// Runs in a child, because the limit holds for the whole process. Exits with 0 when all went well.
void run_out_of_descriptors() {
  TestLoops loops;
  Peer first = loops.connect();
  first.send(order('I'));
  if (first.line() != "loop 0\n") std::exit(1);
  ClientStream waiting = ClientStream::start(ClientAddress::resolve("127.0.0.1", loops.port()).value()).value();
  if (!loops.eventually([&] { return loops.group().totals().open == 2; })) std::exit(2);
  ClientStream second = ClientStream::start(ClientAddress::resolve("127.0.0.1", loops.port()).value()).value();
  if (!loops.eventually([&] { return loops.group().totals().open == 3; })) std::exit(3);
  // A sanitizer that sees a type for the first time asks for a descriptor to look at it.
  loops.come_round(0);
  // From here on no descriptor can be made: the client's own end exists already, accepting has none.
  Descriptor spare(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  rlimit limit{static_cast<rlim_t>(spare.get() + 1), static_cast<rlim_t>(spare.get() + 1)};
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const ClientAddress address = ClientAddress::resolve("127.0.0.1", loops.port()).value();
  if (::connect(spare.get(), address.address(), address.length()) != 0 && errno != EINPROGRESS) std::exit(4);
  if (!loops.eventually([&] { return loops.group().totals().paused_accepts >= 1; })) std::exit(5);
  // No busy loop, and those who are connected are served.
  first.send(order('E', "alive\n"));
  if (first.line() != "alive\n") std::exit(6);
  // One leaves, and the one that waited comes in.
  second.close();
  if (!loops.eventually([&] { return loops.group().totals().accepted == 4; })) std::exit(7);
  if (loops.group().totals().paused_accepts > 1000) std::exit(8);
  std::exit(0);
}

TEST(LoopGroupDeathTest, OutOfDescriptorsAcceptingPausesAndResumes) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(run_out_of_descriptors(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mortise::net::test
