#include "broker/hooks/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

namespace mortise::hooks {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Now kNow{SteadyTime{std::chrono::hours(1)}, WallTime{std::chrono::hours(1000)}};

AuthDecision auth(Verdict verdict) {
  AuthDecision decision;
  decision.verdict = verdict;
  return decision;
}
AccessDecision access(Verdict verdict, CacheScope scope = CacheScope::kNone, Millis keep = Millis(0)) {
  AccessDecision decision;
  decision.verdict = verdict;
  decision.cache_scope = scope;
  decision.cache_for = keep;
  return decision;
}
BindDecision bind(std::string prefix) {
  BindDecision decision;
  decision.is_bound = true;
  decision.prefix = std::move(prefix);
  return decision;
}

ExchangeDecision exchange_says(Verdict verdict) {
  ExchangeDecision decision;
  decision.verdict = verdict;
  return decision;
}

/// Answers what the test wrote down, in order; expire() and cancel() are noted.
class Scripted final : public AuthHooks, public TopicHooks {
 public:
  bool has_authenticate() const noexcept override { return offers_authenticate; }
  bool has_authorize() const noexcept override { return offers_authorize; }
  Answer<AuthDecision> authenticate(const ConnectRequestPtr&, const Ticket& ticket, Now) override {
    asked.push_back(ticket.question);
    return take(auth_answers);
  }
  Answer<AccessDecision> authorize(const AccessRequestPtr&, const Ticket& ticket, Now) override {
    asked.push_back(ticket.question);
    return take(access_answers);
  }
  Answer<BindDecision> bind(const BindRequestPtr&, const Ticket& ticket, Now) override {
    asked.push_back(ticket.question);
    return take(bind_answers);
  }
  bool has_exchange() const noexcept override { return offers_exchange; }
  Answer<ExchangeDecision> exchange(const ExchangeRequestPtr& request, const Ticket& ticket, Now) override {
    asked.push_back(ticket.question);
    steps.push_back(request->step);
    return take(exchange_answers);
  }
  void exchange_ended(const ExchangeRequest& request) override { ended.push_back(request.exchange); }
  bool expire(const Ticket& ticket) override {
    expired.push_back(ticket.question);
    return is_still_open;
  }
  void cancel(const Ticket& ticket) override { cancelled.push_back(ticket.question); }

  bool offers_authenticate = true, offers_authorize = true, offers_exchange = true, is_still_open = true;
  std::deque<Answer<AuthDecision>> auth_answers;
  std::deque<Answer<AccessDecision>> access_answers;
  std::deque<Answer<BindDecision>> bind_answers;
  std::deque<Answer<ExchangeDecision>> exchange_answers;
  std::vector<std::uint32_t> asked, expired, cancelled, steps;
  std::vector<ExchangeId> ended;

 private:
  template <class T>
  static T take(std::deque<T>& answers) {
    CHECK(!answers.empty());
    T answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
};

Ticket ticket(std::uint32_t question) { return {0, {1, 1}, question}; }

class ChainTest : public ::testing::Test {
 protected:
  ChainTest() {
    for (const auto& plugin : plugins) dispatch->auth.push_back({"p", plugin, AuthFailurePolicy::kDeny});
    for (const auto& plugin : plugins) dispatch->topic.push_back({"p", plugin, TopicFailurePolicy::kRejectConnection});
  }
  AuthenticateRun authenticate() { return {dispatch, std::make_shared<ConnectRequest>()}; }
  AuthorizeRun authorize() { return {dispatch, std::make_shared<AccessRequest>()}; }
  static ExchangeRequestPtr exchange_step(std::uint32_t step) {
    auto request = std::make_shared<ExchangeRequest>();
    request->exchange = 7;
    request->step = step;
    return request;
  }
  ExchangeRun exchange() { return {dispatch, exchange_step(1)}; }
  BindRun bind_run() { return {dispatch, std::make_shared<BindRequest>()}; }

  std::vector<std::shared_ptr<Scripted>> plugins{std::make_shared<Scripted>(), std::make_shared<Scripted>()};
  Scripted& first = *plugins[0];
  Scripted& second = *plugins[1];
  std::shared_ptr<Dispatch> dispatch = std::make_shared<Dispatch>();
};

// ---- authenticate ---------------------------------------------------------------------------------------------------

TEST_F(ChainTest, WithoutAnyAuthenticateHookEverybodyIsLetIn) {
  dispatch->auth.clear();
  EXPECT_EQ(authenticate().start(ticket(1), kNow)->verdict, Verdict::kAllow);
}

TEST_F(ChainTest, TheFirstDecisiveVerdictEndsTheChain) {  // R6
  first.auth_answers = {auth(Verdict::kAllow)};
  EXPECT_EQ(authenticate().start(ticket(1), kNow)->verdict, Verdict::kAllow);
  first.auth_answers = {auth(Verdict::kDeny)};
  EXPECT_EQ(authenticate().start(ticket(1), kNow)->verdict, Verdict::kDeny);
  EXPECT_THAT(second.asked, IsEmpty());
}

TEST_F(ChainTest, TheEndOfTheChainDenies) {  // R6
  first.auth_answers = {auth(Verdict::kNext)};
  second.auth_answers = {auth(Verdict::kNext)};
  const auto decision = authenticate().start(ticket(1), kNow);
  EXPECT_EQ(decision->verdict, Verdict::kDeny);
  EXPECT_EQ(decision->reason, mqtt::ReasonCode::kNotAuthorized);
}

TEST_F(ChainTest, APendingAnswerGoesOnWhereTheChainStopped) {
  first.auth_answers = {Pending{kNow.steady + 1s}};
  second.auth_answers = {Pending{kNow.steady + 2s}};
  AuthenticateRun run = authenticate();
  EXPECT_FALSE(run.start(ticket(1), kNow));
  EXPECT_EQ(run.deadline(), kNow.steady + 1s);
  EXPECT_FALSE(run.resume(auth(Verdict::kNext), ticket(2), kNow));
  EXPECT_EQ(run.deadline(), kNow.steady + 2s);
  EXPECT_EQ(run.resume(auth(Verdict::kAllow), ticket(3), kNow)->verdict, Verdict::kAllow);
  EXPECT_THAT(first.asked, ElementsAre(1));
  EXPECT_THAT(second.asked, ElementsAre(2));
}

TEST_F(ChainTest, AnAnswerToAnotherKindOfQuestionIsABadDecision) {  // R6
  first.auth_answers = {Pending{kNow.steady + 1s}};
  AuthenticateRun run = authenticate();
  run.start(ticket(1), kNow);
  EXPECT_EQ(run.resume(bind("x"), ticket(2), kNow)->verdict, Verdict::kDeny);
}

TEST_F(ChainTest, ADeadlineIsAFailureOnlyWhileTheQuestionIsOpen) {
  first.auth_answers = {Pending{kNow.steady + 1s}};
  AuthenticateRun run = authenticate();
  run.start(ticket(1), kNow);
  first.is_still_open = false;
  EXPECT_FALSE(run.expire(ticket(1), ticket(2), kNow)) << "the answer is already on its way";
  EXPECT_EQ(run.deadline(), kNever);
  EXPECT_EQ(run.resume(auth(Verdict::kAllow), ticket(2), kNow)->verdict, Verdict::kAllow);
}

TEST_F(ChainTest, CancelReachesThePluginThatIsWaitedFor) {
  first.auth_answers = {auth(Verdict::kNext)};
  second.auth_answers = {Pending{kNow.steady + 1s}};
  AuthenticateRun run = authenticate();
  run.start(ticket(4), kNow);
  run.cancel(ticket(4));
  EXPECT_THAT(first.cancelled, IsEmpty());
  EXPECT_THAT(second.cancelled, ElementsAre(4));
}

// ---- Failure x policy (R10) -----------------------------------------------------------------------------------------

constexpr FailureKind kFailures[] = {FailureKind::kError,     FailureKind::kException, FailureKind::kBadDecision,
                                     FailureKind::kDeadline,  FailureKind::kQueueFull, FailureKind::kQuarantined,
                                     FailureKind::kNotLoaded, FailureKind::kCrashed};

TEST_F(ChainTest, EveryFailureOfAuthenticateMeansWhatThePolicySays) {  // R10
  for (const FailureKind failure : kFailures) {
    for (const bool is_pending : {false, true}) {
      const auto outcome = [&](AuthFailurePolicy policy) {
        dispatch->auth[0].on_failure = policy;
        first.auth_answers.clear();
        second.auth_answers = {auth(Verdict::kAllow)};
        if (!is_pending) {
          first.auth_answers = {failure};
          return *authenticate().start(ticket(1), kNow);
        }
        first.auth_answers = {Pending{kNow.steady + 1s}};
        AuthenticateRun run = authenticate();
        run.start(ticket(1), kNow);
        return *run.resume(failure, ticket(2), kNow);
      };
      const AuthDecision denied = outcome(AuthFailurePolicy::kDeny);
      EXPECT_EQ(denied.verdict, Verdict::kDeny) << name_of(failure);
      EXPECT_EQ(denied.reason, mqtt::ReasonCode::kServerUnavailable) << name_of(failure);
      EXPECT_EQ(second.auth_answers.size(), 1u) << "the chain has ended";
      EXPECT_EQ(outcome(AuthFailurePolicy::kNext).verdict, Verdict::kAllow) << name_of(failure);
      EXPECT_EQ(second.auth_answers.size(), 0u) << "the next one was asked";
      EXPECT_EQ(outcome(AuthFailurePolicy::kAllow).verdict, Verdict::kAllow) << name_of(failure);
      EXPECT_EQ(second.auth_answers.size(), 1u) << "the chain has ended";
    }
  }
}

TEST_F(ChainTest, EveryFailureOfAuthorizeMeansWhatThePolicySays) {  // R10
  for (const FailureKind failure : kFailures) {
    const auto outcome = [&](AuthFailurePolicy policy, Verdict other) {
      dispatch->auth[0].on_failure = policy;
      first.access_answers = {failure};
      second.access_answers = {access(other)};
      return authorize().start(ticket(1), kNow)->verdict;
    };
    EXPECT_EQ(outcome(AuthFailurePolicy::kDeny, Verdict::kAllow), Verdict::kDeny);
    EXPECT_EQ(outcome(AuthFailurePolicy::kNext, Verdict::kAllow), Verdict::kAllow);
    EXPECT_EQ(outcome(AuthFailurePolicy::kNext, Verdict::kNext), Verdict::kDeny);
    EXPECT_EQ(outcome(AuthFailurePolicy::kAllow, Verdict::kNext), Verdict::kAllow);
    EXPECT_EQ(outcome(AuthFailurePolicy::kAllow, Verdict::kDeny), Verdict::kDeny) << "any deny wins";
  }
}

TEST_F(ChainTest, EveryFailureOfBindMeansWhatThePolicySays) {  // R10
  for (const FailureKind failure : kFailures) {
    const auto outcome = [&](TopicFailurePolicy policy) {
      dispatch->topic[0].on_failure = policy;
      first.bind_answers = {failure};
      second.bind_answers = {bind("second/")};
      return *bind_run().start(ticket(1), kNow);
    };
    EXPECT_TRUE(outcome(TopicFailurePolicy::kRejectConnection).is_refused) << name_of(failure);
    const BindDecision passed = outcome(TopicFailurePolicy::kPassthrough);
    EXPECT_FALSE(passed.is_refused);
    EXPECT_EQ(passed.prefix, "second/");
  }
}

TEST_F(ChainTest, APluginThatIsNotLoadedFails) {  // R10
  dispatch->auth[0].hooks = nullptr;
  EXPECT_TRUE(dispatch->has_authenticate());
  EXPECT_TRUE(dispatch->has_authorize());
  EXPECT_EQ(authenticate().start(ticket(1), kNow)->verdict, Verdict::kDeny);
  EXPECT_EQ(authorize().start(ticket(1), kNow)->verdict, Verdict::kDeny);
  dispatch->topic[0].hooks = nullptr;
  EXPECT_TRUE(bind_run().start(ticket(1), kNow)->is_refused);
}

// ---- exchange -------------------------------------------------------------------------------------------------------

TEST_F(ChainTest, WithoutAnyExchangeHookTheMethodIsRefused) {
  first.offers_exchange = second.offers_exchange = false;
  for (const bool is_empty : {false, true}) {
    if (is_empty) dispatch->auth.clear();
    const auto decision = exchange().start(ticket(1), kNow);
    EXPECT_EQ(decision->verdict, Verdict::kDeny);
    EXPECT_EQ(decision->reason, mqtt::ReasonCode::kBadAuthenticationMethod);
  }
}

TEST_F(ChainTest, WhoeverContinuedIsAskedTheOtherSteps) {
  first.exchange_answers = {exchange_says(Verdict::kNext)};
  second.exchange_answers = {exchange_says(Verdict::kContinue), Pending{kNow.steady + 1s}};
  ExchangeRun run = exchange();
  EXPECT_EQ(run.start(ticket(1), kNow)->verdict, Verdict::kContinue);
  EXPECT_EQ(&run.entry(), &dispatch->auth[1]);
  EXPECT_FALSE(run.ask_again(exchange_step(2), ticket(2), kNow));
  EXPECT_EQ(run.resume(exchange_says(Verdict::kAllow), ticket(3), kNow)->verdict, Verdict::kAllow);
  EXPECT_THAT(first.steps, ElementsAre(1));
  EXPECT_THAT(second.steps, ElementsAre(1, 2));
  EXPECT_THAT(second.ended, IsEmpty());
}

TEST_F(ChainTest, ALaterStepIsNobodyElses) {
  for (const bool comes_later : {false, true}) {
    first.exchange_answers = {exchange_says(Verdict::kContinue)};
    if (comes_later)
      first.exchange_answers.push_back(Pending{kNow.steady + 1s});
    else
      first.exchange_answers.push_back(exchange_says(Verdict::kNext));
    ExchangeRun run = exchange();
    run.start(ticket(1), kNow);
    auto decision = run.ask_again(exchange_step(2), ticket(2), kNow);
    if (comes_later) decision = run.resume(exchange_says(Verdict::kNext), ticket(3), kNow);
    EXPECT_EQ(decision->verdict, Verdict::kDeny);
    EXPECT_EQ(decision->reason, mqtt::ReasonCode::kBadAuthenticationMethod);
    EXPECT_THAT(second.asked, IsEmpty());
  }
}

TEST_F(ChainTest, WhoGaveNoAnswerIsToldThatTheExchangeIsOver) {  // R10
  dispatch->auth[0].on_failure = AuthFailurePolicy::kNext;
  first.exchange_answers = {FailureKind::kException};
  second.exchange_answers = {exchange_says(Verdict::kAllow)};
  EXPECT_EQ(exchange().start(ticket(1), kNow)->verdict, Verdict::kAllow);
  EXPECT_THAT(first.ended, ElementsAre(7));
  EXPECT_THAT(second.ended, IsEmpty());
}

// ---- authorize ------------------------------------------------------------------------------------------------------

TEST_F(ChainTest, AnyDenyWinsAndOneAllowIsNeeded) {  // R6
  const auto outcome = [&](Verdict one, Verdict other) {
    first.access_answers = {access(one)};
    second.access_answers = {access(other)};
    return authorize().start(ticket(1), kNow)->verdict;
  };
  EXPECT_EQ(outcome(Verdict::kAllow, Verdict::kDeny), Verdict::kDeny);
  EXPECT_EQ(outcome(Verdict::kDeny, Verdict::kAllow), Verdict::kDeny);
  EXPECT_EQ(outcome(Verdict::kAllow, Verdict::kNext), Verdict::kAllow);
  EXPECT_EQ(outcome(Verdict::kNext, Verdict::kAllow), Verdict::kAllow);
  EXPECT_EQ(outcome(Verdict::kNext, Verdict::kNext), Verdict::kDeny);
}

TEST_F(ChainTest, TheNarrowestCacheAnswerCounts) {  // R6
  first.access_answers = {access(Verdict::kAllow, CacheScope::kTopic, 60s)};
  second.access_answers = {access(Verdict::kAllow, CacheScope::kTopic, 5s)};
  const auto both = authorize().start(ticket(1), kNow);
  EXPECT_EQ(both->cache_for, Millis(5s));
  first.access_answers = {access(Verdict::kAllow, CacheScope::kTopic, 60s)};
  second.access_answers = {access(Verdict::kAllow)};
  EXPECT_EQ(authorize().start(ticket(1), kNow)->cache_scope, CacheScope::kNone);
}

TEST_F(ChainTest, TwoPluginsWithDifferentFiltersAgreeOnTheTopicAlone) {
  AccessDecision one = access(Verdict::kAllow, CacheScope::kFilter, 60s);
  AccessDecision other = one;
  one.cache_filter = "a/#";
  other.cache_filter = "a/b";
  first.access_answers = {one};
  second.access_answers = {other};
  EXPECT_EQ(authorize().start(ticket(1), kNow)->cache_scope, CacheScope::kTopic);
}

TEST_F(ChainTest, AnAnswerWithoutTheFailedPluginIsNotKept) {
  dispatch->auth[0].on_failure = AuthFailurePolicy::kNext;
  first.access_answers = {FailureKind::kError};
  second.access_answers = {access(Verdict::kAllow, CacheScope::kTopic, 60s)};
  EXPECT_EQ(authorize().start(ticket(1), kNow)->cache_scope, CacheScope::kNone)
      << "when it works again it must be asked again";
}

TEST_F(ChainTest, FilterRulesOfAllPluginsApply) {  // R6
  AccessDecision one = access(Verdict::kAllow);
  one.rules = {{{false, "secret/#"}}};
  AccessDecision other = access(Verdict::kNext);
  other.rules = {{{false, "x"}}};
  first.access_answers = {one};
  second.access_answers = {other};
  EXPECT_EQ(authorize().start(ticket(1), kNow)->rules.size(), 2u);
}

// ---- bind -----------------------------------------------------------------------------------------------------------

TEST_F(ChainTest, TheFirstPluginThatBindsWins) {  // R8
  first.bind_answers = {BindDecision{}};
  second.bind_answers = {bind("b/")};
  EXPECT_EQ(bind_run().start(ticket(1), kNow)->prefix, "b/");
  first.bind_answers = {bind("a/")};
  EXPECT_EQ(bind_run().start(ticket(1), kNow)->prefix, "a/");
  first.bind_answers = {BindDecision{}};
  second.bind_answers = {BindDecision{}};
  EXPECT_FALSE(bind_run().start(ticket(1), kNow)->is_bound);
}

TEST_F(ChainTest, ARunKeepsTheSnapshotItBeganWith) {  // R13: a reload swaps the dispatch
  first.auth_answers = {Pending{kNow.steady + 1s}};
  AuthenticateRun run = authenticate();
  run.start(ticket(1), kNow);
  dispatch = std::make_shared<Dispatch>();
  second.auth_answers = {auth(Verdict::kAllow)};
  EXPECT_EQ(run.resume(auth(Verdict::kNext), ticket(2), kNow)->verdict, Verdict::kAllow);
}

}  // namespace
}  // namespace mortise::hooks
