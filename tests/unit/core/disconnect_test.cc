#include "core_test.h"
#include "tests/conformance/proof.h"

namespace mortise::core::testing {
namespace {

class DisconnectTest : public CoreTest {
 protected:
  ConnectOptions with_will(std::uint32_t delay, std::uint32_t expiry) {
    ConnectOptions made;
    made.client_id = "c";
    made.will_topic = "will";
    made.will_delay = delay;
    made.session_expiry = expiry;
    made.clean_start = false;
    return made;
  }
  TestClient& watcher(TestBroker& broker) {
    TestClient& client = broker.client();
    client.connect("w");
    client.subscribe("will", 0);
    client.take_types();
    return client;
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, DisconnectTest, ::testing::Values(1, 3));

TEST_P(DisconnectTest, ADelayedWillComesAfterItsDelay) {  // 5.0 section 3.1.3.2.2
  PROVES("5.0 MQTT-3.1.2-7", "5.0 MQTT-3.1.2-8");
  TestBroker broker(options());
  auto& watching = watcher(broker);
  auto& client = broker.client();
  client.connect(with_will(10, 100));
  client.drop();
  broker.advance(Millis(9'999));
  EXPECT_THAT(watching.take_publishes(), IsEmpty());
  broker.advance(Millis(1));
  EXPECT_THAT(watching.take_publishes(), ElementsAre("will=gone"));
}

TEST_P(DisconnectTest, ADelayedWillIsForgottenWhenTheClientComesBackInTime) {  // MQTT-3.1.3-9
  PROVES("5.0 MQTT-3.1.3-9");
  TestBroker broker(options());
  auto& watching = watcher(broker);
  auto& client = broker.client();
  client.connect(with_will(10, 100));
  client.drop();
  broker.advance(Millis(5000));
  auto& again = broker.client();
  again.connect("c", false, 100);
  broker.advance(Millis(60'000));
  EXPECT_THAT(watching.take_publishes(), IsEmpty());
}

TEST_P(DisconnectTest, TheWillDelayEndsWithTheSession) {  // 5.0 section 3.1.3.2.2
  PROVES("5.0 MQTT-3.1.2-8");
  TestBroker broker(options());
  auto& watching = watcher(broker);
  auto& client = broker.client();
  client.connect(with_will(100, 10));
  client.drop();
  broker.advance(Millis(10'000));
  EXPECT_THAT(watching.take_publishes(), ElementsAre("will=gone"));
  broker.advance(Millis(200'000));
  EXPECT_THAT(watching.take_publishes(), IsEmpty()) << "once";
}

TEST_P(DisconnectTest, DisconnectWithWillPublishesItAndPlainDisconnectDoesNot) {  // MQTT-3.14.4-3, 5.0 section 3.14.2.1
  PROVES("5.0 MQTT-3.14.4-3");
  TestBroker broker(options());
  auto& watching = watcher(broker);
  auto& quiet = broker.client();
  quiet.connect(with_will(0, 0));
  quiet.disconnect();
  EXPECT_THAT(watching.take_publishes(), IsEmpty());
  auto& loud = broker.client();
  loud.connect(with_will(0, 0));
  loud.disconnect(ReasonCode::kDisconnectWithWillMessage);
  EXPECT_THAT(watching.take_publishes(), ElementsAre("will=gone"));
}

TEST_P(DisconnectTest, ASessionEndsWhenItsExpiryIntervalHasPassed) {  // MQTT-3.1.2-23
  PROVES("5.0 MQTT-3.1.2-6", "5.0 MQTT-3.1.2-23", "5.0 MQTT-4.1.0-2");
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c", true, 10);
  client.subscribe("t", 1);
  client.drop();
  broker.advance(Millis(9'999));
  EXPECT_EQ(broker.index().size(), 1u);
  broker.advance(Millis(1));
  EXPECT_EQ(broker.index().size(), 0u);
  auto& again = broker.client();
  again.connect("c", false, 10);
  EXPECT_FALSE(again.next_as<mqtt::ConnackView>().session_present);
}

TEST_P(DisconnectTest, DisconnectMayChangeTheExpiryButNotPassWhatAuthenticationAllowed) {
  PROVES("5.0 MQTT-4.1.0-2");
  plugins.auth->on_authenticate = [](const hooks::ConnectRequest&) -> hooks::Answer<hooks::AuthDecision> {
    hooks::AuthDecision decision = allow_connect();
    decision.session_expiry_maximum = Seconds(60);
    return decision;
  };
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c", true, 10);
  client.subscribe("t", 1);
  client.disconnect(ReasonCode::kSuccess, 1'000'000);
  broker.advance(Millis(59'999));
  EXPECT_EQ(broker.index().size(), 1u);
  broker.advance(Millis(1));
  EXPECT_EQ(broker.index().size(), 0u);
}

TEST_P(DisconnectTest, WhoWasLetInForAWhileIsDisconnectedAfterIt) {
  plugins.auth->on_authenticate = [](const hooks::ConnectRequest& request) -> hooks::Answer<hooks::AuthDecision> {
    hooks::AuthDecision decision = allow_connect();
    if (request.client_id != "stays") decision.valid_for = Seconds(60);
    return decision;
  };
  TestBroker broker(options());
  auto& client = broker.client();
  auto& other = broker.client();
  client.connect("c", true, 10);
  other.connect("stays", true, 10);
  client.take_types();
  broker.advance(Millis(59'999));
  EXPECT_TRUE(client.is_open());
  broker.advance(Millis(1));
  EXPECT_EQ(client.next_as<mqtt::DisconnectView>().reason, ReasonCode::kMaximumConnectTime);
  EXPECT_FALSE(client.is_open());
  broker.advance(Seconds(1000));
  EXPECT_TRUE(other.is_open());
}

TEST_P(DisconnectTest, AuthorizationIsAskedWithWhatAuthenticationNoted) {
  std::vector<std::string> noted;
  plugins.auth->on_authenticate = [](const hooks::ConnectRequest& request) -> hooks::Answer<hooks::AuthDecision> {
    hooks::AuthDecision decision = allow_connect();
    if (request.client_id == "c") decision.note = "may read a";
    return decision;
  };
  plugins.auth->on_authorize = [&](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
    const mqtt::PrincipalNote* const note = request.principal->note();
    noted.push_back(note != nullptr ? note->plugin + ": " + note->text : "nothing");
    return access(true);
  };
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  client.subscribe("a", 0);
  auto& other = broker.client();
  other.connect("d");
  other.subscribe("a", 0);
  EXPECT_THAT(noted, ElementsAre("auth: may read a", "nothing"));
}

TEST_P(DisconnectTest, AnExpiryAfterZeroAtConnectIsAProtocolError) {  // 5.0 section 3.14.2.2.2
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  client.next();
  client.disconnect(ReasonCode::kSuccess, 10);
  EXPECT_EQ(client.next_as<mqtt::DisconnectView>().reason, ReasonCode::kProtocolError);
}

TEST_P(DisconnectTest, AnExpiryAfterOneThatWasAskedForAndNotGrantedIsNoError) {  // 5.0 section 3.14.2.2.2
  TestOptions none = options();
  none.session.expiry_interval_max = Seconds(0);
  TestBroker broker(none);
  auto& watcher = broker.client();
  watcher.connect("w");
  watcher.subscribe("gone", 0);
  watcher.take_types();
  auto& client = broker.client();
  ConnectOptions connect;
  connect.client_id = "c";
  connect.session_expiry = 100;
  connect.will_topic = "gone";
  client.connect(connect);
  client.next();
  client.disconnect(ReasonCode::kSuccess, 50);
  EXPECT_FALSE(client.has_next()) << "no DISCONNECT";
  EXPECT_FALSE(client.is_open());
  EXPECT_FALSE(watcher.has_next()) << "no Will";
  auto& again = broker.client();
  again.connect("c", false, 100);
  EXPECT_FALSE(again.next_as<mqtt::ConnackView>().session_present);
}

TEST_P(DisconnectTest, AKickedClientIsToldAndGone) {
  PROVES("5.0 MQTT-3.14.4-2", "5.0 MQTT-4.13.2-1");
  TestBroker broker(options());
  auto& client = broker.client();
  client.connect("c");
  client.next();
  broker.kick("c");
  EXPECT_EQ(client.next_as<mqtt::DisconnectView>().reason, ReasonCode::kAdministrativeAction);
  EXPECT_FALSE(client.is_open());
  broker.kick("c");
  broker.kick("nobody");
}

TEST_P(DisconnectTest, ShutDownTellsEverybodyAndPublishesWills) {  // MQTT-3.1.2-8
  TestBroker broker(options());
  auto& older = broker.client(k311);
  older.connect("o");
  auto& client = broker.client();
  client.connect(with_will(0, 0));
  client.next();
  broker.shut_down();
  EXPECT_EQ(client.next_as<mqtt::DisconnectView>().reason, ReasonCode::kServerShuttingDown);
  EXPECT_FALSE(older.is_open());
}

}  // namespace
}  // namespace mortise::core::testing
