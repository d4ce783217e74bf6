#include <array>
#include <random>

#include "tests/broker/affix_fixture.h"
#include "tests/conformance/proof.h"

// The second seed bug: a topic is rewritten where somebody else still reads it. Through the real plugin, host, loops
// and sockets, every receiver's bytes are compared with what they must be, all of them.

namespace mortise::broker_tests {
namespace {

constexpr std::array kVersions = {mqtt::ProtocolVersion::k31, mqtt::ProtocolVersion::k311, mqtt::ProtocolVersion::k5};
constexpr std::array kQualities = {QoS::kAtMostOnce, QoS::kAtLeastOnce, QoS::kExactlyOnce};

TEST_F(AffixTest, OneMessageReachesReceiversOfEveryVersionAffixAndQoSWithTheirOwnBytes) {  // BUG-CLASS A, C
  PROVES("3.1.1 MQTT-2.3.1-5", "3.1.1 MQTT-2.3.1-6", "3.1.1 MQTT-3.3.2-1", "3.1.1 MQTT-3.3.2-3", "3.1.1 MQTT-3.8.4-6",
         "3.1.1 MQTT-4.3.1-1", "5.0 MQTT-2.2.1-2", "5.0 MQTT-2.2.1-5", "5.0 MQTT-3.3.2-1", "5.0 MQTT-3.3.2-3",
         "5.0 MQTT-3.3.2-4", "5.0 MQTT-3.3.2-15", "5.0 MQTT-3.3.2-16", "5.0 MQTT-3.3.2-17", "5.0 MQTT-3.3.2-18",
         "5.0 MQTT-3.3.2-20", "5.0 MQTT-3.8.4-7", "5.0 MQTT-3.8.4-8", "5.0 MQTT-4.3.1-1");
  start_tenants();
  struct Receiver {
    std::unique_ptr<WireClient> client;
    std::string topic;
    QoS qos = QoS::kAtMostOnce;
    std::uint32_t identifier = 0;
  };
  std::vector<Receiver> receivers;
  for (const auto version : kVersions) {
    for (const QoS qos : kQualities) {
      for (const std::string user : {"alice", "empty", "operator", "nobody"}) {
        const std::string number = std::to_string(receivers.size());
        Receiver receiver{connect("receiver" + number, user, version), "a/b", qos, 0};
        if (user != "alice") receiver.topic = "tenant/alice/a/b";
        if (version == mqtt::ProtocolVersion::k5) receiver.identifier = static_cast<std::uint32_t>(receivers.size());
        ASSERT_EQ(subscribe(*receiver.client, receiver.topic, qos, receiver.identifier), static_cast<int>(qos));
        receivers.push_back(std::move(receiver));
      }
    }
  }
  const auto alice = connect("publisher", "alice"), stranger = connect("stranger", "bob");
  subscribe(*stranger, "#");
  for (const QoS qos : kQualities) {
    mqtt::PropertyWriter properties;
    properties.put(PropertyId::kPayloadFormatIndicator, 1);
    properties.put(PropertyId::kContentType, std::string_view("text/plain"));
    properties.put(PropertyId::kResponseTopic, std::string_view("reply/here"));  // passes unaltered
    properties.put(PropertyId::kCorrelationData, std::string_view("\x01\x02"));
    properties.put_pair("name", "value");
    properties.put_pair("name", "");
    const std::string payload(qos == QoS::kAtLeastOnce ? 20'000 : 5, 'x');  // referenced, or copied
    alice->publish("a/b", payload, qos, 1, false, &properties);
    for (const Receiver& receiver : receivers) {
      mqtt::PropertyWriter expected;
      if (receiver.identifier != 0) expected.put(PropertyId::kSubscriptionIdentifier, receiver.identifier);
      properties.view().for_each([&](const mqtt::PropertyView& property) { expected.put(property); });
      expect_message(*receiver.client, receiver.topic, payload, std::min(qos, receiver.qos), false, &expected);
    }
    if (qos == QoS::kAtMostOnce) continue;
    ASSERT_EQ(alice->next_as<mqtt::AcknowledgementView>()->packet_id, 1);
    if (qos == QoS::kAtLeastOnce) continue;
    alice->acknowledge(mqtt::PacketType::kPubrel, 1);
    ASSERT_EQ(alice->next_as<mqtt::AcknowledgementView>()->type, mqtt::PacketType::kPubcomp);
  }
  const auto end = connect("end", "nobody");
  expect_nothing_else(*end, "tenant/bob/end", *stranger, "end");
}

TEST_F(AffixTest, AnAffixThatChangesNothingPassesEveryTopicAsItIs) {  // BUG-CLASS C: yields the same topic
  PROVES("5.0 MQTT-4.7.3-3");
  start_tenants();
  const auto empty = connect("empty", "empty"), nobody = connect("nobody", "nobody"),
             from = connect("from", "operator");
  for (WireClient* receiver : {empty.get(), nobody.get()}) subscribe(*receiver, "#", QoS::kAtLeastOnce);
  std::vector<std::string> topics = {"a", "/", "//", "a//b", "/a/", " ", "tenant/alice/a", "\xF0\x9F\x98\x80/%u"};
  topics.push_back(std::string(65535, 'l'));
  for (const std::string& topic : topics) {
    for (WireClient* publisher : {from.get(), empty.get(), nobody.get()}) {
      publisher->publish(topic, topic, QoS::kAtMostOnce);
      for (WireClient* receiver : {empty.get(), nobody.get()}) expect_message(*receiver, topic, topic);
    }
  }
}

TEST_F(AffixTest, NoByteOfALongerTopicIsLeftInAShorterOne) {  // BUG-CLASS C: stale length
  start_tenants();
  std::mt19937 random(7);
  struct Tenant {
    std::string user, prefix, suffix;
    char letter;
    std::unique_ptr<WireClient> publisher, receiver;
  };
  std::array<Tenant, 3> tenants = {Tenant{"alice", "tenant/alice/", "", 'A', nullptr, nullptr},
                                   Tenant{"bob", "tenant/bob/", "", 'B', nullptr, nullptr},
                                   Tenant{"both", "p/", "/s", 'C', nullptr, nullptr}};
  const auto all = connect("all", "nobody", mqtt::ProtocolVersion::k311);
  subscribe(*all, "#");
  for (Tenant& tenant : tenants) {
    tenant.publisher = connect("from-" + tenant.user, tenant.user);
    tenant.receiver = connect("to-" + tenant.user, tenant.user);
    ASSERT_EQ(subscribe(*tenant.receiver, "+"), 0);
  }
  for (int i = 0; i < 600; ++i) {
    const Tenant& tenant = tenants[random() % tenants.size()];
    // Lengths jump between tiny and large; each tenant's topics and payloads are made of its own letter alone.
    const std::size_t size = random() % 3 == 0 ? 1 + random() % 3000 : 1 + random() % 8;
    const std::string topic(size, tenant.letter), payload(random() % 5000, tenant.letter);
    tenant.publisher->publish(topic, payload);
    expect_message(*tenant.receiver, topic, payload);
    expect_message(*all, tenant.prefix + topic + tenant.suffix, payload);
    if (HasFatalFailure()) return;
  }
}

TEST_F(AffixTest, ATopicAliasStandsForTheRewrittenTopicOnItsOwnConnectionOnly) {  // BUG-CLASS C: alias and rewriting
  PROVES("5.0 MQTT-3.3.2-7", "5.0 MQTT-3.14.4-1");
  start_tenants();
  const auto alice = connect("alice", "alice"), bob = connect("bob", "bob"), all = connect("all", "nobody");
  ConnectOptions takes_aliases;
  takes_aliases.client_id = "takes-aliases";
  takes_aliases.user_name = "alice";
  takes_aliases.topic_alias_maximum = 10;
  const auto tenant = connect(takes_aliases);
  subscribe(*all, "#");
  subscribe(*tenant, "#");
  mqtt::PropertyWriter alias;
  alias.put(PropertyId::kTopicAlias, 1);
  const auto say = [&](WireClient& client, std::string_view topic, std::string_view payload) {
    client.publish(topic, payload, QoS::kAtMostOnce, 0, false, &alias);
  };
  say(*bob, "of-bob", "0");
  expect_message(*all, "tenant/bob/of-bob", "0");
  for (const std::string topic : {"a-longer-topic", "b"}) {
    say(*alice, topic, "1");
    for (int i = 0; i < 3; ++i) {
      expect_message(*all, "tenant/alice/" + topic, "1");
      // The broker's own alias, of the name that the tenant knows; one byte is not worth one.
      const bool is_aliased = topic != "b", is_left_out = is_aliased && i > 0;
      expect_message(*tenant, is_left_out ? "" : topic, "1", QoS::kAtMostOnce, false, is_aliased ? &alias : nullptr);
      if (i < 2) say(*alice, "", "1");
    }
  }
  say(*bob, "", "2");
  expect_message(*all, "tenant/bob/of-bob", "2");
  // A new connection knows none.
  const auto again = connect("alice", "alice");
  say(*again, "", "3");
  EXPECT_EQ(again->next_as<mqtt::DisconnectView>()->reason, mqtt::ReasonCode::kProtocolError);
  EXPECT_FALSE(again->next());
  expect_nothing_else(*bob, "end", *all, "tenant/bob/end");
}

TEST_F(AffixTest, ARetainedMessageIsReplayedUnderEachReceiversNameHoweverOften) {  // BUG-CLASS A, C: rewriting twice
  PROVES("3.1.1 MQTT-3.3.1-10", "3.1.1 MQTT-3.8.4-6", "5.0 MQTT-3.3.1-6", "5.0 MQTT-3.8.4-8");
  start_tenants();
  const auto alice = connect("alice", "alice"), nobody = connect("nobody", "nobody"), bob = connect("bob", "bob");
  mqtt::PropertyWriter properties;
  properties.put_pair("name", "value");
  alice->publish("r/long-name", "kept", QoS::kAtLeastOnce, 1, true, &properties);
  ASSERT_EQ(alice->next_as<mqtt::AcknowledgementView>()->packet_id, 1);
  ASSERT_EQ(publish_acknowledged(*alice, "r/x", "short", true), mqtt::ReasonCode::kNoMatchingSubscribers);
  for (int i = 0; i < 3; ++i) {
    for (const auto version : kVersions) {
      const auto late = connect("late", "alice", version);
      subscribe(*late, "r/long-name", QoS::kAtLeastOnce);
      expect_message(*late, "r/long-name", "kept", QoS::kAtLeastOnce, true, &properties);
      subscribe(*late, "r/x");
      expect_message(*late, "r/x", "short", QoS::kAtMostOnce, true);
      const auto plain = connect("plain", "nobody", version);
      subscribe(*plain, "tenant/+/r/long-name");
      expect_message(*plain, "tenant/alice/r/long-name", "kept", QoS::kAtMostOnce, true, &properties);
    }
  }
  subscribe(*bob, "#");
  expect_nothing_else(*nobody, "tenant/bob/end", *bob, "end");
  // Removed by her name, and gone under every name.
  ASSERT_LT(static_cast<int>(publish_acknowledged(*alice, "r/long-name", "", true)), 0x80);
  const auto late = connect("late", "alice");
  subscribe(*late, "r/long-name");
  expect_nothing_else(*alice, "r/long-name", *late, "r/long-name");
}

TEST_F(AffixTest, ARetainedMessageGoesToReceiversOfMixedVersionsAtOnce) {  // BUG-CLASS A
  start_tenants();
  const auto alice = connect("alice", "alice");
  mqtt::PropertyWriter properties;
  properties.put(PropertyId::kContentType, std::string_view("text/plain"));
  properties.put_pair("name", "value");
  const std::string payload(10'000, 'x');
  alice->publish("r", payload, QoS::kAtLeastOnce, 1, true, &properties);
  ASSERT_EQ(alice->next_as<mqtt::AcknowledgementView>()->packet_id, 1);
  std::vector<std::pair<std::unique_ptr<WireClient>, std::string>> receivers;
  for (int i = 0; i < 24; ++i) {
    const std::string user = i % 2 == 0 ? "alice" : "nobody", topic = i % 2 == 0 ? "r" : "tenant/alice/r";
    receivers.emplace_back(connect("receiver" + std::to_string(i), user, kVersions[static_cast<std::size_t>(i) % 3]),
                           topic);
  }
  for (const auto& [client, topic] : receivers) client->subscribe(topic, QoS::kAtLeastOnce);
  // Replaced, and gone, while they are served.
  alice->publish("r", "", QoS::kAtMostOnce, 0, true);
  for (const auto& [client, topic] : receivers) {
    std::optional<Packet> packet = client->next();
    ASSERT_TRUE(packet);
    ASSERT_EQ(packet->type, mqtt::PacketType::kSuback);
    // The removal comes as a message too, before or after the replay or instead of it.
    expect_nothing_but(*client, topic, payload, &properties);
  }
}

TEST_F(AffixTest, ASecondDeliveryHasTheBytesOfTheFirstWhateverOthersWereSent) {  // BUG-CLASS A, MQTT-4.4.0-1
  PROVES("3.1.1 MQTT-3.3.1-1", "3.1.1 MQTT-4.4.0-1", "5.0 MQTT-3.3.1-1", "5.0 MQTT-4.3.3-12", "5.0 MQTT-4.4.0-1");
  start_tenants();
  ConnectOptions options;
  options.clean_start = false;
  options.session_expiry = 1000;
  const auto publisher = connect("publisher", "publisher");
  mqtt::PropertyWriter properties;
  properties.put_pair("name", "value");
  for (const QoS qos : {QoS::kAtLeastOnce, QoS::kExactlyOnce}) {
    for (const auto version : {mqtt::ProtocolVersion::k311, mqtt::ProtocolVersion::k5}) {
      options.client_id = "asleep" + std::to_string(static_cast<int>(version)) + std::to_string(static_cast<int>(qos));
      options.user_name = version == mqtt::ProtocolVersion::k5 ? "alice" : "nobody";
      const std::string topic = version == mqtt::ProtocolVersion::k5 ? "q" : "tenant/alice/q";
      auto asleep = connect(options, version);
      ASSERT_EQ(subscribe(*asleep, topic, qos), static_cast<int>(qos));
      const auto other = connect("other", "alice");
      subscribe(*other, "#");
      for (const char* payload : {"first", "second"}) {
        publisher->publish("q", payload, QoS::kExactlyOnce, 7, false, &properties);
        ASSERT_EQ(publisher->next_as<mqtt::AcknowledgementView>()->type, mqtt::PacketType::kPubrec);
        publisher->acknowledge(mqtt::PacketType::kPubrel, 7);
        ASSERT_EQ(publisher->next_as<mqtt::AcknowledgementView>()->type, mqtt::PacketType::kPubcomp);
        expect_message(*other, "q", payload, QoS::kAtMostOnce, false, &properties);
      }
      std::vector<std::string> first;
      for (int i = 0; i < 2; ++i) first.push_back(asleep->next()->bytes);
      for (int round = 0; round < 3; ++round) {
        asleep->drop(true);
        publisher->publish("something/quite/different", "x");
        expect_message(*other, "something/quite/different", "x");
        asleep = connect(options, version);
        for (std::string bytes : first) {
          bytes[0] = static_cast<char>(bytes[0] | 0x08);  // DUP
          EXPECT_EQ(asleep->next()->bytes, bytes);
        }
      }
    }
  }
}

TEST_F(AffixTest, AWillIsRewrittenOnceAndOutlivesItsConnection) {  // BUG-CLASS A, C
  PROVES("3.1.1 MQTT-3.1.2-8", "3.1.1 MQTT-3.1.2-17", "5.0 MQTT-3.1.2-15");
  start_tenants();
  const auto alice = connect("alice", "alice"), bob = connect("bob", "bob"), nobody = connect("nobody", "nobody");
  for (WireClient* receiver : {alice.get(), bob.get(), nobody.get()}) subscribe(*receiver, "#", QoS::kAtLeastOnce);
  for (const auto version : kVersions) {
    for (const std::string user : {"alice", "publisher"}) {
      ConnectOptions options;
      options.client_id = "dies";
      options.user_name = user;
      options.will_topic = "w";
      options.will_payload = "gone";
      options.will_qos = QoS::kAtLeastOnce;
      options.will_retain = true;
      connect(options, version)->drop(true);
      expect_message(*alice, "w", "gone", QoS::kAtLeastOnce);
      expect_message(*nobody, "tenant/alice/w", "gone", QoS::kAtLeastOnce);
      const auto late = connect("late", "alice", version);
      subscribe(*late, "w");
      expect_message(*late, "w", "gone", QoS::kAtMostOnce, true);
    }
  }
  expect_nothing_else(*nobody, "tenant/bob/end", *bob, "end");
}

TEST_F(AffixTest, ASharedSubscriptionKeepsItsTenantsApart) {  // BUG-CLASS C: shared filters
  PROVES("3.1.1 MQTT-3.10.4-2", "5.0 MQTT-3.10.4-2", "5.0 MQTT-3.10.4-4");
  start_tenants();
  const auto one = connect("one", "alice"), two = connect("two", "alice", mqtt::ProtocolVersion::k311);
  const auto other = connect("other", "bob"), nobody = connect("nobody", "nobody");
  for (WireClient* member : {one.get(), two.get(), other.get()}) ASSERT_EQ(subscribe(*member, "$share/g/job/+"), 0);
  ASSERT_EQ(subscribe(*nobody, "$share/g/tenant/+/job/+"), 0);
  const auto alice = connect("alice", "alice");
  constexpr int kJobs = 20;
  for (int i = 0; i < kJobs; ++i) alice->publish("job/" + std::to_string(i), std::to_string(i));
  for (int i = 0; i < kJobs; ++i) expect_message(*nobody, "tenant/alice/job/" + std::to_string(i), std::to_string(i));
  std::set<std::string> done;
  for (WireClient* member : {one.get(), two.get()}) {
    for (int i = 0; i < kJobs / 2; ++i) {
      std::optional<Packet> packet = member->next();
      ASSERT_TRUE(packet);
      const std::string payload(as_text(member->decode_as<mqtt::PublishView>(*packet)->payload));
      EXPECT_EQ(packet->bytes, publish_bytes(member->version(), "job/" + payload, payload));
      EXPECT_TRUE(done.insert(payload).second) << payload;
    }
  }
  EXPECT_EQ(done.size(), static_cast<std::size_t>(kJobs));
  const auto bob = connect("bob", "bob");
  expect_nothing_else(*bob, "job/end", *other, "job/end");
  // What was left by its name is left.
  for (WireClient* member : {one.get(), two.get()}) {
    member->unsubscribe("$share/g/job/+");
    EXPECT_EQ(member->next_as<mqtt::SubscriptionAcknowledgementView>()->type, mqtt::PacketType::kUnsuback);
  }
  EXPECT_EQ(subscribe(*one, "end"), 0);
  alice->publish("job/0", "too late");
  expect_nothing_else(*alice, "end", *one, "end");
}

TEST_F(AffixTest, WhatWasQueuedUnderOneAffixIsNotDeliveredUnderAnother) {  // R8, BUG-CLASS C
  start_tenants();
  ConnectOptions phone;
  phone.client_id = "phone";
  phone.user_name = "alice";
  phone.clean_start = false;
  phone.session_expiry = 1000;
  {
    const auto asleep = connect(phone);
    ASSERT_EQ(subscribe(*asleep, "q", QoS::kAtLeastOnce), 1);
    asleep->drop();
  }
  const auto alice = connect("alice", "alice"), bob = connect("bob", "bob");
  ASSERT_EQ(publish_acknowledged(*alice, "q", "for alice's phone"), mqtt::ReasonCode::kSuccess);
  phone.user_name = "bob";
  const auto awake = connect(phone);
  ASSERT_EQ(publish_acknowledged(*bob, "q", "for bob's phone"), mqtt::ReasonCode::kSuccess);
  expect_message(*awake, "q", "for bob's phone", QoS::kAtLeastOnce);
  EXPECT_EQ(publish_acknowledged(*alice, "q", "for nobody"), mqtt::ReasonCode::kNoMatchingSubscribers);
  // On its way already when the connection was lost, or still in the queue.
  EXPECT_EQ(total(&core::ShardCounters::dropped_no_inverse) + total(&core::ShardCounters::dropped_revoked), 1U);
}

TEST_F(AffixTest, OperationsItDoesNotConcernPassAsTheyAre) {
  start_tenants();
  const auto publisher = connect("publisher", "publisher"), alice = connect("alice", "alice");
  subscribe(*publisher, "tenant/alice/#");
  subscribe(*alice, "a");
  publisher->publish("a", "x");
  expect_message(*alice, "a", "x");
  expect_message(*publisher, "tenant/alice/a", "x");
}

}  // namespace
}  // namespace mortise::broker_tests
