#include "broker/session/outbound_topic_aliases.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace mortise::session {
namespace {

/// The client's end: what it takes a PUBLISH with this choice for.
class AliasReader {
 public:
  std::string read(std::string_view topic, OutboundTopicAliases::Choice choice) {
    if (choice.alias == 0) return std::string(topic);
    if (!choice.is_set) topics_[choice.alias] = topic;
    return topics_[choice.alias];
  }

 private:
  std::map<std::uint16_t, std::string> topics_;
};

OutboundTopicAliases::Choice send(OutboundTopicAliases& aliases, std::string_view topic) {
  const auto choice = aliases.choose(topic);
  aliases.sent(topic, choice);
  return choice;
}

std::string topic_of(std::size_t number) { return "topic/" + std::to_string(number); }

TEST(OutboundTopicAliases, TheFirstTopicsHaveOneAtOnceAndAreThenLeftOut) {
  OutboundTopicAliases aliases(2);
  EXPECT_EQ(send(aliases, "one/topic").alias, 1);
  EXPECT_EQ(send(aliases, "another").alias, 2);
  const auto again = send(aliases, "one/topic");
  EXPECT_EQ(again.alias, 1);
  EXPECT_TRUE(again.is_set);
  EXPECT_TRUE(send(aliases, "another").is_set);
}

TEST(OutboundTopicAliases, TopicsThatSaveNothingAndThoseThatTakeTooMuchHaveNone) {
  OutboundTopicAliases aliases(2);
  EXPECT_EQ(send(aliases, "abc").alias, 0);
  EXPECT_EQ(send(aliases, "abcd").alias, 1);
  EXPECT_EQ(send(aliases, std::string(OutboundTopicAliases::kLongestTopic + 1, 'x')).alias, 0);
  EXPECT_EQ(send(aliases, std::string(OutboundTopicAliases::kLongestTopic, 'x')).alias, 2);
}

TEST(OutboundTopicAliases, WhatWasNotSentSetsNothing) {
  OutboundTopicAliases aliases(1);
  EXPECT_FALSE(aliases.choose("topic").is_set);
  EXPECT_FALSE(aliases.choose("topic").is_set) << "the first was not sent";
  EXPECT_EQ(send(aliases, "other").alias, 1);
  EXPECT_TRUE(aliases.choose("other").is_set);
}

TEST(OutboundTopicAliases, WhenAllAreTakenATopicThatComesAgainReplacesOneThatDoesNot) {
  OutboundTopicAliases aliases(2);
  send(aliases, "first");
  send(aliases, "second");
  EXPECT_EQ(send(aliases, "third").alias, 0) << "it came once";
  const auto third = send(aliases, "third");
  EXPECT_EQ(third.alias, 1);
  EXPECT_FALSE(third.is_set) << "the client has to be told";
  EXPECT_TRUE(send(aliases, "third").is_set);
  EXPECT_TRUE(send(aliases, "second").is_set);
  EXPECT_EQ(send(aliases, "first").alias, 0) << "it lost its alias";
}

TEST(OutboundTopicAliases, TopicsInUseKeepTheirsAlthoughMoreTopicsTakeTurnsThanThereAreAliases) {
  OutboundTopicAliases aliases(16);
  std::size_t left_out = 0, set = 0;
  for (std::size_t round = 0; round < 100; ++round) {
    for (std::size_t i = 0; i < 24; ++i) {
      const auto choice = send(aliases, topic_of(i));
      left_out += choice.is_set ? 1 : 0;
      set += choice.alias != 0 && !choice.is_set ? 1 : 0;
    }
  }
  EXPECT_GT(left_out, 1200u) << "of 2,400";
  EXPECT_LT(set, 300u) << "each costs three bytes";
}

TEST(OutboundTopicAliases, TopicsThatNobodyUsesAnyMoreGiveTheirsUp) {
  OutboundTopicAliases aliases(4);
  for (int use = 0; use < 50; ++use) {
    for (std::size_t i = 0; i < 4; ++i) send(aliases, topic_of(i));
  }
  std::size_t left_out = 0;
  for (int use = 0; use < 100; ++use) {
    for (std::size_t i = 10; i < 14; ++i) left_out += send(aliases, topic_of(i)).is_set ? 1 : 0;
  }
  EXPECT_GT(left_out, 300u) << "of 400";
}

TEST(OutboundTopicAliases, WhateverComesTheClientReadsTheTopicThatWasMeant) {
  for (const std::uint16_t maximum : {std::uint16_t{1}, std::uint16_t{3}, std::uint16_t{16}, std::uint16_t{256}}) {
    std::minstd_rand random(maximum);
    OutboundTopicAliases aliases(maximum);
    AliasReader client;
    for (int i = 0; i < 20'000; ++i) {
      // Few that come often, many that come seldom, and for a while others.
      const std::size_t spread = random() % 4 == 0 ? 1000 : 20;
      const std::string topic = topic_of(random() % spread + static_cast<std::size_t>(i) / 5000 * 10);
      const auto choice = aliases.choose(topic);
      ASSERT_LE(choice.alias, maximum);
      if (random() % 8 == 0) continue;  // too large: not sent
      aliases.sent(topic, choice);
      ASSERT_EQ(client.read(topic, choice), topic);
    }
  }
}

}  // namespace
}  // namespace mortise::session
