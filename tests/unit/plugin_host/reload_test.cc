#include <atomic>
#include <functional>
#include <latch>
#include <thread>

#include "tests/unit/plugin_host/host_fixture.h"

// R13: what was started for a reload is asked from then on; what was asked before answers on, and then stops.
namespace mortise::plugin_host {
namespace {

class Reload : public HostTest {
 protected:
  ~Reload() override { host_.reset(); }  // before what its plugins count in
  void start_probe(const char* library, const char* chains = "a") {
    probe(library, [this](std::uint32_t point, mortise_handle call, mortise_handle self) -> std::uint32_t {
      if (point == kProbeStart) {
        ++started_;
        newest_ = self;
        if (on_start_) on_start_(call);
        return fails_ ? MORTISE_E_FAILED : MORTISE_OK;
      }
      if (point == kProbeStop) return ++stopped_, MORTISE_OK;
      if (point == MORTISE_HOOK_EVENT_EVENTS && on_events_) on_events_(call);
      if (point != MORTISE_HOOK_AUTH_AUTHENTICATE) return MORTISE_OK;
      asked_ = self;
      mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
      answer.verdict = MORTISE_VERDICT_ALLOW;
      return kDecisionService.decide_auth(call, &answer);
    });
    add("p", library, chains);
    must_start();
  }
  void pass_loops() {
    for (auto& loop : loops_) loop.run_all();
  }
  Result<std::unique_ptr<PluginHost::Next>> prepare() {
    return host_->prepare(std::make_shared<const config::Settings>(settings_));
  }

  /// What is left of instances of before when their own threads have ended.
  std::size_t retire_all() {
    std::size_t left = host_->retire();
    for (const auto deadline = steady_now() + 10s; left > 0 && steady_now() < deadline; left = host_->retire())
      std::this_thread::yield();
    return left;
  }

  std::function<void(mortise_handle)> on_start_, on_events_;
  std::atomic<int> started_{0}, stopped_{0};
  std::atomic<mortise_handle> newest_{0}, asked_{0};
  bool fails_ = false;
};

TEST_F(Reload, what_is_new_is_asked_and_what_was_is_stopped_when_nobody_asks_it_and_the_loops_have_passed) {
  start_probe("probe-concurrent");
  hooks::DispatchPtr held = host_->dispatch();
  auto next = prepare();
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ(started_, 2);
  host_->use(std::move(*next));
  auth().authenticate(connect_request(), ticket(0), now());
  EXPECT_EQ(asked_, newest_);

  EXPECT_EQ(host_->retire(), 1U) << "somebody may still ask";
  ASSERT_NE(decision_of(held->auth[0].hooks->authenticate(connect_request(), ticket(0), now())), nullptr);
  EXPECT_NE(asked_, newest_);
  held.reset();
  EXPECT_EQ(host_->retire(), 1U) << "a call may still run on a loop";
  EXPECT_EQ(stopped_, 0);
  pass_loops();
  EXPECT_EQ(retire_all(), 0U);
  EXPECT_EQ(stopped_, 1);
}

TEST_F(Reload, what_cannot_start_leaves_everything_as_it_was) {
  start_probe("probe-concurrent");
  const hooks::DispatchPtr before = host_->dispatch();
  fails_ = true;
  EXPECT_FALSE(prepare());
  EXPECT_EQ(host_->dispatch(), before);
  EXPECT_EQ(retire_all(), 0U);
  fails_ = false;
  {
    auto dropped = prepare();
    ASSERT_TRUE(dropped);
  }
  EXPECT_EQ(stopped_, 1) << "what was started and is not used";
  auth().authenticate(connect_request(), ticket(0), now());
  EXPECT_EQ(host_->descriptions().size(), 1U);
}

TEST_F(Reload, who_came_by_a_listener_that_is_gone_does_not_fall_to_the_chains_of_all) {
  config::ListenerSettings own;
  own.url = "tcp://192.0.2.1:1883";
  own.auth_hooks = {"p"};
  settings_.listeners = {own};
  start_probe("probe-concurrent");
  settings_.listeners.front().url = "tcp://192.0.2.1:1884";
  settings_.hooks.auth.clear();
  auto next = prepare();
  ASSERT_TRUE(next) << next.error().message;
  const hooks::DispatchPtr closed = hooks::dispatch_for((*next)->dispatch(), "tcp://192.0.2.1:1883");
  ASSERT_EQ(closed->auth.size(), 1U);
  EXPECT_EQ(closed->auth.front().hooks, nullptr);
  EXPECT_EQ(closed->auth.front().on_failure, hooks::AuthFailurePolicy::kDeny);
  ASSERT_EQ(closed->topic.size(), 1U);
  EXPECT_EQ(closed->topic.front().on_failure, hooks::TopicFailurePolicy::kRejectConnection);
  host_->use(std::move(*next));
  auto again = prepare();
  ASSERT_TRUE(again);
  EXPECT_FALSE(hooks::dispatch_for((*again)->dispatch(), "tcp://192.0.2.1:1883")->auth.empty())
      << "nor after the next one";
  host_->retire();
  pass_loops();
  EXPECT_EQ(retire_all(), 0U);
}

TEST_F(Reload, too_many_that_still_answer_are_a_reason_to_wait) {
  start_probe("probe-concurrent");
  std::vector<hooks::DispatchPtr> held;
  for (int i = 0; i < 8; ++i) {
    held.push_back(host_->dispatch());
    auto next = prepare();
    ASSERT_TRUE(next);
    host_->use(std::move(*next));
  }
  const auto refused = prepare();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("still owe answers"), std::string::npos);
  held.clear();
  host_->retire();
  pass_loops();
  EXPECT_EQ(retire_all(), 0U);
  EXPECT_EQ(stopped_, 8);
  EXPECT_TRUE(prepare());
}

TEST_F(Reload, a_hop_of_a_serial_instance_is_not_called_once_it_is_to_stop) {
  start_probe("probe-serial-asked");
  const auto answer = auth().authenticate(connect_request(), ticket(1), now());
  ASSERT_TRUE(std::holds_alternative<hooks::Pending>(answer));
  auto next = prepare();
  ASSERT_TRUE(next);
  host_->use(std::move(*next));
  host_->retire();
  pass_loops();
  EXPECT_EQ(retire_all(), 0U);
  EXPECT_EQ(asked_, 0U);
  ASSERT_EQ(completions_.all().size(), 1U);
  EXPECT_EQ(std::get<hooks::FailureKind>(completions_.all()[0].second), hooks::FailureKind::kNotLoaded);
}

TEST_F(Reload, what_an_instance_asks_for_in_on_start_is_done_when_it_is_used_or_never) {
  on_start_ = [](mortise_handle call) {
    EXPECT_EQ(kIntentService.invalidate(call, {nullptr, 0}, mortise_text("alice-1")), MORTISE_OK);
  };
  start_probe("probe-concurrent");
  EXPECT_EQ(intents_.all().size(), 1U) << "the first is in use at once";
  {
    const auto dropped = prepare();
    ASSERT_TRUE(dropped);
  }
  auto next = prepare();
  ASSERT_TRUE(next);
  EXPECT_EQ(intents_.all().size(), 1U);
  host_->use(std::move(*next));
  EXPECT_EQ(intents_.all().size(), 2U);
}

TEST_F(Reload, an_instance_that_is_not_used_yet_keeps_only_so_much_of_what_it_asks_for) {
  std::atomic<mortise_handle> self{0};
  start_probe("probe-concurrent");
  auto next = prepare();
  ASSERT_TRUE(next);
  self = newest_.load();
  for (int i = 0; i < 70; ++i)  // one of its own threads
    EXPECT_EQ(kIntentService.invalidate(self, {nullptr, 0}, mortise_text("alice-1")), MORTISE_OK);
  EXPECT_TRUE(intents_.all().empty());
  host_->use(std::move(*next));
  EXPECT_EQ(intents_.all().size(), 64U);
  EXPECT_EQ(statistics().intents_dropped, 6U);
}

TEST_F(Reload, an_event_plugin_of_before_is_told_what_waits_for_it_and_holds_up_nobody) {
  std::latch entered(1), go_on(1);
  std::atomic<int> told{0};
  on_events_ = [&](mortise_handle call) {
    if (told == 0) entered.count_down();
    go_on.wait();
    std::uint64_t count = 0;
    EXPECT_EQ(kViewService.get_count(call, MORTISE_FIELD_EVENTS_EVENT, &count), MORTISE_OK);
    told += static_cast<int>(count);
  };
  start_probe("probe-concurrent", "ae");
  event().emit({});
  entered.wait();
  for (int i = 0; i < 9; ++i) event().emit({});
  auto next = prepare();
  ASSERT_TRUE(next);
  host_->use(std::move(*next));
  EXPECT_EQ(host_->retire(), 1U);
  go_on.count_down();
  while (host_->retire() > 0) {
    pass_loops();
    std::this_thread::yield();
  }
  EXPECT_EQ(told, 10);
}

TEST_F(Reload, an_event_plugin_of_before_that_takes_no_events_is_stopped_all_the_same) {
  std::latch entered(1), go_on(1);
  std::atomic<int> told{0};
  on_events_ = [&](mortise_handle) {
    if (told++ == 0) entered.count_down();
    go_on.wait();
  };
  start_probe("probe-concurrent", "ae");
  event().emit({});
  entered.wait();
  event().emit({});
  auto next = prepare();
  ASSERT_TRUE(next);
  host_->use(std::move(*next));
  EXPECT_EQ(host_->retire(), 1U);
  EXPECT_EQ(host_->retire(steady_now() + Seconds(6)), 1U) << "its time is over";
  pass_loops();
  EXPECT_EQ(host_->retire(steady_now() + Seconds(6)), 1U) << "nobody waits for its thread";
  EXPECT_EQ(stopped_, 0);
  go_on.count_down();
  EXPECT_EQ(retire_all(), 0U);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(stopped_, 1);
}

}  // namespace
}  // namespace mortise::plugin_host
