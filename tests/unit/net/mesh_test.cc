#include "broker/net/mesh.h"

#include <thread>

#include "broker/base/scope_exit.h"
#include "test_loops.h"

namespace mortise::net::test {
namespace {

TestLoops::Options two_loops() {
  TestLoops::Options options;
  options.loops = 2;
  return options;
}

/// A client whose connection lives on `loop`.
Peer on_loop(const TestLoops& loops, int loop) {
  Peer peer = loops.connect();
  peer.send(order('M', loop));
  EXPECT_EQ(peer.line(), "moved\n");
  return peer;
}

TEST(Mesh, AStreamMovesWithTheBytesBehindTheOrder) {
  TestLoops loops(two_loops());
  Peer peer = loops.connect();
  const std::string part = order('E', "in two pieces\n");
  for (int round = 0; round < 20; ++round) {
    peer.send(order('M', round % 2) + order('I') + part.substr(0, 5));
    EXPECT_EQ(peer.line(), "moved\n");
    EXPECT_EQ(peer.line(), "loop " + std::to_string(round % 2) + "\n");
    peer.send(part.substr(5));
    EXPECT_EQ(peer.line(), "in two pieces\n");
  }
  EXPECT_EQ(watches[0].closed + watches[1].closed, 0);
  EXPECT_EQ(loops.group().totals().open, 1u);
}

TEST(Mesh, AStreamThatEndedWhileMovingIsReadToItsEnd) {
  TestLoops loops(two_loops());
  Peer listener = on_loop(loops, 1);
  listener.send(order('S'));
  EXPECT_EQ(listener.line(), "listening\n");
  {
    Peer leaving = loops.connect();
    leaving.send(order('M', 1) + order('L', 1, "short-lived\n"));
  }
  EXPECT_EQ(listener.line(), "short-lived\n");
  EXPECT_TRUE(loops.eventually([&] { return loops.group().totals().open == 1; }));
}

TEST(Mesh, LettersCrossLoopsInOrder) {
  TestLoops loops(two_loops());
  Peer from = on_loop(loops, 0);
  Peer to = on_loop(loops, 1);
  to.send(order('S'));
  EXPECT_EQ(to.line(), "listening\n");
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = std::to_string(i) + "\n";
    from.send(order('L', 1, text));
    expected += text;
  }
  EXPECT_EQ(to.receive(expected.size()), expected);
}

TEST(Mesh, WhenEnoughWasSaidTheRestOfABatchWaitsForTheNextIterations) {
  TestLoops loops(two_loops());
  Peer from = on_loop(loops, 0);
  Peer to = on_loop(loops, 1);
  to.send(order('S'));
  EXPECT_EQ(to.line(), "listening\n");
  const ScopeExit restore([] { letters_per_turn = 0; });
  letters_per_turn = 10;
  std::string letters, expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string text = std::to_string(i) + "\n";
    letters += order('L', 1, text);
    expected += text;
  }
  from.send(letters);
  EXPECT_EQ(to.receive(expected.size()), expected);
  EXPECT_EQ(watches[1].largest_turn, 10u);
}

TEST(Mesh, MailToTheOwnLoopIsHandledWithoutAnotherEvent) {
  TestLoops loops;
  Peer peer = loops.connect();
  peer.send(order('S'));
  EXPECT_EQ(peer.line(), "listening\n");
  peer.send(order('R', 0, "to myself\n"));
  EXPECT_EQ(peer.line(), "to myself\n");
}

TEST(Mesh, WithoutCreditPublishersStopAndGoOnWhenItReturns) {
  TestLoops::Options options = two_loops();
  options.mesh.credit_bytes = 64'000;
  options.limits.read_per_socket = 16'384;
  options.limits.read_per_iteration = 16'384;
  TestLoops loops(options);
  Peer from = on_loop(loops, 0);
  Peer to = on_loop(loops, 1);
  to.send(order('S'));
  EXPECT_EQ(to.line(), "listening\n");
  std::string flood;
  for (int i = 0; i < 2000; ++i) flood += order('L', 1, std::string(1000, 'l'));
  StandStill receiver(loops, 1);
  std::thread sender([&] { from.send(flood); });
  const auto has_stopped = [&] {
    loops.come_round(0);
    return watches[0].credit_lost == 1;
  };
  const SteadyTime deadline = steady_now() + kPatience;
  while (!has_stopped() && steady_now() < deadline) {
  }
  EXPECT_EQ(watches[0].credit_lost, 1);
  EXPECT_EQ(loops.group().totals(0).credits_exhausted, 1u);
  // Overshoot: what one iteration reads.
  EXPECT_LE(loops.group().totals(0).bytes_read, 64'000u + 3 * 16'384u);
  // Acknowledgements and everything else still flow.
  Peer other = on_loop(loops, 0);
  other.send(order('E', "alive\n"));
  EXPECT_EQ(other.line(), "alive\n");
  receiver.end();
  EXPECT_EQ(to.receive(2'000'000).size(), 2'000'000u);
  sender.join();
  EXPECT_TRUE(loops.eventually([] { return watches[0].credit_returned == watches[0].credit_lost; }));
}

TEST(Mesh, CompletionsFromManyThreadsAllArrive) {
  TestLoops loops(two_loops());
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&loops, thread] {
      for (int i = 0; i < 1000; ++i) {
        loops.mesh().complete({static_cast<LoopIndex>(thread % 2), {9999, 1}, 1}, hooks::AuthDecision{});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(loops.eventually([] { return watches[0].completions == 4000 && watches[1].completions == 4000; }));
  EXPECT_EQ(loops.mesh().totals().completions, 8000u);
}

TEST(Mesh, WhatTheStoreSaysUsesTheReservedLane) {
  TestLoops loops(two_loops());
  loops.mesh().post_reserved(1, core::Durable{7});
  EXPECT_TRUE(loops.eventually([] { return watches[1].durable == 1; }));
}

TEST(Mesh, IntentsGoToTheHomeLoopAndAreBounded) {
  TestLoops::Options options = two_loops();
  options.mesh.intents_max = 10;
  TestLoops loops(options);
  EXPECT_TRUE(
      loops.mesh().perform("plugin", hooks::DisconnectIntent{"", "odd", mqtt::ReasonCode::kAdministrativeAction}));
  EXPECT_TRUE(loops.mesh().perform("plugin", hooks::InvalidateIntent{"", "even"}));
  EXPECT_TRUE(loops.eventually([] { return watches[1].intents == 1 && watches[0].intents == 1; }));
  StandStill home(loops, 0);
  int accepted = 0;
  for (int i = 0; i < 30; ++i) accepted += loops.mesh().perform("plugin", hooks::InvalidateIntent{"", "even"}) ? 1 : 0;
  EXPECT_EQ(accepted, 10);
  EXPECT_EQ(loops.mesh().totals().dropped_intents, 20u);
  home.end();
  EXPECT_TRUE(loops.eventually([] { return watches[0].intents == 11; }));
}

TEST(Mesh, AnExecutorRunsTasksInOrderAndRefusesBeyondItsBound) {
  TestLoops::Options options;
  options.mesh.tasks_max = 5;
  TestLoops loops(options);
  Executor& executor = loops.mesh().executor(0);
  StandStill standing(loops, 0);
  std::vector<int> ran;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(executor.post([&ran, i] { ran.push_back(i); }));
  EXPECT_FALSE(executor.post([&ran] { ran.push_back(99); }));
  standing.end();
  std::promise<void> last;
  while (!executor.post([&last] { last.set_value(); })) std::this_thread::yield();
  last.get_future().wait();
  EXPECT_EQ(ran, (std::vector<int>{0, 1, 2, 3, 4}));
}

}  // namespace
}  // namespace mortise::net::test
