#include "tests/broker/affix_fixture.h"
#include "tests/conformance/proof.h"

// Where affix and topic no longer fit together: at the limit of 65,535 bytes, above it, where a topic has no inverse,
// and where the affix itself is wrong.

namespace mortise::broker_tests {
namespace {

constexpr std::size_t kLimit = mqtt::kMaximumStringSize;
constexpr auto k311 = mqtt::ProtocolVersion::k311;
const std::string kPrefix = "tenant/alice/";

TEST_F(AffixTest, ATopicMayReachTheLimitAndNotPassIt) {  // MQTT-4.7.3-3, BUG-CLASS C, F
  PROVES("3.1.1 MQTT-4.7.3-3", "5.0 MQTT-4.7.3-3");
  start_tenants();
  const auto nobody = connect("nobody", "nobody"), tenant = connect("tenant", "alice", k311);
  const std::string longest(kLimit - kPrefix.size(), 'x');
  ASSERT_EQ(subscribe(*nobody, "#"), 0);
  ASSERT_EQ(subscribe(*tenant, longest), 0);  // the filter is as long as the topic
  const auto alice = connect("alice", "alice");
  for (int i = 0; i < 3; ++i) {
    alice->publish(longest, "x");
    expect_message(*nobody, kPrefix + longest, "x");
    expect_message(*tenant, longest, "x");
    nobody->publish(kPrefix + longest, "y");
    expect_message(*nobody, kPrefix + longest, "y");
    expect_message(*tenant, longest, "y");
  }
  const auto older = connect("older", "alice", k311);
  for (WireClient* publisher : {alice.get(), older.get()}) {
    publisher->publish(longest + "x", "one byte too many");
    publisher->publish(longest + "x", "one byte too many", QoS::kAtLeastOnce, 7);
    const auto answer = publisher->next_as<mqtt::AcknowledgementView>();
    EXPECT_EQ(answer->packet_id, 7);
    EXPECT_EQ(answer->reason,
              publisher == alice.get() ? mqtt::ReasonCode::kTopicNameInvalid : mqtt::ReasonCode::kSuccess);
  }
  expect_nothing_else(*nobody, kPrefix + longest, *tenant, longest);
  expect_message(*nobody, kPrefix + longest, "the end");
}

TEST_F(AffixTest, AFilterAboveTheLimitIsRefusedAndTheConnectionGoesOn) {  // R8
  start_tenants();
  const std::string too_long(kLimit - kPrefix.size() + 1, 'x');
  const auto alice = connect("alice", "alice"), older = connect("older", "alice", k311);
  EXPECT_EQ(subscribe(*alice, too_long), 0x8F);
  EXPECT_EQ(subscribe(*older, too_long), 0x80);
  EXPECT_EQ(subscribe(*alice, "$share/g/" + too_long), 0x8F);
  EXPECT_EQ(subscribe(*older, "$share/g/" + too_long), 0x80);
  const std::string longest = too_long.substr(1);
  EXPECT_EQ(subscribe(*older, "$share/g/" + longest), 0);
  alice->unsubscribe(too_long);
  const auto unsuback = alice->next_as<mqtt::SubscriptionAcknowledgementView>();
  ASSERT_EQ(unsuback->codes.size(), 1U);
  EXPECT_NE(unsuback->codes[0], 0);
  EXPECT_EQ(subscribe(*alice, "a"), 0);
  EXPECT_EQ(subscribe(*older, "a"), 0);
  alice->publish("a", "x");
  expect_message(*alice, "a", "x");
  expect_message(*older, "a", "x");
  alice->publish(longest, "y");
  expect_message(*older, longest, "y");
}

TEST_F(AffixTest, AWillAboveTheLimitRefusesTheConnection) {
  start_tenants();
  ConnectOptions options;
  options.client_id = "alice";
  options.user_name = "alice";
  options.will_topic = std::string(kLimit - kPrefix.size() + 1, 'x');
  options.will_payload = "x";
  WireClient refused(port());
  refused.send_connect(options);
  EXPECT_EQ(refused.next_as<mqtt::ConnackView>()->code, 0x90);
  EXPECT_FALSE(refused.next());
  options.will_topic.pop_back();
  const auto nobody = connect("nobody", "nobody");
  subscribe(*nobody, "#");
  connect(options)->drop();
  expect_message(*nobody, kPrefix + options.will_topic, "x");
}

TEST_F(AffixTest, ADeliveryWithoutInverseIsDroppedAndCountedAndHurtsNoOther) {  // R8, BUG-CLASS C: fewer levels
  PROVES("5.0 MQTT-4.7.2-1");
  start_tenants();
  const auto alice = connect("alice", "alice"), both = connect("both", "both"), nobody = connect("nobody", "nobody");
  ASSERT_EQ(subscribe(*alice, "#", QoS::kAtLeastOnce), 1);  // tenant/alice/# also matches tenant/alice
  ASSERT_EQ(subscribe(*both, "+", QoS::kAtLeastOnce), 1);   // p/+/s also matches p//s
  nobody->publish("tenant/alice", "no level is left");
  nobody->publish("tenant/alice/", "an empty topic is left");
  nobody->publish("tenant/alice/$SYS/x", "the broker's own is left");
  nobody->publish("p//s", "an empty topic is left");
  expect_nothing_else(*nobody, "tenant/alice/a", *alice, "a");
  expect_nothing_else(*nobody, "p/a/s", *both, "a");
  EXPECT_EQ(total(&core::ShardCounters::dropped_no_inverse), 4U);
  // The same as retained messages.
  nobody->publish("tenant/alice", "kept", QoS::kAtMostOnce, 0, true);
  nobody->publish("tenant/alice/r", "kept too", QoS::kAtLeastOnce, 9, true);
  ASSERT_EQ(nobody->next_as<mqtt::AcknowledgementView>()->packet_id, 9);
  const auto late = connect("late", "alice");
  ASSERT_EQ(subscribe(*late, "#"), 0);
  expect_message(*late, "r", "kept too", QoS::kAtMostOnce, true);
  expect_nothing_else(*nobody, "tenant/alice/a", *late, "a");
}

TEST_F(AffixTest, AFilterThatJoiningMakesInvalidIsRefusedAndTheOthersOfThePacketStand) {  // R8
  PROVES("5.0 MQTT-3.8.4-5", "5.0 MQTT-3.8.4-6", "5.0 MQTT-3.9.3-1", "5.0 MQTT-3.9.3-2");
  start_tenants();
  const auto both = connect("both", "both");
  mqtt::SubscribeView packet;
  packet.packet_id = 1;
  for (const char* filter : {"a/#", "a/+", "$SYS/x", "$other/x", "$share/g/a/#", "b"})
    packet.requests.push_back({filter, {}});
  both->send(packet);
  const auto suback = both->next_as<mqtt::SubscriptionAcknowledgementView>();
  EXPECT_EQ(std::vector<int>(suback->codes.begin(), suback->codes.end()),
            (std::vector<int>{0x8F, 0, 0, 0x8F, 0x8F, 0}));
  const auto nobody = connect("nobody", "nobody");
  for (const char* topic : {"p/a/x", "p/a/x/y", "p/other", "p/b/s"}) nobody->publish(topic, "x");
  expect_message(*both, "b", "x");
}

TEST_F(AffixTest, AMessageThatIsWrongHalfWayThroughItsPropertiesReachesNobody) {  // BUG-CLASS C
  PROVES("5.0 MQTT-3.14.4-1", "5.0 MQTT-4.13.1-1", "5.0 MQTT-4.13.2-1");
  start_tenants();
  const auto nobody = connect("nobody", "nobody"), tenant = connect("tenant", "alice");
  subscribe(*nobody, "#");
  subscribe(*tenant, "#");
  mqtt::PropertyWriter properties;
  properties.put(PropertyId::kContentType, std::string_view("text/plain"));
  properties.put(PropertyId::kResponseTopic, std::string_view("reply/here"));
  properties.put_pair("name", "value");
  const std::string whole =
      publish_bytes(mqtt::ProtocolVersion::k5, "a", "payload", QoS::kAtMostOnce, 0, false, &properties);
  const std::size_t length_at = 2 + 2 + 1;  // fixed header, topic
  ASSERT_EQ(static_cast<std::size_t>(whole[length_at]), properties.size());
  for (std::size_t length = 0; length < properties.size(); ++length) {
    std::string cut = whole;
    cut[length_at] = static_cast<char>(length);  // the rest of the properties would be payload
    const auto parsed = mqtt::next_frame(as_bytes(cut), cut.size());
    ASSERT_TRUE(parsed && parsed->has_value());
    if (mqtt::decode_publish(**parsed, mqtt::ProtocolVersion::k5)) continue;  // between two properties: another message
    const auto alice = connect("alice", "alice");
    alice->send_bytes(cut);
    EXPECT_EQ(alice->next_as<mqtt::DisconnectView>()->reason, mqtt::ReasonCode::kMalformedPacket) << length;
    EXPECT_FALSE(alice->next());
  }
  expect_nothing_else(*nobody, "tenant/alice/a", *tenant, "a");
  expect_message(*nobody, "tenant/alice/a", "the end");
}

TEST_F(AffixTest, AClientWithoutTheValueItsAffixNeedsIsRefused) {  // BUG-CLASS E
  start(R"(
log: { level: error }
plugins: [ { name: tenants, library: "@plugins/topic-affix.so", config: { prefix: "tenant/%u/" } } ]
hooks: { topic: [tenants] }
)");
  for (const std::optional<std::string>& user :
       {std::optional<std::string>(), std::optional<std::string>(""), std::optional<std::string>("a/b"),
        std::optional<std::string>("+"), std::optional<std::string>("#")}) {
    WireClient client(port());
    ConnectOptions options;
    options.client_id = "x";
    options.user_name = user;
    client.send_connect(options);
    EXPECT_GE(client.next_as<mqtt::ConnackView>()->code, 0x80) << user.value_or("(none)");
    EXPECT_FALSE(client.next());
  }
  const auto alice = connect("x", "alice");
  EXPECT_EQ(subscribe(*alice, "#"), 0);
}

class BadAffix : public AffixTest, public ::testing::WithParamInterface<int> {};

TEST_P(BadAffix, RefusesTheConnectionAndNobodyElse) {  // R8, abuse 29
  start(R"(
log: { level: error }
plugins:
  - { name: bad, library: "@test/bad-affix.so", config: { what: )" +
        std::to_string(GetParam()) + R"( } }
  - { name: rules, library: "@plugins/topic-affix.so", config: { rules: [ { user: nobody } ] } }
hooks: { topic: [rules, bad] }
)");
  const auto nobody = connect("nobody", "nobody", k311);
  ASSERT_EQ(subscribe(*nobody, "#"), 0);
  for (const auto version : {mqtt::ProtocolVersion::k5, k311}) {
    WireClient refused(port(), version);
    ConnectOptions options;
    options.client_id = "refused";
    options.user_name = "alice";
    options.will_topic = "w";
    options.will_payload = "must not be seen";
    refused.send_connect(options);
    EXPECT_NE(refused.next_as<mqtt::ConnackView>()->code, 0);
    EXPECT_FALSE(refused.next());
  }
  expect_nothing_else(*nobody, "a", *nobody, "a");
}

INSTANTIATE_TEST_SUITE_P(EachMistake, BadAffix, ::testing::Range(0, 9));

}  // namespace
}  // namespace mortise::broker_tests
