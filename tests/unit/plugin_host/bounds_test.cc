#include "broker/plugin_host/calling.h"
#include "tests/unit/allocated_bytes.h"
#include "tests/unit/plugin_host/host_fixture.h"

// What one plugin can make grow, walked to its limit and ten times beyond: E_QUOTA, one more refusal of that name each
// time, and memory where it was at the limit.
namespace mortise::plugin_host {
namespace {

using Refusals = std::map<std::string, std::uint64_t>;

class PluginBounds : public HostTest {
 protected:
  void in_call(std::uint32_t wanted, std::function<std::uint32_t(mortise_handle call, mortise_handle self)> body) {
    probe("probe-concurrent",
          [wanted, body = std::move(body)](std::uint32_t point, mortise_handle call, mortise_handle self)
              -> std::uint32_t { return point == wanted ? body(call, self) : std::uint32_t{MORTISE_OK}; });
    add("p", "probe-concurrent", "a");
    must_start();
  }
};

TEST_F(PluginBounds, pending_tokens_end_at_tokens_max_and_the_question_fails_by_its_policy) {
  settings_.plugin_tokens_max = 10;
  in_call(MORTISE_HOOK_AUTH_AUTHENTICATE, [](mortise_handle call, mortise_handle) -> std::uint32_t {
    mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
    if (kTokenService.create(call, 60'000, &answer.token) != MORTISE_OK) return MORTISE_E_FAILED;
    answer.verdict = MORTISE_VERDICT_PENDING;
    return kDecisionService.decide_auth(call, &answer);
  });
  const auto is_pending = [&] { return std::holds_alternative<hooks::Pending>(authenticate()); };
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(is_pending());
  EXPECT_FALSE(is_pending());
  const mortise::testing::Growth beyond;
  for (int i = 0; i < 99; ++i) EXPECT_FALSE(is_pending());
  EXPECT_LT(beyond.bytes(), 4096);
  EXPECT_EQ(statistics().tokens, 10U);
  EXPECT_EQ(statistics().refusals, (Refusals{{"tokens", 100}}));
}

TEST_F(PluginBounds, retained_handles_end_at_their_quota) {
  in_call(MORTISE_HOOK_AUTH_AUTHENTICATE, [](mortise_handle call, mortise_handle) {
    mortise_handle kept = 0;
    (void)kCoreService.retain(call, &kept);
    return decide_auth(call, MORTISE_VERDICT_ALLOW);
  });
  for (std::size_t i = 0; i < InstanceLimits().owned_handles; ++i) (void)authenticate();
  const mortise::testing::Growth beyond;
  for (std::size_t i = 0; i < InstanceLimits().owned_handles; ++i) (void)authenticate();
  EXPECT_LT(beyond.bytes(), 4096);
  EXPECT_EQ(statistics().owned_handles, InstanceLimits().owned_handles);
  EXPECT_EQ(statistics().refusals, (Refusals{{"handles", InstanceLimits().owned_handles}}));
  host_->stop();
}

TEST_F(PluginBounds, timers_counters_intents_and_log_lines_end_at_their_quotas) {
  std::uint64_t logged = 0;
  in_call(MORTISE_HOOK_AUTH_AUTHENTICATE, [&](mortise_handle call, mortise_handle self) {
    for (std::uint64_t id = 1; id <= 10'240; ++id) (void)kIntentService.set_timer(self, 3'600'000, id);
    for (int i = 0; i < 2560; ++i) {
      const std::string name = "c" + std::to_string(i);
      (void)kCoreService.counter_add(self, {name.data(), name.size()}, 1);
    }
    for (int i = 0; i < 640; ++i) (void)kIntentService.cancel_timer(call, 1);
    for (int i = 0; i < 1000; ++i)
      logged += kCoreService.log(self, MORTISE_LOG_WARNING, mortise_text("again")) == MORTISE_OK ? 1 : 0;
    return decide_auth(call, MORTISE_VERDICT_ALLOW);
  });
  (void)authenticate();
  Refusals refusals = statistics().refusals;
  EXPECT_EQ(refusals["log_lines"], 1000 - logged);
  EXPECT_GT(refusals["log_lines"], 0U);
  refusals.erase("log_lines");
  EXPECT_EQ(refusals, (Refusals{{"timers", 10'240 - 1024}, {"counters", 2560 - 256}, {"intents", 640 - 64}}));
}

TEST_F(PluginBounds, what_was_shown_stays_poison_as_long_as_its_quota_has_room) {
  int shown = 0;
  in_call(MORTISE_HOOK_AUTH_AUTHORIZE, [&](mortise_handle call, mortise_handle) {
    mortise_bytes payload{};
    shown += kViewService.map(call, MORTISE_FIELD_ACCESS_PAYLOAD, &payload) == MORTISE_OK ? 1 : 0;
    return decide_access(call, MORTISE_VERDICT_ALLOW);
  });
  const std::string megabyte(1U << 20, 'x');
  mqtt::MessageView fields;
  fields.topic = "t";
  fields.payload = as_bytes(megabyte);
  auto request = std::make_shared<hooks::AccessRequest>(*access_request());
  request->message = mqtt::Message::make(fields);
  const auto show = [&](int times) {
    for (int i = 0; i < times; ++i) (void)auth().authorize(request, ticket(), now());
  };
  const mortise::testing::Growth all;
  show(20);
  const mortise::testing::Growth beyond;
  // 64 calls would keep 64 MiB of poison; what is shown now comes before what was.
  show(200);
  EXPECT_EQ(shown, 220);
  EXPECT_LT(beyond.bytes(), 2 << 20);
  EXPECT_LT(all.bytes(), static_cast<std::ptrdiff_t>(InstanceLimits().view_bytes) + 4096);
}

}  // namespace
}  // namespace mortise::plugin_host
