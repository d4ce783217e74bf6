#include "broker/plugin_host/pending_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

#include "broker/plugin_host/call_points.h"

namespace mortise::plugin_host {
namespace {

using State = PendingTable::Armed::State;

hooks::Ticket ticket(std::uint32_t question) { return {0, {1, 1}, question}; }

hooks::Resolution allow() {
  hooks::AuthDecision decision;
  decision.verdict = hooks::Verdict::kAllow;
  return decision;
}

mortise_handle pending_token(PendingTable& table, const hooks::Ticket& asked) {
  mortise_handle token = 0;
  EXPECT_EQ(table.create(kAuthenticate, steady_now() + 1s, false, token), MORTISE_OK);
  EXPECT_EQ(table.arm(token, asked, false).state, State::kPending);
  return token;
}

std::uint32_t complete(PendingTable& table, mortise_handle token) {
  return table.complete(token, kAuthenticate, allow()).status;
}

TEST(PendingTable, a_token_ends_exactly_once_and_says_how_ever_after) {
  PendingTable table(900'001, 100);
  const mortise_handle done = pending_token(table, ticket(1));
  EXPECT_EQ(complete(table, done), MORTISE_OK);
  EXPECT_EQ(complete(table, done), MORTISE_E_ALREADY);
  const mortise_handle late = pending_token(table, ticket(2));
  EXPECT_TRUE(table.expire(ticket(2)));
  EXPECT_EQ(complete(table, late), MORTISE_E_TIMED_OUT);
  const mortise_handle left = pending_token(table, ticket(3));
  table.cancel(ticket(3));
  EXPECT_EQ(complete(table, left), MORTISE_E_CANCELLED);
  // The slots are used again meanwhile; what became of the old ones is still known.
  for (std::uint32_t question = 10; question < 40; ++question)
    EXPECT_EQ(complete(table, pending_token(table, ticket(question))), MORTISE_OK);
  EXPECT_EQ(complete(table, done), MORTISE_E_ALREADY);
  EXPECT_EQ(complete(table, late), MORTISE_E_TIMED_OUT);
  EXPECT_EQ(complete(table, left), MORTISE_E_CANCELLED);
  EXPECT_EQ(table.size(), 0U);
}

TEST(PendingTable, tells_made_up_and_foreign_tokens_from_its_own) {
  PendingTable one(900'002, 100);
  PendingTable two(900'003, 100);
  const mortise_handle token = pending_token(one, ticket(1));
  EXPECT_EQ(complete(two, token), MORTISE_E_FOREIGN);
  EXPECT_EQ(complete(one, token + 1), MORTISE_E_FORGED);
  EXPECT_EQ(complete(one, token ^ (std::uint64_t{1} << 63)), MORTISE_E_WRONG_KIND);
  EXPECT_EQ(complete(one, 0), MORTISE_E_NULL);
  EXPECT_EQ(complete(one, token), MORTISE_OK);
}

TEST(PendingTable, another_kind_of_question_does_not_end_a_token) {
  PendingTable table(900'004, 100);
  const mortise_handle token = pending_token(table, ticket(1));
  EXPECT_EQ(table.complete(token, kBind, allow()).status, MORTISE_E_ILLEGAL);
  EXPECT_EQ(complete(table, token), MORTISE_OK);
}

TEST(PendingTable, is_bounded_and_free_again_when_tokens_end) {
  PendingTable table(900'005, 2);
  const mortise_handle first = pending_token(table, ticket(1));
  (void)pending_token(table, ticket(2));
  mortise_handle third = 0;
  EXPECT_EQ(table.create(kAuthenticate, steady_now(), false, third), MORTISE_E_QUOTA);
  EXPECT_EQ(complete(table, first), MORTISE_OK);
  EXPECT_EQ(table.create(kAuthenticate, steady_now(), false, third), MORTISE_OK);
}

TEST(PendingTable, closing_cancels_and_refuses_everything) {
  PendingTable table(900'006, 10);
  const mortise_handle token = pending_token(table, ticket(1));
  EXPECT_EQ(table.close(), 1U);
  EXPECT_EQ(complete(table, token), MORTISE_E_CLOSED);
  EXPECT_FALSE(table.open(ticket(2)));
  EXPECT_FALSE(table.expire(ticket(1)));
}

TEST(PendingTable, of_completion_expiry_and_cancellation_at_once_exactly_one_wins) {
  PendingTable table(900'007, 100);
  for (std::uint32_t round = 1; round <= 300; ++round) {
    const hooks::Ticket asked = ticket(round);
    const mortise_handle token = pending_token(table, asked);
    std::atomic<int> delivered{0};
    std::atomic<int> expired{0};
    std::atomic<int> told_ok{0};
    std::barrier start(6);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        const auto completed = table.complete(token, kAuthenticate, allow());
        told_ok += completed.status == MORTISE_OK;
        delivered += completed.deliver_to.has_value();
      });
    }
    threads.emplace_back([&] {
      start.arrive_and_wait();
      expired += table.expire(asked);
    });
    threads.emplace_back([&] {
      start.arrive_and_wait();
      if (round % 2 == 0) table.cancel(asked);
    });
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(told_ok, delivered);
    ASSERT_LE(told_ok + expired, 1);
    if (round % 2 != 0) {
      ASSERT_EQ(told_ok + expired, 1);
    }
    ASSERT_EQ(table.size(), 0U);
  }
}

}  // namespace
}  // namespace mortise::plugin_host
