#include "core_test.h"

namespace mortise::core::testing {
namespace {

using mqtt::PropertyId;

/// Clients that ask to be told in words. What is said on the wire otherwise: tests/conformance/sessions.
class ReasonStringTest : public CoreTest {
 protected:
  static TestClient& asking(TestBroker& broker, std::string_view id, bool has_will = false) {
    TestClient& client = broker.client();
    mqtt::PropertyWriter properties;
    properties.put(PropertyId::kRequestProblemInformation, 1u);
    mqtt::ConnectView connect;
    connect.client_id = id;
    connect.clean_start = true;
    connect.properties = properties.view();
    if (has_will) connect.will.emplace().topic = "w";
    std::string bytes;
    mqtt::encode(bytes, connect);
    client.send(bytes);
    return client;
  }
  template <class Packet>
  static std::string_view told(TestClient& client) {
    return client.next_as<Packet>().properties.text(PropertyId::kReasonString).value_or("nothing");
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, ReasonStringTest, ::testing::Values(1, 3));

TEST_P(ReasonStringTest, NothingIsToldOfPlugins) {
  plugins.auth->on_authenticate = [](const hooks::ConnectRequest& request) -> hooks::Answer<hooks::AuthDecision> {
    return request.client_id == "denied" ? deny_connect() : allow_connect();
  };
  plugins.auth->on_authorize = [](const hooks::AccessRequest&) -> hooks::Answer<hooks::AccessDecision> {
    return access(false);
  };
  TestBroker broker(options());
  EXPECT_EQ(told<mqtt::ConnackView>(asking(broker, "denied")), "Bad User Name or Password");
  EXPECT_EQ(told<mqtt::ConnackView>(asking(broker, "c", true)), "Not authorized");

  TestClient& client = asking(broker, "c");
  client.take_types();
  client.publish("t", "x", 1, 7);
  EXPECT_EQ(told<mqtt::AcknowledgementView>(client), "not authorized");
  client.subscribe("t", 1);
  EXPECT_EQ(told<mqtt::SubscriptionAcknowledgementView>(client), "not authorized");
  broker.kick("c");
  EXPECT_EQ(told<mqtt::DisconnectView>(client), "Administrative action");
}

TEST_P(ReasonStringTest, NothingIsToldOfAnotherUser) {
  TestBroker broker(options());
  ConnectOptions owner;
  owner.client_id = "c";
  owner.user_name = "owner";
  broker.client().connect(owner);
  EXPECT_EQ(told<mqtt::ConnackView>(asking(broker, "c")), "Client Identifier not valid");
}

TEST_P(ReasonStringTest, EndsThatNobodyIsToBlameForHaveTheirWordsToo) {
  TestBroker broker(options());
  TestClient& client = asking(broker, "c");
  client.take_types();
  broker.shut_down();
  EXPECT_EQ(told<mqtt::DisconnectView>(client), "Server shutting down");
}

}  // namespace
}  // namespace mortise::core::testing
