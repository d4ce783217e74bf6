#include "broker/cli/message_printer.h"

#include <gtest/gtest.h>

namespace mortise::cli {
namespace {

using mqtt::PropertyId;

std::string json_of(std::string_view topic, std::string_view payload, const mqtt::PropertyWriter& properties = {}) {
  mqtt::PublishView message;
  message.topic = topic;
  message.payload = as_bytes(payload);
  message.properties = properties.view();
  message.qos = mqtt::QoS::kAtLeastOnce;
  message.packet_id = 9;
  return to_json(message);
}

TEST(MessagePrinter, a_message_is_one_object) {
  EXPECT_EQ(json_of("a/b", "text"),
            R"({"topic":"a/b","qos":1,"retain":false,"dup":false,"packet_id":9,"payload":"text"})");
}

TEST(MessagePrinter, whatever_the_payload_holds_the_object_is_one_line) {
  const std::string line = json_of("a\"\\", "two\nlines\t\"quoted\"");
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find(R"("two\nlines\t\"quoted\"")"), std::string::npos) << line;
}

TEST(MessagePrinter, a_payload_that_is_not_utf8_is_base64) {
  EXPECT_NE(json_of("a", "\xFF\xFE").find(R"("payload_base64":"//4=")"), std::string::npos);
}

TEST(MessagePrinter, properties_have_their_names_and_repeated_ones_are_lists) {
  mqtt::PropertyWriter properties;
  properties.put(PropertyId::kSubscriptionIdentifier, 7u);
  properties.put(PropertyId::kMessageExpiryInterval, 60u);
  properties.put(PropertyId::kContentType, std::string_view("text/plain"));
  properties.put_pair("a", "1");
  properties.put_pair("a", "2");
  const std::string line = json_of("a", "", properties);
  EXPECT_NE(line.find(R"("Subscription Identifier":[7])"), std::string::npos) << line;
  EXPECT_NE(line.find(R"("Message Expiry Interval":60)"), std::string::npos) << line;
  EXPECT_NE(line.find(R"("User Property":[["a","1"],["a","2"]])"), std::string::npos) << line;
}

}  // namespace
}  // namespace mortise::cli
