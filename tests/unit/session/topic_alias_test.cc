#include "broker/session/topic_alias.h"

#include <gtest/gtest.h>

#include "tests/conformance/proof.h"

namespace mortise::session {
namespace {

using mqtt::ReasonCode;

TEST(TopicAliases, AnAliasStandsForTheTopicItWasLastSetTo) {  // 5.0 section 3.3.2.3.4
  TopicAliases aliases;
  EXPECT_EQ(*aliases.resolve("a/b", true, 2, 16), "a/b");
  EXPECT_EQ(*aliases.resolve("", true, 2, 16), "a/b");
  EXPECT_EQ(*aliases.resolve("c", true, 2, 16), "c");
  EXPECT_EQ(*aliases.resolve("", true, 2, 16), "c");
  EXPECT_EQ(*aliases.resolve("d", false, 0, 16), "d");
}

TEST(TopicAliases, ZeroIsInvalid) {  // MQTT-3.3.2-8
  PROVES("5.0 MQTT-3.3.2-8");
  TopicAliases aliases;
  EXPECT_EQ(aliases.resolve("a", true, 0, 16).error().reason, ReasonCode::kTopicAliasInvalid);
}

TEST(TopicAliases, AboveTheMaximumIsInvalid) {  // MQTT-3.3.2-9
  PROVES("5.0 MQTT-3.2.2-18", "5.0 MQTT-3.3.2-9", "5.0 MQTT-3.3.2-12");
  TopicAliases aliases;
  EXPECT_TRUE(aliases.resolve("a", true, 16, 16));
  EXPECT_EQ(aliases.resolve("a", true, 17, 16).error().reason, ReasonCode::kTopicAliasInvalid);
  EXPECT_EQ(aliases.resolve("a", true, 1, 0).error().reason, ReasonCode::kTopicAliasInvalid);
}

TEST(TopicAliases, AnUnknownAliasOrNeitherIsAProtocolError) {
  TopicAliases aliases;
  EXPECT_EQ(aliases.resolve("", true, 3, 16).error().reason, ReasonCode::kProtocolError);
  EXPECT_EQ(aliases.resolve("", false, 0, 16).error().reason, ReasonCode::kProtocolError);
  EXPECT_TRUE(aliases.resolve("a", true, 5, 16));
  EXPECT_EQ(aliases.resolve("", true, 3, 16).error().reason, ReasonCode::kProtocolError) << "a lower one, never set";
}

}  // namespace
}  // namespace mortise::session
