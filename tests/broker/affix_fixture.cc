#include "tests/broker/affix_fixture.h"

namespace mortise::broker_tests {

void AffixTest::start_tenants(const std::string& more) {
  start(R"(
log: { level: error }
session: { takeover: any }
plugins:
  - name: tenants
    library: "@plugins/topic-affix.so"
    config:
      rules:
        - { user: alice, prefix: "tenant/%u/" }
        - { user: bob, prefix: "tenant/%u/" }
        - { user: publisher, prefix: "tenant/alice/", operations: [publish, will] }
        - { user: both, prefix: "p/", suffix: "/s" }
        - { user: empty, prefix: "", suffix: "" }
        - { user: operator }
)" + more +
        R"(
hooks: { topic: [tenants] }
)");
}

void AffixTest::expect_message(WireClient& client, std::string_view topic, std::string_view payload, QoS qos,
                               bool retain, const mqtt::PropertyWriter* properties) {
  const std::optional<Packet> packet = client.next();
  ASSERT_TRUE(packet) << "the connection ended instead of " << topic.substr(0, 80);
  ASSERT_EQ(packet->type, mqtt::PacketType::kPublish);
  const mqtt::PacketId packet_id = client.decode_as<mqtt::PublishView>(*packet)->packet_id;
  const std::string expected = publish_bytes(client.version(), topic, payload, qos, packet_id, retain, properties);
  ASSERT_EQ(packet->bytes.size(), expected.size());
  ASSERT_TRUE(packet->bytes == expected) << quoted(packet->bytes, 400) << " instead of " << quoted(expected, 400);
  if (qos == QoS::kAtLeastOnce) client.acknowledge(mqtt::PacketType::kPuback, packet_id);
  if (qos != QoS::kExactlyOnce) return;
  client.acknowledge(mqtt::PacketType::kPubrec, packet_id);
  ASSERT_EQ(client.next_as<mqtt::AcknowledgementView>()->type, mqtt::PacketType::kPubrel);
  client.acknowledge(mqtt::PacketType::kPubcomp, packet_id);
}

void AffixTest::expect_nothing_but(WireClient& client, std::string_view topic, std::string_view payload,
                                   const mqtt::PropertyWriter* properties) {
  client.send(mqtt::PingreqView{});
  for (;;) {
    const std::optional<Packet> packet = client.next();
    ASSERT_TRUE(packet) << "the connection ended";
    if (packet->type == mqtt::PacketType::kPingresp) return;
    ASSERT_EQ(packet->type, mqtt::PacketType::kPublish);
    const mqtt::PacketId packet_id = client.decode_as<mqtt::PublishView>(*packet)->packet_id;
    const std::string replayed =
        publish_bytes(client.version(), topic, payload, QoS::kAtLeastOnce, packet_id, true, properties);
    const std::string removal = publish_bytes(client.version(), topic, "");
    EXPECT_TRUE(packet->bytes == replayed || packet->bytes == removal) << quoted(packet->bytes, 200);
  }
}

void AffixTest::expect_nothing_else(WireClient& from, std::string_view sent, WireClient& to,
                                    std::string_view received) {
  from.publish(sent, "the end");
  expect_message(to, received, "the end");
}

mqtt::ReasonCode AffixTest::publish_acknowledged(WireClient& client, std::string_view topic, std::string_view payload,
                                                 bool retain) {
  client.publish(topic, payload, QoS::kAtLeastOnce, 1, retain);
  return client.next_as<mqtt::AcknowledgementView>()->reason;
}

}  // namespace mortise::broker_tests
