#include "core_test.h"
#include "tests/conformance/proof.h"

namespace mortise::core::testing {
namespace {

class QuestionsTest : public CoreTest {
 protected:
  /// Authorization is pending for what `is_slow` names.
  void slow(std::function<bool(const hooks::AccessRequest&)> is_slow) {
    plugins.auth->on_authorize =
        [this, is_slow](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
      if (is_slow(request)) return pending();
      return access(true);
    };
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, QuestionsTest, ::testing::Values(1, 3));

// ---- Authentication -------------------------------------------------------------------------------------------------

TEST_P(QuestionsTest, AuthenticationHasExactlyOneOutcomeForEachFailureAndPolicy) {  // R10
  PROVES("5.0 MQTT-3.1.4-2", "5.0 MQTT-3.2.0-2");
  using hooks::AuthFailurePolicy;
  for (const AuthFailurePolicy policy :
       {AuthFailurePolicy::kDeny, AuthFailurePolicy::kNext, AuthFailurePolicy::kAllow}) {
    for (const bool comes_later : {false, true}) {
      Plugins mine;
      mine.auth_failure = policy;
      mine.auth->on_authenticate = [&](const hooks::ConnectRequest&) -> hooks::Answer<hooks::AuthDecision> {
        if (comes_later) return pending();
        return hooks::FailureKind::kCrashed;
      };
      plugins = mine;
      TestBroker broker(options());
      auto& client = broker.client();
      client.connect("c");
      if (comes_later) {
        EXPECT_FALSE(client.has_next());
        broker.answer(mine.auth->pending.at(0), hooks::FailureKind::kCrashed);
      }
      const auto connack = client.next_as<mqtt::ConnackView>();
      EXPECT_EQ(connack.code == 0, policy == AuthFailurePolicy::kAllow);
      EXPECT_EQ(client.is_open(), policy == AuthFailurePolicy::kAllow);
      EXPECT_FALSE(client.has_next()) << "exactly one answer";
    }
  }
}

TEST_P(QuestionsTest, ADeadlineIsAFailureAndALateAnswerChangesNothing) {  // R6, R10
  PROVES("5.0 MQTT-3.2.2-7");
  plugins.auth->on_authenticate = [&](const hooks::ConnectRequest&) -> hooks::Answer<hooks::AuthDecision> {
    return pending();
  };
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  broker.advance(Millis(4999));
  EXPECT_FALSE(client.has_next());
  broker.advance(Millis(1));
  EXPECT_EQ(client.next_as<mqtt::ConnackView>().code, static_cast<std::uint8_t>(ReasonCode::kServerUnavailable));
  EXPECT_FALSE(client.is_open());
  broker.answer(plugins.auth->pending.at(0), allow_connect());
  EXPECT_EQ(broker.total(&ShardCounters::late_answers), 1u);
  EXPECT_EQ(broker.total(&ShardCounters::connects_accepted), 0u);
}

TEST_P(QuestionsTest, AnAnswerThatIsOnItsWayWhenTheDeadlinePassesStillCounts) {  // R6
  plugins.auth->on_authenticate = [&](const hooks::ConnectRequest&) -> hooks::Answer<hooks::AuthDecision> {
    return pending();
  };
  plugins.auth->is_still_open = false;
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  broker.advance(Millis(6000));
  EXPECT_TRUE(client.is_open());
  broker.answer(plugins.auth->pending.at(0), allow_connect());
  EXPECT_EQ(client.next_as<mqtt::ConnackView>().code, 0);
}

TEST_P(QuestionsTest, AClientThatLeavesWhileAuthenticationIsPendingCancelsIt) {  // BUG-CLASS A
  plugins.auth->on_authenticate = [&](const hooks::ConnectRequest&) -> hooks::Answer<hooks::AuthDecision> {
    return pending();
  };
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  client.drop();
  EXPECT_EQ(plugins.auth->cancelled, plugins.auth->pending);
  broker.answer(plugins.auth->pending.at(0), allow_connect());
  EXPECT_EQ(broker.total(&ShardCounters::late_answers), 1u);
}

TEST_P(QuestionsTest, AnAnswerNeverReachesAnotherConnectionOfTheSameClient) {  // R6: abuse 0, 12
  plugins.auth->on_authenticate = [&](const hooks::ConnectRequest&) -> hooks::Answer<hooks::AuthDecision> {
    return pending();
  };
  TestBroker broker(options());
  auto& first = broker.client();
  first.connect("c");
  first.drop();
  auto& second = broker.client();
  second.connect("c");
  ASSERT_EQ(plugins.auth->pending.size(), 2u);
  broker.answer(plugins.auth->pending[0], allow_connect());
  EXPECT_FALSE(second.has_next());
  broker.answer(plugins.auth->pending[1], deny_connect());
  EXPECT_EQ(second.next_as<mqtt::ConnackView>().code, static_cast<std::uint8_t>(ReasonCode::kBadUserNameOrPassword));
}

TEST_P(QuestionsTest, ADenialIsSaidInTheWayOfTheVersion) {  // BUG-CLASS H, 3.1.1 table 3.1
  PROVES("3.1.1 MQTT-3.2.2-5");
  plugins.auth->on_authenticate = [](const hooks::ConnectRequest&) -> hooks::Answer<hooks::AuthDecision> {
    return deny_connect();
  };
  TestBroker broker(options());
  auto& older = broker.client(k311);
  older.connect("c");
  EXPECT_EQ(older.next_as<mqtt::ConnackView>().code, 4);
  EXPECT_FALSE(older.is_open());
}

// ---- PUBLISH --------------------------------------------------------------------------------------------------------

TEST_P(QuestionsTest, AnAnswerGivenTwiceCountsOnce) {  // R6
  slow([](const hooks::AccessRequest& request) {
    return request.topic == "t" && request.action == hooks::Action::kPublish;
  });
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  client.subscribe("t", 0);
  client.take_types();
  client.publish("t", "1", 1, 1);
  broker.answer(plugins.auth->pending.at(0), access(true));
  broker.answer(plugins.auth->pending.at(0), access(true));
  EXPECT_EQ(client.take_types().size(), 2u);
  EXPECT_EQ(broker.total(&ShardCounters::late_answers), 1u);
}

TEST_P(QuestionsTest, ADeniedPublishIsAnsweredOnceAtEachQoS) {  // MQTT-3.3.5-2
  PROVES("5.0 MQTT-3.4.2-1", "5.0 MQTT-3.5.2-1");
  for (const int qos : {0, 1, 2}) {
    slow([](const hooks::AccessRequest& request) { return request.action == hooks::Action::kPublish; });
    TestBroker broker(options());
    auto& client = broker.client();
    client.connect("c");
    client.subscribe("#", 2);
    client.take_types();
    plugins.auth->pending.clear();
    client.publish("t", "1", qos, qos == 0 ? 0 : 5);
    broker.answer(plugins.auth->pending.at(0), access(false));
    if (qos == 0) {
      EXPECT_FALSE(client.has_next());
      continue;
    }
    EXPECT_EQ(client.next_as<mqtt::AcknowledgementView>().reason, ReasonCode::kNotAuthorized);
    EXPECT_FALSE(client.has_next());
  }
}

TEST_P(QuestionsTest, ATakeOverCancelsWhatIsPending) {
  slow([](const hooks::AccessRequest& request) { return request.topic == "slow"; });
  TestBroker broker(options());
  auto& watcher = broker.client();
  watcher.connect("w");
  watcher.subscribe("#", 0);
  auto& old = broker.client();
  old.connect("c");
  old.publish("slow", "1");
  auto& newer = broker.client();
  newer.connect("c");
  EXPECT_FALSE(old.is_open());
  EXPECT_EQ(plugins.auth->cancelled.size(), 1u);
  broker.answer(plugins.auth->pending.at(0), access(true));
  EXPECT_THAT(watcher.take_publishes(), IsEmpty());
  newer.publish("t", "2");
  EXPECT_THAT(watcher.take_publishes(), ElementsAre("t=2"));
}

TEST_P(QuestionsTest, AnAnswerIsRememberedAsLongAsItMayBe) {  // R6
  plugins.auth->on_authorize = [](const hooks::AccessRequest&) -> hooks::Answer<hooks::AccessDecision> {
    hooks::AccessDecision decision = access(true);
    decision.cache_scope = hooks::CacheScope::kTopic;
    decision.cache_for = Millis(10'000);
    return decision;
  };
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  for (int i = 0; i < 5; ++i) client.publish("t", "1");
  EXPECT_EQ(plugins.auth->asked.size(), 1u);
  broker.advance(Millis(10'000));
  client.publish("t", "1");
  EXPECT_EQ(plugins.auth->asked.size(), 2u);
  broker.invalidate("c");
  client.publish("t", "1");
  EXPECT_EQ(plugins.auth->asked.size(), 3u);
}

TEST_P(QuestionsTest, WhatIsAskedAboutIsTheTopicThatIsRouted) {  // BUG-CLASS H
  std::vector<std::string> asked;
  plugins.topic->on_bind = [](const hooks::BindRequest&) -> hooks::Answer<hooks::BindDecision> {
    return bind_to("tenant/");
  };
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    asked.push_back(request.topic + " for " + request.original_topic);
    return access(request.topic.starts_with("tenant/open"));
  };
  TestBroker broker(options());
  ConnectOptions connect;
  connect.client_id = "c";
  connect.will_topic = "open/will";
  auto& client = broker.client();
  client.connect(connect);
  client.subscribe("open/#", 0);
  client.publish("open/a", "1");
  client.publish("tenant/open/a", "2");  // looks like what is allowed, and is routed elsewhere
  EXPECT_THAT(asked, ElementsAre("tenant/open/will for open/will", "tenant/open/# for open/#",
                                 "tenant/open/a for open/a", "tenant/tenant/open/a for tenant/open/a"));
  EXPECT_THAT(client.take_publishes(), ElementsAre("open/a=1"));
}

// ---- Invalidation ---------------------------------------------------------------------------------------------------

TEST_P(QuestionsTest, RevokedSubscriptionsEndWhenTheyAreInvalidated) {  // BUG-CLASS H
  bool is_allowed = true;
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    return access(is_allowed || request.topic != "secret");
  };
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  client.subscribe("secret", 1);
  client.subscribe("public", 1);
  auto& publisher = broker.client();
  publisher.connect("p");
  is_allowed = false;
  broker.invalidate("c");
  is_allowed = true;  // for the publisher
  publisher.publish("secret", "1", 1, 1);
  publisher.publish("public", "2", 1, 2);
  EXPECT_THAT(client.take_publishes(), ElementsAre("public=2"));
}

TEST_P(QuestionsTest, TheAffixIsBoundAgainAndKeptUntilItsReviewIsOver) {  // R8; the affix was read after it was freed
  std::string prefix = "one/";
  plugins.topic->on_bind = [&](const hooks::BindRequest& request) -> hooks::Answer<hooks::BindDecision> {
    if (request.principal->client_id != "c") return hooks::BindDecision{};
    return bind_to(prefix);
  };
  for (const bool asks : {false, true}) {
    prefix = "one/";
    if (asks)
      plugins.auth->on_authorize = [](const hooks::AccessRequest&) -> hooks::Answer<hooks::AccessDecision> {
        return access(true);
      };
    TestBroker broker(options());
    auto& client = broker.client();
    client.connect("c");
    client.subscribe("t", 0);
    prefix = "two/";
    broker.invalidate("c");
    auto& publisher = broker.client();
    publisher.connect("p");
    publisher.publish("one/t", "1");
    publisher.publish("two/t", "2");
    EXPECT_THAT(client.take_publishes(), ElementsAre("t=2"));
  }
}

TEST_P(QuestionsTest, APendingReviewOfAnInvalidationKeepsEverythingUntilItIsAnswered) {
  bool is_slow = false;
  slow([&](const hooks::AccessRequest&) { return is_slow; });
  plugins.topic->on_bind = [&](const hooks::BindRequest&) -> hooks::Answer<hooks::BindDecision> {
    if (is_slow) return pending();
    return bind_to("t/");
  };
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  client.subscribe("a", 0);
  client.subscribe("b", 0);
  client.take_types();
  is_slow = true;
  broker.invalidate("c");
  ASSERT_EQ(plugins.topic->pending.size(), 1u);
  client.subscribe("c", 0, 7);  // waits
  broker.answer(plugins.topic->pending[0], bind_to("t/"));
  ASSERT_EQ(plugins.auth->pending.size(), 1u);
  broker.answer(plugins.auth->pending[0], access(true));
  ASSERT_EQ(plugins.auth->pending.size(), 2u);
  is_slow = false;
  broker.answer(plugins.auth->pending[1], access(false));
  client.take_types();
  client.publish("a", "1");
  client.publish("b", "2");
  client.publish("c", "3");
  EXPECT_THAT(client.take_publishes(), ElementsAre("a=1", "c=3"));
}

TEST_P(QuestionsTest, AnAnswerFromBeforeAnInvalidationIsNotRemembered) {  // BUG-CLASS H
  bool is_slow = true;
  plugins.auth->on_authorize = [&](const hooks::AccessRequest&) -> hooks::Answer<hooks::AccessDecision> {
    if (is_slow) return pending();
    return access(false);
  };
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  client.publish("t", "1");
  broker.invalidate("c");
  is_slow = false;
  hooks::AccessDecision stale = access(true);
  stale.cache_scope = hooks::CacheScope::kTopic;
  stale.cache_for = Millis(100'000);
  broker.answer(plugins.auth->pending.at(0), stale);
  client.publish("t", "2");
  EXPECT_EQ(broker.total(&ShardCounters::publishes_denied), 1u);
}

TEST_P(QuestionsTest, AClientThatAlwaysHasSomethingPendingCannotPutAnInvalidationOff) {
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    if (request.action == hooks::Action::kPublish) return pending();
    return access(true);
  };
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  client.subscribe("t", 0);
  const std::size_t asked = plugins.auth->asked.size();
  client.publish("x", "1");
  client.publish("x", "2");
  broker.invalidate("c");
  broker.answer(plugins.auth->pending.at(0), access(true));
  ASSERT_EQ(plugins.auth->asked.size(), asked + 3) << "the subscription is reviewed before the second PUBLISH";
  EXPECT_EQ(plugins.auth->asked[asked + 1]->action, hooks::Action::kSubscribe);
}

TEST_P(QuestionsTest, AnInvalidationReachesAClientThatIsStillAttaching) {  // BUG-CLASS H
  bool is_slow = false, is_allowed = true;
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    if (is_slow && request.topic == "b") return pending();
    return access(is_allowed);
  };
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c", true, 1000);
  client.subscribe("a", 1);
  client.subscribe("b", 1);
  client.drop();
  is_slow = true;
  auto& again = broker.client();
  again.connect("c", false, 1000);  // "a" was allowed, "b" is pending
  is_allowed = false;
  is_slow = false;
  broker.invalidate("c");
  broker.answer(plugins.auth->pending.at(0), access(true));
  auto& publisher = broker.client();
  publisher.connect("p");
  is_allowed = true;
  publisher.publish("a", "1");
  EXPECT_THAT(again.take_publishes(), IsEmpty());
}

TEST_P(QuestionsTest, RevokedRightsStopTheRetainedReplay) {  // BUG-CLASS H
  bool is_allowed = true;
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    return access(is_allowed || request.action == hooks::Action::kPublish);
  };
  TestBroker broker(options());
  auto& publisher = broker.client();
  publisher.connect("p");
  for (int i = 0; i < 20; ++i) publisher.publish("t/" + std::to_string(i), std::string(100'000, 'x'), 0, 0, true);
  auto& client = broker.client();
  client.connect("c");
  client.take_types();
  client.takes_bytes = false;
  client.subscribe("t/#", 0);
  is_allowed = false;
  broker.invalidate("c");
  client.takes_bytes = true;
  client.send(mqtt::PingreqView{});
  EXPECT_LT(client.take_publishes().size(), 10u);
}

}  // namespace
}  // namespace mortise::core::testing
