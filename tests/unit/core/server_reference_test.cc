#include "core_test.h"

namespace mortise::core::testing {
namespace {

using mqtt::PropertyId;

/// node.server_reference and node.server_moved. CONNACK and its sizes: tests/conformance/sessions/connack.
class ServerReferenceTest : public CoreTest {
 protected:
  TestOptions elsewhere() {
    TestOptions made = options();
    made.mqtt.server_reference = "other.example:1883";
    return made;
  }
  static TestClient& connected(TestBroker& broker, std::string_view id) {
    TestClient& client = broker.client();
    client.connect(id);
    client.take_types();
    return client;
  }
  template <class Packet>
  static std::string_view reference_of(const Packet& packet) {
    return packet.properties.text(PropertyId::kServerReference).value_or("nowhere");
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, ServerReferenceTest, ::testing::Values(1, 3));

TEST_P(ServerReferenceTest, WhoeverIsThereWhenTheBrokerShutsDownIsSentElsewhere) {  // 5.0 section 4.11
  TestBroker broker(elsewhere());
  TestClient& client = connected(broker, "c");
  TestClient& older = broker.client(k311);
  older.connect("o");
  older.take_types();
  broker.shut_down();
  const auto packet = client.next_as<mqtt::DisconnectView>();
  EXPECT_EQ(packet.reason, ReasonCode::kUseAnotherServer);
  EXPECT_EQ(reference_of(packet), "other.example:1883");
  EXPECT_FALSE(older.is_open());
  EXPECT_FALSE(older.has_next());

  TestClient& late = broker.client();
  late.connect("d");
  const auto refused = late.next_as<mqtt::ConnackView>();
  EXPECT_EQ(refused.code, static_cast<std::uint8_t>(ReasonCode::kUseAnotherServer));
  EXPECT_EQ(reference_of(refused), "other.example:1883");
}

TEST_P(ServerReferenceTest, APluginSendsOneAway) {
  plugins.auth->on_authenticate = [](const hooks::ConnectRequest& request) -> hooks::Answer<hooks::AuthDecision> {
    if (request.client_id == "away") return deny_connect(ReasonCode::kServerMoved);
    return request.client_id == "denied" ? deny_connect() : allow_connect();
  };
  TestBroker broker(elsewhere());
  TestClient& away = broker.client();
  away.connect("away");
  const auto refused = away.next_as<mqtt::ConnackView>();
  EXPECT_EQ(refused.code, static_cast<std::uint8_t>(ReasonCode::kServerMoved));
  EXPECT_EQ(reference_of(refused), "other.example:1883");
  TestClient& denied = broker.client();
  denied.connect("denied");
  EXPECT_EQ(reference_of(denied.next_as<mqtt::ConnackView>()), "nowhere") << "another Reason Code has none";

  TestClient& client = connected(broker, "c");
  broker.perform_intent("c", hooks::DisconnectIntent{"", "c", ReasonCode::kUseAnotherServer});
  const auto packet = client.next_as<mqtt::DisconnectView>();
  EXPECT_EQ(packet.reason, ReasonCode::kUseAnotherServer);
  EXPECT_EQ(reference_of(packet), "other.example:1883");
}

TEST_P(ServerReferenceTest, WithoutOneTheReasonCodesStandAlone) {
  TestBroker broker(options());
  TestClient& client = connected(broker, "c");
  broker.perform_intent("c", hooks::DisconnectIntent{"", "c", ReasonCode::kUseAnotherServer});
  const auto packet = client.next_as<mqtt::DisconnectView>();
  EXPECT_EQ(packet.reason, ReasonCode::kUseAnotherServer);
  EXPECT_EQ(reference_of(packet), "nowhere");
}

TEST_P(ServerReferenceTest, ItIsLeftOutWhereTheClientTakesNoPacketOfThatSize) {  // MQTT-3.1.2-24
  TestBroker broker(elsewhere());
  ConnectOptions options;
  options.client_id = "c";
  // Fixed header, Reason Code, Property Length, the property.
  options.maximum_packet_size = 2 + 1 + 1 + 3 + 18;
  TestClient& just = broker.client();
  just.connect(options);
  just.take_types();
  options.client_id = "d";
  --options.maximum_packet_size;
  TestClient& too_small = broker.client();
  too_small.connect(options);
  too_small.take_types();
  broker.shut_down();
  EXPECT_EQ(reference_of(just.next_as<mqtt::DisconnectView>()), "other.example:1883");
  const auto packet = too_small.next_as<mqtt::DisconnectView>();
  EXPECT_EQ(packet.reason, ReasonCode::kUseAnotherServer);
  EXPECT_EQ(reference_of(packet), "nowhere");
}

}  // namespace
}  // namespace mortise::core::testing
