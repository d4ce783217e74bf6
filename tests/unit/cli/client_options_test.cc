#include "broker/cli/client_options.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace mortise::cli {
namespace {

TEST(ClientOptions, a_pair_is_split_at_its_first_equals_sign) {
  EXPECT_EQ(*parse_pair("a=b=c"), (std::pair<std::string, std::string>("a", "b=c")));
  EXPECT_EQ(*parse_pair("="), (std::pair<std::string, std::string>("", "")));
  EXPECT_FALSE(parse_pair("a"));
}

TEST(ClientOptions, there_are_three_versions) {
  ClientArguments arguments;
  for (const auto& [text, version] :
       {std::pair("3.1", mqtt::ProtocolVersion::k31), std::pair("3.1.1", mqtt::ProtocolVersion::k311),
        std::pair("5", mqtt::ProtocolVersion::k5)}) {
    arguments.version = text;
    EXPECT_EQ(resolve(arguments)->version, version);
  }
  arguments.version = "4";
  EXPECT_NE(resolve(arguments).error().message.find("3.1.1"), std::string::npos);
}

// MQTT 3.1 section 3.1: the client identifier is between 1 and 23 characters long.
TEST(ClientOptions, version_3_1_gets_a_client_id_and_others_leave_it_to_the_server) {
  ClientArguments arguments;
  arguments.version = "3.1";
  const std::string id = resolve(arguments)->client_id;
  EXPECT_GE(id.size(), 1u);
  EXPECT_LE(id.size(), 23u);
  arguments.version = "3.1.1";
  EXPECT_EQ(resolve(arguments)->client_id, "");
}

TEST(ClientOptions, a_session_is_kept_under_a_client_id_only) {
  ClientArguments arguments;
  arguments.keeps_session = true;
  EXPECT_FALSE(resolve(arguments));
  arguments.client.client_id = "x";
  const auto options = resolve(arguments);
  EXPECT_FALSE(options->clean_start);
  EXPECT_EQ(options->session_expiry, 0xFFFFFFFFu);  // as 3.1.1 means it
  arguments.session_expiry = 60;
  EXPECT_EQ(resolve(arguments)->session_expiry, 60u);
}

TEST(ClientOptions, what_only_version_5_has_is_refused_before) {
  ClientArguments arguments;
  arguments.version = "3.1.1";
  arguments.session_expiry = 1;
  EXPECT_FALSE(resolve(arguments));
  arguments.session_expiry = -1;
  arguments.connect_properties = {"a=b"};
  EXPECT_FALSE(resolve(arguments));
}

TEST(ClientOptions, the_password_comes_from_the_environment_for_a_user_only) {
  ::setenv("MORTISE_PASSWORD", "secret", 1);
  ClientArguments arguments;
  EXPECT_FALSE(resolve(arguments)->password);
  arguments.user_name = "alice";
  EXPECT_EQ(resolve(arguments)->password, "secret");
  arguments.password = "other";
  EXPECT_EQ(resolve(arguments)->password, "other");
  ::unsetenv("MORTISE_PASSWORD");
}

TEST(ClientOptions, a_will_needs_a_topic) {
  ClientArguments arguments;
  arguments.will_payload = "gone";
  EXPECT_FALSE(resolve(arguments));
  arguments.will_topic = "wills";
  arguments.will_qos = 2;
  EXPECT_EQ(resolve(arguments)->will->qos, mqtt::QoS::kExactlyOnce);
}

TEST(ClientOptions, a_connect_packet_holds_all_of_them) {
  ClientOptions options;
  options.client_id = "id";
  options.clean_start = false;
  options.keep_alive = 7;
  options.user_name = "alice";
  options.password = "secret";
  options.session_expiry = 60;
  options.will = WillOptions{"wills", "gone", mqtt::QoS::kAtLeastOnce, true, 5};
  options.user_properties = {{"a", "b"}};
  mqtt::ByteBuffer bytes;
  encode_connect(bytes, options);
  const auto frame = mqtt::next_frame(as_bytes(bytes), bytes.size());
  const auto packet = mqtt::decode_connect(**frame);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->client_id, "id");
  EXPECT_FALSE(packet->clean_start);
  EXPECT_EQ(packet->keep_alive, 7);
  EXPECT_EQ(packet->user_name, "alice");
  EXPECT_EQ(as_text(*packet->password), "secret");
  EXPECT_EQ(packet->properties.number(mqtt::PropertyId::kSessionExpiryInterval), 60u);
  EXPECT_EQ(packet->will->topic, "wills");
  EXPECT_TRUE(packet->will->retain);
  EXPECT_EQ(packet->will->properties.number(mqtt::PropertyId::kWillDelayInterval), 5u);
}

TEST(ClientOptions, a_refused_connection_is_named_in_every_version) {
  mqtt::ConnackView connack;
  connack.code = 0x87;
  EXPECT_NE(refusal_of(connack, mqtt::ProtocolVersion::k5).find("(0x87)"), std::string::npos);
  connack.code = 5;
  EXPECT_EQ(refusal_of(connack, mqtt::ProtocolVersion::k311), "Not authorized (0x05)");
  connack.code = 77;
  EXPECT_EQ(refusal_of(connack, mqtt::ProtocolVersion::k31), "unknown (0x4D)");
}

}  // namespace
}  // namespace mortise::cli
