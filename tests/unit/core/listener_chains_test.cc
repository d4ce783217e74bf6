#include "core_test.h"

// Listeners with chains of hooks of their own: who came by one is asked about there, as long as anything of him is
// left.

namespace mortise::core::testing {
namespace {

constexpr const char* kOwn = "tcp://0.0.0.0:8883";

class ListenerChainsTest : public CoreTest {
 protected:
  ListenerChainsTest() {
    for (Plugins* chain : {&plugins, &own}) {
      chain->auth->on_authenticate = [](const hooks::ConnectRequest&) { return allow_connect(); };
      chain->auth->on_authorize = [](const hooks::AccessRequest&) { return access(true); };
    }
  }
  TestOptions options() {
    TestOptions made = CoreTest::options();
    auto both = std::make_shared<hooks::Dispatch>(*plugins.dispatch());
    both->by_listener.emplace(kOwn, own.dispatch());
    made.dispatch = both;
    return made;
  }
  static TestClient& by_own(TestBroker& broker, ConnectOptions connect) {
    TestClient& client = broker.client();
    client.peer().listener = SharedBytes::copy_of(kOwn);
    client.connect(connect);
    return client;
  }
  static ConnectOptions named(std::string id) {
    ConnectOptions connect;
    connect.client_id = std::move(id);
    return connect;
  }

  Plugins own;
};
INSTANTIATE_TEST_SUITE_P(Loops, ListenerChainsTest, ::testing::Values(1, 3));

TEST_P(ListenerChainsTest, WhoMayConnectIsAskedOfTheListenersChain) {
  plugins.auth->on_authenticate = [](const hooks::ConnectRequest&) { return deny_connect(); };
  TestBroker broker(options());
  EXPECT_EQ(by_own(broker, named("a")).next_as<mqtt::ConnackView>().code, 0);
  TestClient& other = broker.client();
  other.connect(named("b"));
  EXPECT_EQ(other.next_as<mqtt::ConnackView>().code, static_cast<int>(ReasonCode::kBadUserNameOrPassword));
}

TEST_P(ListenerChainsTest, RightsAreAskedOfTheListenersChain) {
  own.auth->on_authorize = [](const hooks::AccessRequest& request) { return access(request.topic != "secret"); };
  TestBroker broker(options());
  TestClient& client = by_own(broker, named("a"));
  client.take_types();
  client.publish("secret", "1", 1, 1);
  EXPECT_EQ(client.next_as<mqtt::AcknowledgementView>().reason, ReasonCode::kNotAuthorized);
  client.subscribe("secret", 1);
  EXPECT_EQ(client.next_as<mqtt::SubscriptionAcknowledgementView>().codes.front(),
            static_cast<int>(ReasonCode::kNotAuthorized));
  TestClient& other = connected(broker, "b");
  other.publish("secret", "1", 1, 1);
  EXPECT_NE(other.next_as<mqtt::AcknowledgementView>().reason, ReasonCode::kNotAuthorized);
  EXPECT_EQ(own.auth->asked.size(), 2u);
  EXPECT_EQ(plugins.auth->asked.size(), 1u);
}

TEST_P(ListenerChainsTest, AWillIsAskedOfTheListenersChain) {
  own.auth->on_authorize = [](const hooks::AccessRequest&) { return access(false); };
  TestBroker broker(options());
  ConnectOptions connect = named("a");
  connect.will_topic = "w";
  EXPECT_EQ(by_own(broker, connect).next_as<mqtt::ConnackView>().code, static_cast<int>(ReasonCode::kNotAuthorized));
  TestClient& other = broker.client();
  other.connect(connect);
  EXPECT_EQ(other.next_as<mqtt::ConnackView>().code, 0);
}

TEST_P(ListenerChainsTest, ADelayedWillKeepsTheAffixOfItsListener) {
  own.topic->on_bind = [](const hooks::BindRequest&) { return bind_to("own/"); };
  TestBroker broker(options());
  TestClient& watcher = connected(broker, "watcher");
  watcher.subscribe("own/w", 0);
  watcher.take_types();
  ConnectOptions connect = named("a");
  connect.will_topic = "w";
  connect.will_delay = 5;
  connect.session_expiry = 60;
  TestClient& client = by_own(broker, connect);
  client.drop();
  EXPECT_THAT(watcher.take_publishes(), IsEmpty());
  broker.advance(Millis(5000));
  EXPECT_THAT(watcher.take_publishes(), ElementsAre("own/w=gone"));
}

TEST_P(ListenerChainsTest, WhoComesBackByAnotherListenerHasTheRightsOfThatOne) {
  own.auth->on_authorize = [](const hooks::AccessRequest&) { return access(false); };
  TestBroker broker(options());
  TestClient& before = connected(broker, "a", 60);
  before.subscribe("t", 0);
  before.publish("t", "1");
  EXPECT_THAT(before.take_publishes(), ElementsAre("t=1"));
  before.drop();
  ConnectOptions connect = named("a");
  connect.clean_start = false;
  connect.session_expiry = 60;
  TestClient& after = by_own(broker, connect);
  EXPECT_TRUE(after.next_as<mqtt::ConnackView>().session_present);
  TestClient& other = connected(broker, "b");
  other.publish("t", "2");
  EXPECT_THAT(after.take_publishes(), IsEmpty()) << "its subscription was asked again, of the other chain";
  after.publish("t", "3", 1, 7);
  EXPECT_EQ(after.next_as<mqtt::AcknowledgementView>().reason, ReasonCode::kNotAuthorized) << "nothing is remembered";
}

TEST_P(ListenerChainsTest, InvalidatedRightsAreAskedOfTheListenersChainAgain) {
  TestBroker broker(options());
  TestClient& client = by_own(broker, named("a"));
  client.subscribe("t", 0);
  const std::size_t before = own.auth->asked.size();
  broker.invalidate("a");
  EXPECT_EQ(own.auth->asked.size(), before + 1);
  EXPECT_THAT(plugins.auth->asked, IsEmpty());
}

TEST_P(ListenerChainsTest, AnEnhancedAuthenticationIsAskedOfTheListenersChain) {
  own.auth->on_exchange = [](const hooks::ExchangeRequest&) { return step(hooks::Verdict::kAllow); };
  TestBroker broker(options());
  for (const bool is_own : {true, false}) {
    TestClient& client = broker.client();
    if (is_own) client.peer().listener = SharedBytes::copy_of(kOwn);
    // CONNECT of "a" with the Authentication Method "M".
    client.send(std::string_view("\x10\x12\0\4MQTT\5\2\0\0\4\x15\0\1M\0\1a", 20));
    EXPECT_EQ(client.next_as<mqtt::ConnackView>().code,
              is_own ? 0 : static_cast<int>(ReasonCode::kBadAuthenticationMethod));
  }
}

TEST_P(ListenerChainsTest, WhereAnEmptyChainIsAllThereIsNobodyIsAskedTwice) {
  own.auth->on_authenticate = nullptr;
  own.auth->on_authorize = nullptr;
  TestBroker broker(options());
  TestClient& client = by_own(broker, named("a"));
  client.take_types();
  client.subscribe("#", 0);
  for (int i = 0; i < 3; ++i) client.publish("t", std::to_string(i));
  EXPECT_THAT(client.take_publishes(), ElementsAre("t=0", "t=1", "t=2"));
  EXPECT_THAT(plugins.auth->asked, IsEmpty());
}

}  // namespace
}  // namespace mortise::core::testing
