#include "broker/mqtt/message.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "tests/conformance/proof.h"

namespace mortise::mqtt {
namespace {

using namespace std::string_literals;

static_assert(!std::is_copy_constructible_v<Message> && !std::is_move_constructible_v<Message>);
static_assert(!std::is_copy_assignable_v<Message> && !std::is_default_constructible_v<Message>);

PropertyWriter every_publish_property() {
  PropertyWriter writer;
  writer.put(PropertyId::kPayloadFormatIndicator, 1u);
  writer.put(PropertyId::kMessageExpiryInterval, 60u);
  writer.put_pair("first", "1");
  writer.put(PropertyId::kTopicAlias, 3u);
  writer.put(PropertyId::kContentType, "text/plain");
  writer.put(PropertyId::kSubscriptionIdentifier, 7u);
  writer.put(PropertyId::kResponseTopic, "reply");
  writer.put(PropertyId::kCorrelationData, "id");
  writer.put_pair("second", "2");
  return writer;
}

MessageView fields_of(std::string_view topic, std::string_view payload) {
  MessageView fields;
  fields.topic = topic;
  fields.payload = as_bytes(payload);
  return fields;
}

TEST(Message, OwnsACopyOfEverything) {
  std::string topic = "a/b";
  std::string payload = "hello";
  PropertyWriter properties;
  properties.put(PropertyId::kContentType, "text/plain");
  MessageView fields = fields_of(topic, payload);
  fields.properties = properties.view();
  fields.qos = QoS::kExactlyOnce;
  fields.retain = true;
  fields.is_will = true;
  fields.received_at = WallTime(Millis(1000));
  fields.expires_at = WallTime(Millis(2000));
  fields.origin = 0x3'0000'0004;
  fields.hops = 2;
  const MessagePtr message = Message::make(fields);
  topic = "XXX";
  payload = "XXXXX";
  properties.clear();
  EXPECT_EQ(message->topic(), "a/b");
  EXPECT_EQ(as_text(message->payload()), "hello");
  EXPECT_EQ(message->properties().text(PropertyId::kContentType), "text/plain");
  EXPECT_EQ(message->qos(), QoS::kExactlyOnce);
  EXPECT_TRUE(message->retain());
  EXPECT_TRUE(message->is_will());
  EXPECT_EQ(message->received_at(), WallTime(Millis(1000)));
  EXPECT_EQ(message->origin(), 0x3'0000'0004u);
  EXPECT_EQ(message->hops(), 2);
}

TEST(Message, ExpiresAtItsTimeAndNotBefore) {
  MessageView fields = fields_of("a", "");
  EXPECT_FALSE(Message::make(fields)->has_expiry());
  EXPECT_FALSE(Message::make(fields)->is_expired(WallTime(Millis(std::int64_t{1} << 50))));
  fields.expires_at = WallTime(Millis(2000));
  const MessagePtr message = Message::make(fields);
  EXPECT_TRUE(message->has_expiry());
  EXPECT_FALSE(message->is_expired(WallTime(Millis(1999))));
  EXPECT_TRUE(message->is_expired(WallTime(Millis(2000))));
}

// [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20]
TEST(Message, KeepsThePropertiesThatTravelOnInTheirOrderAndNoOthers) {
  PROVES("5.0 MQTT-3.3.2-18");
  const PropertyWriter all = every_publish_property();
  MessageView fields = fields_of("a", "x");
  fields.properties = all.view();
  const MessagePtr message = Message::make(fields);

  PropertyWriter expected;
  expected.put(PropertyId::kPayloadFormatIndicator, 1u);
  expected.put_pair("first", "1");
  expected.put(PropertyId::kContentType, "text/plain");
  expected.put(PropertyId::kResponseTopic, "reply");
  expected.put(PropertyId::kCorrelationData, "id");
  expected.put_pair("second", "2");
  EXPECT_EQ(as_text(message->properties().encoded()), as_text(expected.view().encoded()));
  EXPECT_EQ(message->properties().present(), expected.view().present());
  EXPECT_FALSE(message->properties().has(PropertyId::kTopicAlias));
  EXPECT_FALSE(message->properties().has(PropertyId::kMessageExpiryInterval));
}

TEST(Message, UnderAnotherTopicSharesPayloadAndPropertiesAndOutlivesTheOriginal) {
  const PropertyWriter all = every_publish_property();
  MessageView fields = fields_of("a/b", "payload");
  fields.properties = all.view();
  fields.qos = QoS::kAtLeastOnce;
  MessagePtr original = Message::make(fields);
  MessagePtr rewritten = original->with_topic("tenant/alice/a/b");
  EXPECT_EQ(original->topic(), "a/b");
  EXPECT_EQ(rewritten->topic(), "tenant/alice/a/b");
  EXPECT_EQ(rewritten->payload().data(), original->payload().data());
  EXPECT_EQ(rewritten->properties().encoded().data(), original->properties().encoded().data());
  EXPECT_EQ(rewritten->qos(), QoS::kAtLeastOnce);
  original.reset();
  EXPECT_EQ(as_text(rewritten->payload()), "payload");
  EXPECT_EQ(rewritten->properties().text(PropertyId::kContentType), "text/plain");
}

// The triggers of broken topic rewriting elsewhere: the same topic, a shorter one, rewriting again and again.
TEST(Message, MayBeRewrittenToTheSameTopicAShorterOneAndAgain) {
  MessagePtr message = Message::make(fields_of("prefix/topic", "payload"));
  for (const std::string& topic :
       {"prefix/topic"s, "t"s, "a/very/much/longer/topic/than/before"s, "t"s, "prefix/topic"s}) {
    message = message->with_topic(topic);
    EXPECT_EQ(message->topic(), topic);
    EXPECT_EQ(as_text(message->payload()), "payload");
  }
}

TEST(Message, RewrittenManyTimesMakesNoChain) {
  MessagePtr message = Message::make(fields_of("a", "payload"));
  for (int i = 0; i < 200'000; ++i) message = message->with_topic("b");
  message.reset();  // a chain would end here, one stack frame per message
}

TEST(Message, MayHaveNeitherPayloadNorProperties) {
  const MessagePtr message = Message::make(fields_of("a", ""));
  EXPECT_TRUE(message->payload().empty());
  EXPECT_TRUE(message->properties().empty());
  EXPECT_EQ(message->with_topic("b")->payload().size(), 0u);
}

TEST(Message, CostsWhatItHolds) {
  const std::size_t empty = Message::make(fields_of("a", ""))->cost();
  EXPECT_EQ(Message::make(fields_of("abcd", std::string(1000, 'x')))->cost(), empty + 1003);
}

TEST(Message, MayHaveTheLongestTopicAndALargePayload) {
  const std::string topic(65'535, 't');
  const std::string payload(1 << 20, 'p');
  const MessagePtr message = Message::make(fields_of(topic, payload));
  EXPECT_EQ(message->topic(), topic);
  EXPECT_EQ(as_text(message->with_topic("x")->payload()), payload);
}

TEST(Message, MayBeHeldAndRewrittenByManyThreads) {
  MessagePtr message = Message::make(fields_of("a/b", "payload"));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([mine = message] {
      for (int round = 0; round < 5'000; ++round) {
        const MessagePtr rewritten = mine->with_topic("c");
        const MessagePtr copy = rewritten;
        ASSERT_EQ(as_text(copy->payload()), "payload");
      }
    });
  }
  message.reset();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace mortise::mqtt
