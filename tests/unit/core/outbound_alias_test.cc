#include <random>

#include "core_test.h"
#include "tests/conformance/proof.h"

namespace mortise::core::testing {
namespace {

using mqtt::PropertyId;
using mqtt::PublishView;

class OutboundAliasTest : public CoreTest {
 protected:
  /// A subscriber to everything that takes `maximum` Topic Aliases.
  static TestClient& subscriber(TestBroker& broker, std::uint16_t maximum, std::uint32_t maximum_packet_size = 0,
                                int qos = 0) {
    TestClient& client = broker.client();
    ConnectOptions options;
    options.client_id = "s" + std::to_string(broker.clients());
    options.topic_alias_maximum = maximum;
    options.maximum_packet_size = maximum_packet_size;
    client.connect(options);
    client.subscribe("#", qos);
    client.take_types();
    return client;
  }
  static TestClient& publisher(TestBroker& broker) {
    TestClient& client = broker.client();
    client.connect("p");
    client.take_types();
    return client;
  }
  struct Seen {
    std::string topic;
    std::uint32_t alias;
    bool operator==(const Seen&) const = default;
  };
  static Seen next(TestClient& client) {
    const auto packet = client.next_as<PublishView>();
    return {std::string(packet.topic), packet.properties.number(PropertyId::kTopicAlias).value_or(0)};
  }
};
INSTANTIATE_TEST_SUITE_P(Loops, OutboundAliasTest, ::testing::Values(1, 3));

TEST_P(OutboundAliasTest, ATopicIsSaidOnceAndOthersGetWhatTheyAlwaysGot) {
  PROVES("5.0 MQTT-3.1.2-26", "5.0 MQTT-3.1.2-27", "5.0 MQTT-3.3.2-11");
  TestBroker broker(options());
  TestClient& with = subscriber(broker, 5);
  TestClient& without = subscriber(broker, 0);
  TestClient& old = broker.client(k311);
  old.connect("old");
  old.subscribe("#", 0);
  old.take_types();
  TestClient& client = publisher(broker);
  for (int i = 0; i < 3; ++i) {
    client.publish("some/topic", "x");
    EXPECT_EQ(next(with), (Seen{i == 0 ? "some/topic" : "", 1}));
    EXPECT_EQ(next(without), (Seen{"some/topic", 0}));
    EXPECT_EQ(next(old), (Seen{"some/topic", 0}));
  }
  EXPECT_EQ(broker.total(&ShardCounters::topics_left_out), 2u);
}

TEST_P(OutboundAliasTest, TheServersOwnLimitHoldsToo) {
  TestOptions made = options();
  made.mqtt.outbound_topic_alias_maximum = 1;
  TestBroker broker(std::move(made));
  TestClient& client = subscriber(broker, 100);
  TestClient& from = publisher(broker);
  from.publish("first", "x");
  from.publish("second", "x");
  EXPECT_EQ(next(client), (Seen{"first", 1}));
  EXPECT_EQ(next(client), (Seen{"second", 0}));
}

TEST_P(OutboundAliasTest, AMessageThatIsTooLargeLeavesNoAliasBehind) {
  PROVES("5.0 MQTT-3.1.2-24");
  TestBroker broker(options());
  constexpr std::uint32_t kMaximum = 40;
  // Fixed header, the topic and its length, Property Length, payload.
  const std::size_t fits_alone = kMaximum - (2 + 2 + 5 + 1);
  TestClient& client = subscriber(broker, 5, kMaximum);
  TestClient& from = publisher(broker);
  from.publish("topic", std::string(fits_alone + 1, 'x'));  // with and without an alias
  EXPECT_FALSE(client.has_next());
  from.publish("topic", std::string(fits_alone, 'x'));  // without
  EXPECT_EQ(next(client), (Seen{"topic", 0}));
  from.publish("topic", std::string(fits_alone - 3, 'x'));  // just with
  EXPECT_EQ(next(client), (Seen{"topic", 1}));
  from.publish("topic", std::string(fits_alone + 2, 'x'));  // the topic left out
  EXPECT_EQ(next(client), (Seen{"", 1}));
  from.publish("topic", std::string(fits_alone + 3, 'x'));
  EXPECT_FALSE(client.has_next());
  EXPECT_EQ(broker.total(&ShardCounters::dropped_too_large), 2u);
}

TEST_P(OutboundAliasTest, AnAliasEndsWithItsConnectionAndWhatIsSentAgainHasItsTopic) {
  PROVES("5.0 MQTT-3.3.2-7");
  TestBroker broker(options());
  ConnectOptions options;
  options.client_id = "s";
  options.clean_start = false;
  options.session_expiry = 100;
  options.topic_alias_maximum = 5;
  TestClient& first = broker.client();
  first.connect(options);
  first.subscribe("#", 1);
  first.take_types();
  TestClient& from = publisher(broker);
  from.publish("topic", "1", 1, 1);
  from.publish("topic", "2", 1, 2);
  EXPECT_EQ(next(first), (Seen{"topic", 1}));
  EXPECT_EQ(next(first), (Seen{"", 1}));
  first.drop();
  TestClient& second = broker.client();
  options.topic_alias_maximum = 0;
  second.connect(options);
  second.next();
  EXPECT_EQ(next(second), (Seen{"topic", 0}));
  EXPECT_EQ(next(second), (Seen{"topic", 0}));
  second.drop();
  TestClient& third = broker.client();
  options.topic_alias_maximum = 1;
  third.connect(options);
  third.next();
  EXPECT_EQ(next(third), (Seen{"topic", 1}));
  EXPECT_EQ(next(third), (Seen{"", 1}));
}

TEST_P(OutboundAliasTest, TheTopicIsTheOneThatTheClientKnows) {
  plugins.topic->on_bind = [](const hooks::BindRequest& request) -> hooks::Answer<hooks::BindDecision> {
    return bind_to(request.principal->client_id == "p" ? "" : "tenant/");
  };
  TestBroker broker(options());
  TestClient& client = subscriber(broker, 5);
  TestClient& from = publisher(broker);
  from.publish("tenant/topic", "x");
  from.publish("tenant/topic", "x");
  EXPECT_EQ(next(client), (Seen{"topic", 1}));
  EXPECT_EQ(next(client), (Seen{"", 1}));
}

TEST_P(OutboundAliasTest, LargePayloadsRetainedOnesAndIdentifiersComeWithAliasesToo) {
  TestBroker broker(options());
  TestClient& client = subscriber(broker, 5, 0, 2);
  mqtt::SubscribeView packet;
  mqtt::PropertyWriter properties;
  properties.put(PropertyId::kSubscriptionIdentifier, 7u);
  packet.packet_id = 2;
  packet.properties = properties.view();
  packet.requests.push_back({"large", {}});
  client.send(packet);
  client.take_types();
  const std::string large(Outbox::kReferenceFrom + 1, 'x');
  TestClient& from = publisher(broker);
  for (const int qos : {0, 1, 2}) {
    from.publish("large", large, qos, static_cast<mqtt::PacketId>(qos), true);
    const auto message = client.next_as<PublishView>();
    EXPECT_EQ(message.topic, qos == 0 ? "large" : "");
    EXPECT_EQ(as_text(message.payload), large);
    EXPECT_EQ(message.properties.number(PropertyId::kTopicAlias), 1u);
    EXPECT_EQ(message.properties.number(PropertyId::kSubscriptionIdentifier), 7u);
  }
}

/// Of many topics, with sizes around what the client takes, each PUBLISH is what was published.
TEST_P(OutboundAliasTest, WhateverIsPublishedIsWhatTheClientReads) {
  PROVES("5.0 MQTT-3.3.2-8");
  std::minstd_rand random(7);
  for (const std::uint16_t maximum : {std::uint16_t{1}, std::uint16_t{3}, std::uint16_t{16}}) {
    TestBroker broker(options());
    TestClient& client = subscriber(broker, maximum, 70);
    TestClient& reference = subscriber(broker, 0);
    TestClient& from = publisher(broker);
    std::size_t received = 0;
    for (int i = 0; i < 1500; ++i) {
      const std::string topic = "topic/" + std::to_string(random() % (random() % 3 == 0 ? 60 : 6));
      from.publish(topic, std::to_string(i) + std::string(random() % 60, '.'), static_cast<int>(random() % 2), 1);
      const auto whole = reference.take_publishes();
      ASSERT_EQ(whole.size(), 1u);
      if (!client.has_next()) continue;
      const std::string bytes = client.next().bytes;
      ASSERT_LE(bytes.size(), 70u);
      const auto frame = mqtt::next_frame(as_bytes(bytes), bytes.size());
      const auto packet = mqtt::decode_publish(**frame, mqtt::ProtocolVersion::k5);
      ASSERT_TRUE(packet);
      const auto alias = packet->properties.number(PropertyId::kTopicAlias);
      ASSERT_TRUE(!alias || (*alias > 0 && *alias <= maximum));
      ASSERT_EQ(client.topic_of(*packet) + "=" + std::string(as_text(packet->payload)), whole[0]);
      ++received;
    }
    EXPECT_GT(received, 700u);
    EXPECT_GT(broker.total(&ShardCounters::topics_left_out), 100u) << "with one alias for all of them, too";
  }
}

}  // namespace
}  // namespace mortise::core::testing
