#include <gmock/gmock.h>

#include <atomic>

#include "tests/unit/plugin_host/host_fixture.h"

// auth.exchange and auth.exchange_ended: what a plugin is shown of a step, what it may answer, when it is told of an
// end.
namespace mortise::plugin_host {
namespace {

using ::testing::ElementsAre;

mortise_exchange_decision answer(std::uint32_t verdict) {
  mortise_exchange_decision made = MORTISE_EXCHANGE_DECISION_INIT;
  made.verdict = verdict;
  return made;
}

class ExchangeHooks : public HostTest {
 protected:
  using Hook = std::function<std::uint32_t(mortise_handle call, mortise_handle self)>;
  /// Starts a probe that answers exchange by `hook` and notes the ends it is told of.
  void start_probe(Hook hook, const std::string& library = "probe-concurrent") {
    probe(library, [this, hook = std::move(hook)](std::uint32_t point, mortise_handle call, mortise_handle self) {
      if (point == MORTISE_HOOK_AUTH_EXCHANGE_ENDED) ended_.push_back(read_number(call, MORTISE_FIELD_EXCHANGE_END_ID));
      return point == MORTISE_HOOK_AUTH_EXCHANGE ? hook(call, self) : std::uint32_t{MORTISE_OK};
    });
    add("p", library, "a");
    must_start();
  }
  hooks::Answer<hooks::ExchangeDecision> ask(hooks::ExchangeRequestPtr request = exchange_request()) {
    return auth().exchange(request, ticket(request->loop), now());
  }

  std::vector<std::uint64_t> ended_;
};

TEST_F(ExchangeHooks, a_step_of_connect_shows_what_the_client_claims) {
  std::vector<std::string> seen;
  start_probe([&](mortise_handle call, mortise_handle) {
    EXPECT_EQ(read_number(call, MORTISE_FIELD_EXCHANGE_ID), 42U);
    EXPECT_EQ(read_number(call, MORTISE_FIELD_EXCHANGE_STEP), 3U);
    EXPECT_EQ(read_number(call, MORTISE_FIELD_EXCHANGE_REASON), MORTISE_EXCHANGE_CONNECT);
    for (const std::uint32_t field :
         {MORTISE_FIELD_EXCHANGE_AUTHENTICATION_METHOD, MORTISE_FIELD_EXCHANGE_AUTHENTICATION_DATA,
          MORTISE_FIELD_EXCHANGE_CLIENT_ID, MORTISE_FIELD_EXCHANGE_NAME_SPACE}) {
      seen.push_back(read_text(call, field));
    }
    const auto next = answer(MORTISE_VERDICT_NEXT);
    return kDecisionService.decide_exchange(call, &next);
  });
  ASSERT_NE(decision_of(ask(exchange_request(3))), nullptr);
  EXPECT_THAT(seen, ElementsAre("SCRAM-SHA-256", "n,,n=alice", "alice-1", "E_ABSENT"));
}

TEST_F(ExchangeHooks, a_step_of_a_re_authentication_shows_who_is_connected) {
  std::vector<std::string> seen;
  start_probe([&](mortise_handle call, mortise_handle) {
    EXPECT_EQ(read_number(call, MORTISE_FIELD_EXCHANGE_REASON), MORTISE_EXCHANGE_REAUTHENTICATE);
    for (const std::uint32_t field : {MORTISE_FIELD_EXCHANGE_CLIENT_ID, MORTISE_FIELD_EXCHANGE_USER_NAME,
                                      MORTISE_FIELD_EXCHANGE_NAME_SPACE, MORTISE_FIELD_EXCHANGE_AUTHENTICATION_DATA}) {
      seen.push_back(read_text(call, field));
    }
    const auto next = answer(MORTISE_VERDICT_NEXT);
    return kDecisionService.decide_exchange(call, &next);
  });
  auto request = std::make_shared<hooks::ExchangeRequest>();
  request->principal = principal();
  ASSERT_NE(decision_of(ask(request)), nullptr);
  EXPECT_THAT(seen, ElementsAre("alice-1", *principal()->user_name, principal()->name_space, "E_ABSENT"));
}

TEST_F(ExchangeHooks, a_continue_and_an_allow_carry_authentication_data) {
  for (const std::uint32_t verdict : {MORTISE_VERDICT_CONTINUE, MORTISE_VERDICT_ALLOW}) {
    host_.reset();
    settings_ = {};
    start_probe([&](mortise_handle call, mortise_handle) {
      auto made = answer(verdict);
      made.flags = MORTISE_AUTH_HAS_AUTHENTICATION_DATA;
      made.authentication_data = MORTISE_TEXT("r=nonce");
      if (verdict == MORTISE_VERDICT_ALLOW) {
        made.flags |= MORTISE_AUTH_HAS_USER_NAME | MORTISE_AUTH_HAS_SESSION_EXPIRY_MAX;
        made.user_name = MORTISE_TEXT("alice");
        made.session_expiry_max_s = 60;
      }
      return kDecisionService.decide_exchange(call, &made);
    });
    const auto got = ask();
    ASSERT_NE(decision_of(got), nullptr);
    EXPECT_EQ(decision_of(got)->authentication_data, "r=nonce");
    if (verdict == MORTISE_VERDICT_CONTINUE) {
      EXPECT_EQ(decision_of(got)->verdict, hooks::Verdict::kContinue);
    } else {
      EXPECT_EQ(decision_of(got)->user_name, "alice");
      EXPECT_EQ(decision_of(got)->session_expiry_maximum, Seconds(60));
    }
  }
}

TEST_F(ExchangeHooks, a_decision_that_makes_no_sense_is_refused) {
  std::vector<std::string> got;
  start_probe([&](mortise_handle call, mortise_handle) {
    const auto give = [&](mortise_exchange_decision made) {
      got.push_back(status(kDecisionService.decide_exchange(call, &made)));
    };
    auto made = answer(MORTISE_VERDICT_DENY);
    made.flags = MORTISE_AUTH_HAS_AUTHENTICATION_DATA;
    give(made);  // nobody would be sent it
    made = answer(MORTISE_VERDICT_CONTINUE);
    made.authentication_data = MORTISE_TEXT("without its bit");
    give(made);
    made = answer(MORTISE_VERDICT_CONTINUE);
    made.flags = MORTISE_AUTH_HAS_USER_NAME;
    give(made);  // who it is, is only known in the end
    made = answer(MORTISE_VERDICT_ALLOW);
    made.flags = 64;
    give(made);
    const std::string large(MORTISE_MAX_AUTHENTICATION_DATA_BYTES + 1, 'x');
    made = answer(MORTISE_VERDICT_CONTINUE);
    made.flags = MORTISE_AUTH_HAS_AUTHENTICATION_DATA;
    made.authentication_data = {large.data(), large.size()};
    give(made);
    give(answer(MORTISE_VERDICT_BOUND));
    give(answer(MORTISE_VERDICT_CONTINUE + 1));
    made = answer(MORTISE_VERDICT_DENY);
    made.reason_code = 0x18;
    give(made);
    // An answer to another question.
    mortise_auth_decision other = MORTISE_AUTH_DECISION_INIT;
    other.verdict = MORTISE_VERDICT_ALLOW;
    got.push_back(status(kDecisionService.decide_auth(call, &other)));
    give(answer(MORTISE_VERDICT_DENY));
    return std::uint32_t{MORTISE_OK};
  });
  ASSERT_NE(decision_of(ask()), nullptr);
  EXPECT_THAT(got, ElementsAre("E_INVALID", "E_INVALID", "E_INVALID", "E_INVALID", "E_RANGE", "E_ILLEGAL", "E_INVALID",
                               "E_INVALID", "E_WRONG_KIND", "OK"));
}

TEST_F(ExchangeHooks, continue_is_no_answer_of_authenticate) {
  std::string got;
  probe("probe-concurrent", [&](std::uint32_t point, mortise_handle call, mortise_handle) -> std::uint32_t {
    if (point != MORTISE_HOOK_AUTH_AUTHENTICATE) return MORTISE_OK;
    mortise_auth_decision made = MORTISE_AUTH_DECISION_INIT;
    made.verdict = MORTISE_VERDICT_CONTINUE;
    got = status(kDecisionService.decide_auth(call, &made));
    return decide_auth(call, MORTISE_VERDICT_NEXT);
  });
  add("p", "probe-concurrent", "a");
  must_start();
  (void)authenticate();
  EXPECT_EQ(got, "E_ILLEGAL");
}

TEST_F(ExchangeHooks, a_token_answers_later_and_only_its_own_kind_of_question) {
  mortise_handle token = 0;
  mortise_handle self = 0;
  start_probe([&](mortise_handle call, mortise_handle instance) {
    self = instance;
    EXPECT_EQ(kTokenService.create(call, 1000, &token), MORTISE_OK);
    auto made = answer(MORTISE_VERDICT_PENDING);
    made.token = token;
    return kDecisionService.decide_exchange(call, &made);
  });
  ASSERT_TRUE(std::holds_alternative<hooks::Pending>(ask()));
  mortise_auth_decision other = MORTISE_AUTH_DECISION_INIT;
  other.verdict = MORTISE_VERDICT_ALLOW;
  EXPECT_EQ(status(kTokenService.complete_auth(self, token, &other)), "E_ILLEGAL");
  auto made = answer(MORTISE_VERDICT_CONTINUE);
  made.flags = MORTISE_AUTH_HAS_AUTHENTICATION_DATA;
  made.authentication_data = MORTISE_TEXT("later");
  EXPECT_EQ(status(kTokenService.complete_exchange(self, token, &made)), "OK");
  ASSERT_TRUE(completions_.wait_for(1));
  const auto completed = completions_.all();
  const auto* decision = std::get_if<hooks::ExchangeDecision>(&completed[0].second);
  ASSERT_NE(decision, nullptr);
  EXPECT_EQ(decision->verdict, hooks::Verdict::kContinue);
  EXPECT_EQ(decision->authentication_data, "later");
}

TEST_F(ExchangeHooks, an_end_is_told_there_and_then_to_a_concurrent_plugin) {
  start_probe([](mortise_handle, mortise_handle) { return std::uint32_t{MORTISE_OK}; });
  auth().exchange_ended(*exchange_request());
  EXPECT_THAT(ended_, ElementsAre(42U));
}

TEST_F(ExchangeHooks, an_end_reaches_a_serial_plugin_behind_the_question_it_is_about) {
  std::atomic<int> asked{0};
  start_probe(
      [&](mortise_handle call, mortise_handle) {
        ++asked;
        const auto next = answer(MORTISE_VERDICT_CONTINUE);
        return kDecisionService.decide_exchange(call, &next);
      },
      "probe-serial-asked");
  const auto request = exchange_request(1, 1);  // not its home loop
  const hooks::Ticket asked_with = ticket(1);
  ASSERT_TRUE(std::holds_alternative<hooks::Pending>(auth().exchange(request, asked_with, now())));
  auth().exchange_ended(*request);
  EXPECT_THAT(ended_, ElementsAre());
  loops_[0].run_all();
  EXPECT_EQ(asked, 1);
  EXPECT_THAT(ended_, ElementsAre(42U));

  // Whom nobody waits for is not asked, but told.
  const hooks::Ticket cancelled = ticket(1);
  ASSERT_TRUE(std::holds_alternative<hooks::Pending>(auth().exchange(request, cancelled, now())));
  auth().cancel(cancelled);
  auth().exchange_ended(*request);
  loops_[0].run_all();
  EXPECT_EQ(asked, 1);
  EXPECT_THAT(ended_, ElementsAre(42U, 42U));
}

TEST_F(ExchangeHooks, a_stopped_plugin_is_told_nothing) {
  start_probe([](mortise_handle, mortise_handle) { return std::uint32_t{MORTISE_OK}; });
  const auto request = exchange_request();
  hooks::AuthHooks& hooks = auth();
  const auto kept = host_->dispatch();
  host_->stop();
  hooks.exchange_ended(*request);
  EXPECT_THAT(ended_, ElementsAre());
}

TEST_F(ExchangeHooks, a_plugin_without_the_hook_is_not_asked) {
  add("p", "leak", "a");
  must_start();
  EXPECT_FALSE(auth().has_exchange());
  auth().exchange_ended(*exchange_request());  // nothing happens
}

}  // namespace
}  // namespace mortise::plugin_host
