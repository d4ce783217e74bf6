#include <stdexcept>

#include "broker/hooks/chain.h"
#include "tests/unit/plugin_host/host_fixture.h"

// R10: every way a hook can fail, under every policy that means something for it, has exactly one outcome.
namespace mortise::plugin_host {
namespace {

using hooks::AuthFailurePolicy;
using hooks::TopicFailurePolicy;

enum class Misbehaviour { kError, kException, kNoDecision, kNeverCompletes, kQueueFull, kStopped };
constexpr Misbehaviour kAll[] = {Misbehaviour::kError,          Misbehaviour::kException, Misbehaviour::kNoDecision,
                                 Misbehaviour::kNeverCompletes, Misbehaviour::kQueueFull, Misbehaviour::kStopped};

const char* name_of(Misbehaviour misbehaviour) {
  switch (misbehaviour) {
    case Misbehaviour::kError:
      return "error";
    case Misbehaviour::kException:
      return "exception";
    case Misbehaviour::kNoDecision:
      return "no decision";
    case Misbehaviour::kNeverCompletes:
      return "never completes";
    case Misbehaviour::kQueueFull:
      return "queue full";
    case Misbehaviour::kStopped:
      return "stopped";
  }
  return "";
}

std::uint32_t answer_pending(std::uint32_t point, mortise_handle call) {
  mortise_handle token = 0;
  if (kTokenService.create(call, 1000, &token) != MORTISE_OK) return MORTISE_E_FAILED;
  if (point == MORTISE_HOOK_AUTH_AUTHENTICATE) {
    mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
    answer.verdict = MORTISE_VERDICT_PENDING;
    answer.token = token;
    return kDecisionService.decide_auth(call, &answer);
  }
  if (point == MORTISE_HOOK_AUTH_AUTHORIZE) {
    mortise_access_decision answer = MORTISE_ACCESS_DECISION_INIT;
    answer.verdict = MORTISE_VERDICT_PENDING;
    answer.token = token;
    return kDecisionService.decide_access(call, &answer);
  }
  if (point == MORTISE_HOOK_AUTH_EXCHANGE) {
    mortise_exchange_decision answer = MORTISE_EXCHANGE_DECISION_INIT;
    answer.verdict = MORTISE_VERDICT_PENDING;
    answer.token = token;
    return kDecisionService.decide_exchange(call, &answer);
  }
  mortise_bind_decision answer = MORTISE_BIND_DECISION_INIT;
  answer.verdict = MORTISE_VERDICT_PENDING;
  answer.token = token;
  return kDecisionService.decide_bind(call, &answer);
}

class FailurePolicy : public HostTest {
 protected:
  void start_with(Misbehaviour misbehaviour, AuthFailurePolicy on_auth, TopicFailurePolicy on_topic) {
    host_.reset();
    settings_ = {};
    // A serial instance asked from another loop needs the queue; without room for one question it is full.
    const char* library = misbehaviour == Misbehaviour::kQueueFull ? "probe-serial-asked" : "probe-concurrent";
    if (misbehaviour == Misbehaviour::kQueueFull) settings_.plugin_tokens_max = 0;
    probe(library, [misbehaviour](std::uint32_t point, mortise_handle call, mortise_handle) -> std::uint32_t {
      if (point < MORTISE_HOOK_AUTH_AUTHENTICATE) return MORTISE_OK;
      if (misbehaviour == Misbehaviour::kError) return MORTISE_E_FAILED;
      if (misbehaviour == Misbehaviour::kException) throw std::runtime_error("no");
      if (misbehaviour == Misbehaviour::kNeverCompletes) return answer_pending(point, call);
      return MORTISE_OK;
    });
    config::PluginSettings& plugin = add("p", library, "at");
    plugin.on_auth_failure = on_auth;
    plugin.on_topic_failure = on_topic;
    must_start();
    if (misbehaviour == Misbehaviour::kStopped) host_->stop();
  }

  /// Walks the chain to its one end; a pending answer runs into its deadline.
  template <class Run, class Request>
  auto outcome(const Request& request) {
    Run run(host_->dispatch(), request);
    const LoopIndex loop = 1;  // not the serial instance's home
    const hooks::Ticket asked = ticket(loop);
    auto decision = run.start(asked, now());
    if (!decision) decision = run.expire(asked, ticket(loop), now());
    EXPECT_TRUE(decision.has_value());
    return *decision;
  }
};

TEST_F(FailurePolicy, auth_denies_goes_on_or_allows_as_the_operator_says_for_every_failure) {
  for (const Misbehaviour misbehaviour : kAll) {
    for (const auto policy : {AuthFailurePolicy::kDeny, AuthFailurePolicy::kNext, AuthFailurePolicy::kAllow}) {
      start_with(misbehaviour, policy, TopicFailurePolicy::kRejectConnection);
      // `next` at the end of the chain denies.
      const auto expected = policy == AuthFailurePolicy::kAllow ? hooks::Verdict::kAllow : hooks::Verdict::kDeny;
      EXPECT_EQ(outcome<hooks::AuthenticateRun>(connect_request()).verdict, expected) << name_of(misbehaviour);
      EXPECT_EQ(outcome<hooks::AuthorizeRun>(access_request()).verdict, expected) << name_of(misbehaviour);
      EXPECT_EQ(outcome<hooks::ExchangeRun>(exchange_request()).verdict, expected) << name_of(misbehaviour);
      EXPECT_EQ(statistics().tokens, 0U) << name_of(misbehaviour);
    }
  }
}

TEST_F(FailurePolicy, auth_that_goes_on_lets_the_next_plugin_decide) {
  for (const Misbehaviour misbehaviour : kAll) {
    if (misbehaviour == Misbehaviour::kStopped) continue;  // stops the second one too
    start_with(misbehaviour, AuthFailurePolicy::kNext, TopicFailurePolicy::kRejectConnection);
    settings_.plugin_tokens_max = 10;
    add("second", "leak", "a");  // allows
    if (misbehaviour == Misbehaviour::kQueueFull) settings_.plugin_tokens_max = 0;
    host_.reset();
    must_start();
    EXPECT_EQ(outcome<hooks::AuthenticateRun>(connect_request()).verdict, hooks::Verdict::kAllow)
        << name_of(misbehaviour);
  }
}

TEST_F(FailurePolicy, topic_rejects_the_connection_or_passes_through_for_every_failure) {
  for (const Misbehaviour misbehaviour : kAll) {
    start_with(misbehaviour, AuthFailurePolicy::kDeny, TopicFailurePolicy::kRejectConnection);
    EXPECT_TRUE(outcome<hooks::BindRun>(bind_request()).is_refused) << name_of(misbehaviour);
    start_with(misbehaviour, AuthFailurePolicy::kDeny, TopicFailurePolicy::kPassthrough);
    const auto passed = outcome<hooks::BindRun>(bind_request());
    EXPECT_FALSE(passed.is_refused) << name_of(misbehaviour);
    EXPECT_FALSE(passed.is_bound) << name_of(misbehaviour);
  }
}

TEST_F(FailurePolicy, a_store_reports_every_failure_and_delivers_nothing) {
  for (const Misbehaviour misbehaviour : {Misbehaviour::kError, Misbehaviour::kException, Misbehaviour::kStopped}) {
    host_.reset();
    settings_ = {};
    probe("probe-concurrent", [misbehaviour](std::uint32_t point, mortise_handle, mortise_handle) -> std::uint32_t {
      if (point < MORTISE_HOOK_AUTH_AUTHENTICATE) return MORTISE_OK;
      if (misbehaviour == Misbehaviour::kException) throw 7;
      return MORTISE_E_NO_SPACE;
    });
    add("p", "probe-concurrent", "s");
    must_start();
    if (misbehaviour == Misbehaviour::kStopped) host_->stop();
    std::size_t delivered = 0;
    const auto sink = [&](ByteView) { return ++delivered != 0; };
    EXPECT_FALSE(store().open().ok()) << name_of(misbehaviour);
    EXPECT_FALSE(store().commit({}, 1, 1).ok()) << name_of(misbehaviour);
    EXPECT_FALSE(store().load(0, sink).ok()) << name_of(misbehaviour);
    EXPECT_FALSE(store().fetch(1, 0, 10, 1000, sink).ok()) << name_of(misbehaviour);
    EXPECT_EQ(delivered, 0U);
  }
}

}  // namespace
}  // namespace mortise::plugin_host
