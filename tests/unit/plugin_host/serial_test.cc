#include <atomic>
#include <thread>

#include "tests/unit/plugin_host/host_fixture.h"

// R15: a serial instance sees one call at a time, on one thread; the others wait for a hop.
namespace mortise::plugin_host {
namespace {

class Serial : public HostTest {
 protected:
  void start_probe(std::uint32_t verdict, Millis token_deadline = 60s, bool answers_pending = false) {
    settings_.plugin_token_deadline_max = token_deadline;
    probe("probe-serial-asked",
          [=, this](std::uint32_t point, mortise_handle call, mortise_handle self) -> std::uint32_t {
            if (point != MORTISE_HOOK_AUTH_AUTHENTICATE) return MORTISE_OK;
            ++calls_;
            self_ = self;
            mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
            answer.verdict = verdict;
            if (answers_pending) {
              answer.verdict = MORTISE_VERDICT_PENDING;
              if (kTokenService.create(call, 20, &token_) != MORTISE_OK) return MORTISE_E_FAILED;
              answer.token = token_;
            }
            return kDecisionService.decide_auth(call, &answer);
          });
    add("p", "probe-serial-asked", "a");  // the first plugin: its home is loop 0
    must_start();
  }

  std::uint32_t complete(std::uint32_t verdict) {
    mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
    answer.verdict = verdict;
    return kTokenService.complete_auth(self_, token_, &answer);
  }

  std::atomic<int> calls_{0};
  mortise_handle self_ = 0;
  mortise_handle token_ = 0;
};

TEST_F(Serial, is_called_there_and_then_on_its_home_loop) {
  start_probe(MORTISE_VERDICT_ALLOW);
  const auto answer = auth().authenticate(connect_request(), ticket(0), now());
  ASSERT_NE(decision_of(answer), nullptr);
  EXPECT_EQ(decision_of(answer)->verdict, hooks::Verdict::kAllow);
}

TEST_F(Serial, is_asked_from_another_loop_by_a_hop_and_answers_the_ticket) {
  start_probe(MORTISE_VERDICT_ALLOW);
  const hooks::Ticket asked = ticket(1);
  const Now when = now();
  const auto answer = auth().authenticate(connect_request(), asked, when);
  ASSERT_TRUE(std::holds_alternative<hooks::Pending>(answer));
  EXPECT_EQ(std::get<hooks::Pending>(answer).deadline, when.steady + 60s);
  EXPECT_EQ(calls_, 0);
  EXPECT_EQ(loops_[0].run_all(), 1U);
  ASSERT_EQ(completions_.all().size(), 1U);
  EXPECT_EQ(completions_.all()[0].first, asked);
  EXPECT_EQ(std::get<hooks::AuthDecision>(completions_.all()[0].second).verdict, hooks::Verdict::kAllow);
}

TEST_F(Serial, is_not_called_for_a_question_that_was_given_up_before_its_turn) {
  start_probe(MORTISE_VERDICT_ALLOW);
  const hooks::Ticket cancelled = ticket(1);
  const hooks::Ticket expired = ticket(1);
  (void)auth().authenticate(connect_request(), cancelled, now());
  (void)auth().authenticate(connect_request(), expired, now());
  auth().cancel(cancelled);
  EXPECT_TRUE(auth().expire(expired));
  loops_[0].run_all();
  EXPECT_EQ(calls_, 0);
  EXPECT_TRUE(completions_.all().empty());
}

TEST_F(Serial, lets_a_tokens_own_deadline_end_a_question_that_came_by_a_hop) {
  start_probe(MORTISE_VERDICT_ALLOW, 60s, true);
  const hooks::Ticket asked = ticket(1);
  (void)auth().authenticate(connect_request(), asked, now());
  loops_[0].run_all();
  ASSERT_TRUE(completions_.wait_for(1));  // after the token's 20 ms, not the host's 60 s
  EXPECT_EQ(std::get<hooks::FailureKind>(completions_.all()[0].second), hooks::FailureKind::kDeadline);
  EXPECT_EQ(status(complete(MORTISE_VERDICT_ALLOW)), "E_TIMED_OUT");
  EXPECT_FALSE(auth().expire(asked));
}

TEST_F(Serial, completes_a_token_of_a_question_that_came_by_a_hop) {
  start_probe(MORTISE_VERDICT_ALLOW, 60s, true);
  (void)auth().authenticate(connect_request(), ticket(1), now());
  loops_[0].run_all();
  const std::uint32_t told = complete(MORTISE_VERDICT_ALLOW);
  ASSERT_TRUE(completions_.wait_for(1));
  EXPECT_EQ(completions_.all().size(), 1U);
  const bool was_ok = std::holds_alternative<hooks::AuthDecision>(completions_.all()[0].second);
  EXPECT_EQ(status(told), was_ok ? "OK" : "E_TIMED_OUT");
}

TEST_F(Serial, answers_not_loaded_when_it_stopped_before_a_hopped_question_had_its_turn) {
  start_probe(MORTISE_VERDICT_ALLOW);
  (void)auth().authenticate(connect_request(), ticket(1), now());
  host_->stop();
  loops_[0].run_all();
  EXPECT_EQ(calls_, 0);
  const auto after = auth().authenticate(connect_request(), ticket(0), now());
  EXPECT_EQ(failure_of(after), "not loaded");
}

TEST_F(Serial, with_events_and_a_store_is_called_on_one_thread_of_its_own_and_never_twice_at_once) {
  std::atomic<int> inside{0};
  std::atomic<bool> overlapped{false};
  std::mutex mutex;
  std::vector<std::thread::id> threads;
  probe("probe-serial", [&](std::uint32_t point, mortise_handle call, mortise_handle) -> std::uint32_t {
    if (point < MORTISE_HOOK_AUTH_AUTHENTICATE) return MORTISE_OK;
    if (++inside != 1) overlapped = true;
    {
      const std::lock_guard lock(mutex);
      threads.push_back(std::this_thread::get_id());
    }
    --inside;
    return point == MORTISE_HOOK_AUTH_AUTHENTICATE ? decide_auth(call, MORTISE_VERDICT_ALLOW) : MORTISE_OK;
  });
  add("p", "probe-serial", "aes");
  must_start();
  std::thread store_thread([&] {
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(store().commit({}, 1, 1).ok());
  });
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(std::holds_alternative<hooks::Pending>(auth().authenticate(connect_request(), ticket(0), now())));
    event().emit({});
  }
  store_thread.join();
  ASSERT_TRUE(completions_.wait_for(50));
  host_->stop();
  EXPECT_FALSE(overlapped);
  ASSERT_FALSE(threads.empty());
  for (const std::thread::id id : threads) EXPECT_EQ(id, threads.front());
}

TEST_F(Serial, tells_the_store_when_it_stops_instead_of_letting_it_wait) {
  add("p", "probe-serial", "s");
  must_start();
  host_->stop();
  EXPECT_FALSE(store().commit({}, 1, 1).ok());
}

}  // namespace
}  // namespace mortise::plugin_host
