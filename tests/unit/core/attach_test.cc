#include "core_test.h"
#include "tests/conformance/proof.h"

namespace mortise::core::testing {
namespace {

class AttachTest : public CoreTest {};
INSTANTIATE_TEST_SUITE_P(Loops, AttachTest, ::testing::Values(1, 3));

TEST_P(AttachTest, OnlyTheNewestOfThoseThatWaitForAClientIdentifierStays) {
  plugins.topic->on_bind = [&](const hooks::BindRequest&) -> hooks::Answer<hooks::BindDecision> { return pending(); };
  TestBroker broker(options());
  auto& first = broker.client();
  auto& second = broker.client();
  auto& third = broker.client();
  first.connect("c");
  second.connect("c");
  third.connect("c");
  EXPECT_FALSE(second.is_open()) << "pushed out of the queue by the newest";
  ASSERT_EQ(plugins.topic->pending.size(), 1u) << "hooks of one session never overlap (R15)";
  broker.answer(plugins.topic->pending[0], hooks::BindDecision{});
  EXPECT_EQ(first.next_as<mqtt::ConnackView>().code, 0);
  ASSERT_EQ(plugins.topic->pending.size(), 2u);
  broker.answer(plugins.topic->pending[1], hooks::BindDecision{});
  EXPECT_EQ(first.next_as<mqtt::DisconnectView>().reason, ReasonCode::kSessionTakenOver);
  EXPECT_EQ(third.next_as<mqtt::ConnackView>().code, 0);
}

TEST_P(AttachTest, WhoeverLeavesTheQueueLetsTheNextOneGo) {
  plugins.topic->on_bind = [&](const hooks::BindRequest&) -> hooks::Answer<hooks::BindDecision> { return pending(); };
  TestBroker broker(options());
  auto& first = broker.client();
  auto& second = broker.client();
  first.connect("c");
  second.connect("c");
  first.drop();
  EXPECT_EQ(plugins.topic->cancelled.size(), 1u);
  ASSERT_EQ(plugins.topic->pending.size(), 2u);
  broker.answer(plugins.topic->pending[1], hooks::BindDecision{});
  EXPECT_EQ(second.next_as<mqtt::ConnackView>().code, 0);
}

TEST_P(AttachTest, AnotherUsersClientIdentifierIsRefused) {  // BUG-CLASS H
  TestBroker broker(options());
  auto& owner = broker.client();
  ConnectOptions as_owner;
  as_owner.client_id = "c";
  as_owner.user_name = "owner";
  owner.connect(as_owner);
  owner.next();
  auto& thief = broker.client();
  ConnectOptions as_thief = as_owner;
  as_thief.user_name = "thief";
  thief.connect(as_thief);
  EXPECT_EQ(thief.next_as<mqtt::ConnackView>().code, static_cast<std::uint8_t>(ReasonCode::kClientIdentifierNotValid));
  EXPECT_TRUE(owner.is_open());
}

TEST_P(AttachTest, NamespacesKeepTheSameClientIdentifiersApart) {
  plugins.auth->on_authenticate = [](const hooks::ConnectRequest& request) -> hooks::Answer<hooks::AuthDecision> {
    return allow_connect(*request.user_name);
  };
  TestBroker broker(options());
  ConnectOptions one;
  one.client_id = "c";
  one.user_name = "1";
  ConnectOptions other = one;
  other.user_name = "2";
  auto& first = broker.client();
  auto& second = broker.client();
  first.connect(one);
  second.connect(other);
  EXPECT_TRUE(first.is_open());
  EXPECT_TRUE(second.is_open());
}

TEST_P(AttachTest, TheOldConnectionStaysUntilTheNewOneIsAuthenticated) {  // BUG-CLASS H
  bool is_allowed = true;
  plugins.auth->on_authenticate = [&](const hooks::ConnectRequest&) -> hooks::Answer<hooks::AuthDecision> {
    return is_allowed ? allow_connect() : deny_connect();
  };
  TestBroker broker(options());
  auto& old = broker.client();
  old.connect("c");
  is_allowed = false;
  auto& newer = broker.client();
  newer.connect("c");
  EXPECT_FALSE(newer.is_open());
  EXPECT_TRUE(old.is_open());
}

TEST_P(AttachTest, ARefusedConnectPublishesNoWill) {  // BUG-CLASS H
  plugins.auth->on_authorize = [](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    return access(request.action != hooks::Action::kWill);
  };
  TestBroker broker(options());
  auto& watcher = broker.client();
  watcher.connect("w");
  watcher.subscribe("#", 0);
  watcher.take_types();
  auto& client = broker.client();
  ConnectOptions with_will;
  with_will.client_id = "c";
  with_will.will_topic = "will";
  client.connect(with_will);
  EXPECT_EQ(client.next_as<mqtt::ConnackView>().code, static_cast<std::uint8_t>(ReasonCode::kNotAuthorized));
  EXPECT_THAT(watcher.take_publishes(), IsEmpty());
}

TEST_P(AttachTest, AWillCannotForgeWhatTheBrokerSaysOfItself) {
  TestBroker broker(options());
  auto& client = broker.client();
  ConnectOptions with_will;
  with_will.client_id = "c";
  with_will.will_topic = "$SYS/broker/uptime";
  client.connect(with_will);
  EXPECT_NE(client.next_as<mqtt::ConnackView>().code, 0);
  EXPECT_FALSE(client.is_open());
}

TEST_P(AttachTest, CleanStartEndsTheStoredSession) {  // MQTT-3.1.2-4
  PROVES("5.0 MQTT-3.1.2-4", "5.0 MQTT-3.1.4-4", "5.0 MQTT-3.2.2-2");
  TestBroker broker(options());
  auto& old = broker.client();
  old.connect("c", true, 1000);
  old.subscribe("t", 1);
  old.drop();
  auto& newer = broker.client();
  newer.connect("c", true, 1000);
  EXPECT_FALSE(newer.next_as<mqtt::ConnackView>().session_present);
  newer.publish("t", "1", 1, 1);
  EXPECT_THAT(newer.take_publishes(), IsEmpty());
}

TEST_P(AttachTest, ASessionWhoseTimeIsOverIsNotResumedThoughNobodyHasEndedItYet) {  // MQTT-3.1.2-23, 5.0 3.1.2.11.2
  TestBroker broker(options());
  ConnectOptions as_member;
  as_member.client_id = "c";
  as_member.session_expiry = 10;
  auto& first = broker.client();
  first.connect(as_member);
  first.next();
  first.subscribe("t", 1);
  first.drop();
  auto& second = broker.client();
  as_member.clean_start = false;
  broker.sleep(Millis(10'001));
  second.connect(as_member);
  EXPECT_FALSE(second.next_as<mqtt::ConnackView>().session_present);
  EXPECT_EQ(broker.total(&ShardCounters::sessions_expired), 1u);
}

TEST_P(AttachTest, TheEndOfAStoredSessionIsDurableBeforeConnackSaysSo) {
  PROVES("5.0 MQTT-3.1.2-4");
  TestBroker broker(options(true));
  auto& old = broker.client();
  old.connect("c", true, 1000);
  broker.make_durable();
  old.drop();
  broker.make_durable();
  auto& newer = broker.client();
  newer.connect("c", true, 0);
  EXPECT_FALSE(newer.has_next()) << "after a crash the old session must not come back";
  broker.make_durable();
  EXPECT_FALSE(newer.next_as<mqtt::ConnackView>().session_present);
}

TEST_P(AttachTest, AStoredSessionIsReviewedAndWhatWasRevokedIsNotDelivered) {  // BUG-CLASS H
  bool is_allowed = true;
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    return access(is_allowed || request.action == hooks::Action::kPublish || request.topic != "secret");
  };
  for (const bool has_store : {false, true}) {
    is_allowed = true;
    TestOptions small = options(has_store);
    small.session.max_inflight = 10;
    TestBroker broker(small);
    auto& client = broker.client();
    client.connect("c", true, 1000);
    broker.make_durable();
    client.subscribe("secret", 1);
    client.subscribe("public", 1);
    broker.make_durable();
    client.drop();
    auto& publisher = broker.client();
    publisher.connect("p");
    // More than a window in memory: the rest waits in the store.
    for (int i = 1; i <= 1500; ++i) {
      publisher.publish(i % 2 == 0 ? "secret" : "public", std::to_string(i), 1, static_cast<mqtt::PacketId>(i));
      if (i % 50 == 0) broker.make_durable();
    }
    is_allowed = false;
    auto& again = broker.client();
    again.connect("c", false, 1000);
    broker.make_durable();
    std::vector<std::string> got;
    for (int round = 0; round < 400; ++round) {
      broker.serve_pages();
      broker.make_durable();
      for (std::string& text : again.take_publishes()) got.push_back(std::move(text));
    }
    for (const std::string& text : got) EXPECT_EQ(text.substr(0, 6), "public");
    EXPECT_EQ(got.size(), 750u) << has_store;
  }
}

TEST_P(AttachTest, ASubscriptionMadeWhileTheNextConnectionIsReviewedIsNotLost) {
  PROVES("5.0 MQTT-3.10.4-1", "5.0 MQTT-3.10.4-2");
  bool is_slow = false;
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    if (is_slow && request.topic == "a") return pending();
    return access(true);
  };
  TestBroker broker(options());
  auto& old = broker.client();
  old.connect("c", true, 1000);
  old.subscribe("a", 1);
  old.subscribe("gone", 1);
  is_slow = true;
  auto& newer = broker.client();
  newer.connect("c", false, 1000);
  old.subscribe("b", 1);
  old.unsubscribe("gone");
  is_slow = false;
  for (std::size_t i = 0; i < plugins.auth->pending.size(); ++i) broker.answer(plugins.auth->pending[i], access(true));
  EXPECT_TRUE(newer.next_as<mqtt::ConnackView>().session_present);
  for (const char* topic : {"a", "b", "gone"}) newer.publish(topic, "1");
  EXPECT_THAT(newer.take_publishes(), ElementsAre("a=1", "b=1"));
}

TEST_P(AttachTest, AReviewDoesNotLoseWhatWaitsForASharedSubscription) {
  plugins.auth->on_authorize = [](const hooks::AccessRequest&) -> hooks::Answer<hooks::AccessDecision> {
    return access(true);
  };
  for (const bool has_store : {false, true}) {
    TestBroker broker(options(has_store));
    auto& client = broker.client();
    client.connect("c", true, 1000);
    broker.make_durable();
    client.subscribe("$share/g/t", 1);
    broker.make_durable();
    client.drop();
    auto& publisher = broker.client();
    publisher.connect("p");
    publisher.publish("t", "1", 1, 1);
    publisher.publish("t", "2", 1, 2);
    broker.make_durable();
    auto& again = broker.client();
    again.connect("c", false, 1000);
    broker.make_durable();
    EXPECT_THAT(again.take_publishes(), ElementsAre("t=1", "t=2")) << has_store;
  }
}

TEST_P(AttachTest, WhenTheStoreFailsAPersistentConnectIsRefusedAndLeavesNoWill) {  // R10: refuse_persistent
  TestBroker broker(options(true));
  auto& watcher = broker.client();
  watcher.connect("w");
  watcher.subscribe("#", 0);
  watcher.take_types();
  auto& client = broker.client();
  ConnectOptions persistent;
  persistent.client_id = "c";
  persistent.session_expiry = 1000;
  persistent.will_topic = "will";
  client.connect(persistent);
  EXPECT_FALSE(client.has_next());
  broker.store_fails(true);
  EXPECT_EQ(client.next_as<mqtt::ConnackView>().code, static_cast<std::uint8_t>(ReasonCode::kServerUnavailable));
  EXPECT_FALSE(client.is_open());
  EXPECT_THAT(watcher.take_publishes(), IsEmpty()) << "it was never connected";
  auto& second = broker.client();
  second.connect(persistent);
  EXPECT_EQ(second.next_as<mqtt::ConnackView>().code, static_cast<std::uint8_t>(ReasonCode::kServerUnavailable));
  auto& passing = broker.client();
  passing.connect("x");
  EXPECT_EQ(passing.next_as<mqtt::ConnackView>().code, 0) << "who needs no store is served";
}

TEST_P(AttachTest, AConnectThatTheStoreWouldHaveToKnowOfIsRefusedBeforeItChangesAnything) {
  TestBroker broker(options(true));
  auto& watcher = broker.client();
  watcher.connect("w");
  watcher.subscribe("will", 0);
  watcher.take_types();
  ConnectOptions persistent;
  persistent.client_id = "c";
  persistent.clean_start = false;
  persistent.session_expiry = 1000;
  persistent.will_topic = "will";
  persistent.will_delay = 10;
  auto& client = broker.client();
  client.connect(persistent);
  broker.make_durable();
  client.drop();
  broker.make_durable();
  broker.store_fails(true);
  for (const bool clean_start : {false, true}) {
    auto& refused = broker.client();
    refused.connect("c", clean_start, 0);
    EXPECT_EQ(refused.next_as<mqtt::ConnackView>().code, static_cast<std::uint8_t>(ReasonCode::kServerUnavailable));
  }
  broker.store_fails(false);
  broker.advance(Millis(10'000));
  EXPECT_THAT(watcher.take_publishes(), ElementsAre("will=gone")) << "nobody came back to the session";
  EXPECT_EQ(broker.total(&ShardHoldings::sessions), 2u);
  auto& again = broker.client();
  again.connect("c", false, 1000);
  broker.make_durable();
  EXPECT_TRUE(again.next_as<mqtt::ConnackView>().session_present);
}

TEST_P(AttachTest, WhoBeginsAnewHearsOfItWhenTheSessionBeforeCannotComeBack) {  // MQTT-3.1.2-4
  TestBroker broker(options(true));
  auto& first = connected(broker, "c", 1000);
  first.disconnect(ReasonCode::kSuccess, 0);
  auto& second = broker.client();
  second.connect("c", true, 0);
  EXPECT_FALSE(second.has_next()) << "after a crash now the first session would be there again";
  auto& other = broker.client();
  other.connect("d", true, 0);
  EXPECT_EQ(other.next_as<mqtt::ConnackView>().code, 0) << "who has nothing to do with it does not wait";
  broker.make_durable();
  EXPECT_FALSE(second.next_as<mqtt::ConnackView>().session_present);
  second.disconnect();
  auto& third = broker.client();
  third.connect("c", true, 0);
  EXPECT_EQ(third.next_as<mqtt::ConnackView>().code, 0) << "it is durable now";
}

TEST_P(AttachTest, NobodyAttachesAfterShutDown) {
  plugins.topic->on_bind = [&](const hooks::BindRequest&) -> hooks::Answer<hooks::BindDecision> { return pending(); };
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  broker.shut_down();
  EXPECT_FALSE(client.is_open());
  broker.answer(plugins.topic->pending.at(0), hooks::BindDecision{});
  auto& late = broker.client();
  late.connect("d");
  EXPECT_FALSE(late.is_open());
  EXPECT_EQ(late.next_as<mqtt::ConnackView>().code, static_cast<std::uint8_t>(ReasonCode::kServerUnavailable));
}

TEST_P(AttachTest, ConnackHasACodeOfItsOwnTableWhateverAPluginDeniesWith) {
  PROVES("5.0 MQTT-3.2.2-8");
  ReasonCode reason{};
  plugins.auth->on_authenticate = [&](const hooks::ConnectRequest&) -> hooks::Answer<hooks::AuthDecision> {
    return deny_connect(reason);
  };
  TestBroker broker(options());
  for (int code = 0; code < 256; ++code) {
    reason = static_cast<ReasonCode>(code);
    auto& client = broker.client();
    client.connect("c");
    EXPECT_FALSE(client.is_open());
    const auto connack = client.next_as<mqtt::ConnackView>();  // decoding checks the code
    EXPECT_GE(connack.code, 0x80);
    EXPECT_TRUE(mqtt::is_allowed_in(static_cast<ReasonCode>(connack.code), PacketType::kConnack)) << code;
  }
}

TEST_P(AttachTest, ReconnectingInATightLoopLeavesNothingBehind) {  // BUG-CLASS B, G
  TestBroker broker(options());
  for (int i = 0; i < 300; ++i) {
    auto& client = broker.client();
    client.connect("c", false, 1000);
    ASSERT_TRUE(client.is_open()) << i;
    if (i == 0) client.subscribe("t", 1);
    client.publish("t", std::to_string(i), 1, 1);
    if (i % 3 == 0) client.drop();
  }
  EXPECT_EQ(broker.index().size(), 1u);
}

TEST_P(AttachTest, ASessionThatWasNeverGrantedIsNotThere) {  // MQTT-3.2.2-4, MQTT-3.2.2-6
  TestBroker broker(options(true));
  auto& refused = broker.client();
  refused.connect("c", true, 1000);
  broker.store_fails(true);
  EXPECT_EQ(refused.next_as<mqtt::ConnackView>().code, static_cast<std::uint8_t>(ReasonCode::kServerUnavailable));
  broker.store_fails(false);
  EXPECT_EQ(broker.total(&ShardHoldings::sessions), 0u);
  auto& again = broker.client();
  again.connect("c", false, 1000);
  broker.make_durable();
  EXPECT_FALSE(again.next_as<mqtt::ConnackView>().session_present);
}

}  // namespace
}  // namespace mortise::core::testing
