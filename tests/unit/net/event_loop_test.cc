#include "broker/net/event_loop.h"

#include <filesystem>
#include <numeric>
#include <thread>

#include "test_loops.h"
#include "tests/conformance/proof.h"

namespace mortise::net::test {
namespace {

TEST(EventLoop, AnEchoComesBack) {
  TestLoops loops;
  Peer peer = loops.connect();
  peer.send(order('E', "hello"));
  EXPECT_EQ(peer.receive(5), "hello");
}

TEST(EventLoop, APacketMayComeByteByByte) {
  TestLoops loops;
  Peer peer = loops.connect();
  const std::string text(300, 'x');
  for (const char byte : order('E', text)) {
    peer.send({&byte, 1});
    loops.come_round();
  }
  EXPECT_EQ(peer.receive(text.size()), text);
}

TEST(EventLoop, AThousandPacketsInOneSegmentAreAllProcessedInOrder) {
  PROVES("3.1.1 MQTT-7.1.1-1", "5.0 MQTT-4.2.0-1");
  TestLoops loops;
  Peer peer = loops.connect();
  std::string sent, expected;
  for (int i = 0; i < 1000; ++i) {
    sent += order('E', std::to_string(i) + "\n");
    expected += std::to_string(i) + "\n";
  }
  peer.send(sent);
  EXPECT_EQ(peer.receive(expected.size()), expected);
}

TEST(EventLoop, PacketsSmallAndLargerThanTheReadBufferArriveWhole) {
  TestLoops::Options options;
  options.limits.partial_max = 8u << 20;
  TestLoops loops(options);
  Peer peer = loops.connect();
  for (const std::size_t size : {1u, 16'000u, 17'000u, 262'144u, 1'000'000u, 5'000'000u, 3u}) {
    std::string text(size, '\0');
    std::iota(text.begin(), text.end(), static_cast<char>(size));
    // Sending and receiving take turns: neither socket holds five million bytes.
    const std::string packet = order('E', text);
    std::thread sender([&] { peer.send(packet); });
    EXPECT_TRUE(peer.receive(size) == text) << size;
    sender.join();
  }
}

TEST(EventLoop, APartialPacketBeyondEveryLimitEndsTheConnection) {
  TestLoops::Options options;
  options.limits.partial_max = 100'000;
  TestLoops loops(options);
  Peer peer = loops.connect();
  const std::string packet = order('E', std::string(2'000'000, 'x'));
  // The write may fail half way, when the broker has given up.
  static_cast<void>(peer.stream().write_all(packet, kPatience));
  EXPECT_EQ(peer.rest(), "");
  EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().overlong_partials == 1; }));
  EXPECT_EQ(watches[0].closed, 1);
}

TEST(EventLoop, WhatWasSentBeforeTheCloseIsProcessedFirst) {
  TestLoops loops;
  Peer listener = loops.connect();
  listener.send(order('S'));
  EXPECT_EQ(listener.line(), "listening\n");
  {
    Peer leaving = loops.connect();
    for (int i = 0; i < 100; ++i) leaving.send(order('L', 0, "m"));
  }
  EXPECT_EQ(listener.receive(100), std::string(100, 'm'));
  EXPECT_TRUE(loops.eventually([] { return watches[0].closed == 1; }));
}

TEST(EventLoop, AHalfClosedPeerStillGetsItsAnswer) {
  TestLoops loops;
  Peer peer = loops.connect();
  peer.send(order('E', "last words"));
  peer.stream().shut_down_writing();
  EXPECT_EQ(peer.rest(), "last words");
  EXPECT_TRUE(loops.eventually([] { return watches[0].closed == 1; }));
}

TEST(EventLoop, TheEndOfTheStreamWaitsBehindWhatIsHeldBack) {
  TestLoops loops;
  Peer listener = loops.connect();
  listener.send(order('S'));
  EXPECT_EQ(listener.line(), "listening\n");
  {
    Peer leaving = loops.connect();
    leaving.send(order('H') + order('L', 0, "published before leaving\n"));
  }
  EXPECT_TRUE(loops.eventually([] { return watches[0].accepted == 2; }));
  for (int i = 0; i < 10; ++i) loops.come_round();
  EXPECT_EQ(watches[0].closed, 0);
  loops.mesh().complete({0, {1, 1}, 1}, hooks::AuthDecision{});
  EXPECT_EQ(listener.line(), "published before leaving\n");
  EXPECT_TRUE(loops.eventually([] { return watches[0].closed == 1; }));
}

TEST(EventLoop, BytesHeldBackAreOfferedAgainWithNewOnesBehindThem) {
  TestLoops loops;
  Peer peer = loops.connect();
  peer.send(order('H') + order('E', "one\n"));
  EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().bytes_read > 0; }));
  peer.send(order('E', "two\n"));
  loops.mesh().complete({0, {0, 1}, 1}, hooks::AuthDecision{});
  EXPECT_EQ(peer.receive(8), "one\ntwo\n");
}

TEST(EventLoop, WhatIsHeldBackAgainAndAgainIsWorkedOffBeforeMoreIsRead) {
  TestLoops::Options options;
  options.limits.read_per_socket = 16'384;
  options.limits.partial_max = 65'536;
  TestLoops loops(options);
  Peer peer = loops.connect();
  std::string flood;
  while (flood.size() < (1u << 20)) flood += order('G', std::string(1000, 'f'));
  std::thread sender([&] { peer.send(flood + order('E', "done\n")); });
  EXPECT_EQ(peer.line(), "done\n");
  sender.join();
  EXPECT_EQ(loops.group().totals().overlong_partials, 0u);
  EXPECT_LE(watches[0].largest_iteration, 2 * 16'384u + 2000u);
}

TEST(EventLoop, OneBusySocketDoesNotKeepTheOthersWaiting) {
  TestLoops::Options options;
  options.limits.read_per_socket = 4096;
  options.limits.read_per_iteration = 16'384;
  TestLoops loops(options);
  Peer busy = loops.connect();
  Peer other = loops.connect();
  // 2 MiB of orders that answer nothing, and one behind them from somebody else.
  std::string flood;
  while (flood.size() < (2u << 20)) flood += order('R', 0, std::string(1000, 'f'));
  std::thread sender([&] { busy.send(flood); });
  other.send(order('E', "my turn\n"));
  EXPECT_EQ(other.line(), "my turn\n");
  sender.join();
  busy.send(order('E', "done\n"));
  EXPECT_EQ(busy.line(), "done\n");
  // One read may bring what was held from before on top.
  EXPECT_LE(watches[0].largest_iteration, 16'384u + 2 * 4096u);
}

TEST(EventLoop, ASlowReaderGetsEverythingAndBlocksNobody) {
  TestLoops loops;
  Peer slow(loops.port(), 1 << 18);
  slow.send(order('B', "6000000"));
  Peer other = loops.connect();
  other.send(order('E', "quick\n"));
  EXPECT_EQ(other.line(), "quick\n");
  EXPECT_TRUE(slow.receive(6'000'000) == std::string(6'000'000, 'b'));
  EXPECT_GT(watches[0].writable, 1);
}

TEST(EventLoop, ACloseWithFlushDeliversTheLastBytesOfASlowReader) {
  TestLoops loops;
  Peer slow(loops.port(), 1 << 18);
  // Bytes behind the last order stay unread: they must not turn the close into a reset that destroys the answer.
  slow.send(order('B', "3000000") + order('Q', "good-bye") + std::string(5000, 'P'));
  EXPECT_TRUE(slow.rest() == std::string(3'000'000, 'b') + "good-bye");
  EXPECT_EQ(watches[0].closed, 0);
  slow.stream().close();
  EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().open == 0; }));
}

TEST(EventLoop, AFarewellThatNobodyReadsEndsAtItsDeadline) {
  TestLoops::Options options;
  options.limits.farewell = Millis{50};
  TestLoops loops(options);
  Peer slow(loops.port(), 1 << 18);
  slow.send(order('B', "8000000") + order('Q', "good-bye"));
  EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().unfinished_farewells == 1; }));
  EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().open == 0; }));
}

TEST(EventLoop, AnAbortClosesAtOnce) {
  TestLoops loops;
  Peer peer = loops.connect();
  peer.send(order('X'));
  EXPECT_EQ(peer.rest(), "");
  EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().open == 0; }));
}

TEST(EventLoop, ALateWriteToAPeerThatLeftStillReadsWhatItSent) {
  TestLoops loops;
  Peer listener = loops.connect();
  listener.send(order('S'));
  EXPECT_EQ(listener.line(), "listening\n");
  {
    Peer rude(loops.port(), 1 << 18);
    // The answer is never read: closing with it unread resets the connection under the broker's writes.
    rude.send(order('B', "4000000"));
    EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().bytes_written > 100'000; }));
    rude.send(order('L', 0, "I am gone\n"));
  }
  EXPECT_EQ(listener.line(), "I am gone\n");
  EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().open == 1; }));
}

TEST(EventLoop, TimersRunWhenTheyAreDueAlsoOnAnIdleLoop) {
  timer_ms = 30;
  TestLoops loops;
  timer_ms = 0;
  EXPECT_TRUE(loops.eventually([] { return watches[0].timers == 1; }));
}

TEST(EventLoop, AnIdleLoopSleeps) {
  TestLoops loops;
  Peer peer = loops.connect();
  peer.send(order('E', "x"));
  EXPECT_EQ(peer.receive(1), "x");
  loops.come_round();
  const std::uint64_t before = loops.group().totals().iterations;
  // Waiting for bytes that never come takes 50 ms of the client's time; a loop that does not sleep makes thousands of
  // rounds.
  EXPECT_FALSE(peer.stream().wait_readable(steady_now() + Millis{50}));
  EXPECT_LE(loops.group().totals().iterations - before, 3u);
}

TEST(EventLoop, ConnectionsComeAndGoTenThousandTimesAndLeaveNoDescriptor) {
  TestLoops::Options options;
  options.loops = 2;
  TestLoops loops(options);
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  const auto before = descriptors();
  const ClientAddress address = ClientAddress::resolve("127.0.0.1", loops.port()).value();
  for (int round = 0; round < 100; ++round) {
    std::vector<ClientStream> streams;
    for (int i = 0; i < 100; ++i) streams.push_back(ClientStream::connect(address, kPatience).value());
    for (ClientStream& stream : streams) static_cast<void>(stream.write(order('E', "x")));
  }
  EXPECT_TRUE(
      loops.eventually([&] { return loops.group().totals().open == 0 && loops.group().totals().accepted == 10'000; }));
  EXPECT_EQ(descriptors(), before);
}

}  // namespace
}  // namespace mortise::net::test
