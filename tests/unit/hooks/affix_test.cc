#include "broker/hooks/affix.h"

#include <gtest/gtest.h>

#include <random>

namespace mortise::hooks {
namespace {

using mqtt::ReasonCode;

AffixPtr affix(std::string prefix, std::string suffix = "", std::uint8_t operations = kAffixAll) {
  auto made = Affix::make(std::move(prefix), std::move(suffix), operations, 1);
  return made ? *made : nullptr;
}

// ---- At bind --------------------------------------------------------------------------------------------------------

TEST(Affix, WhatCannotBePartOfATopicIsRefusedAtBind) {  // R8
  const std::string too_long(65535, 'x');
  for (const std::string& bad :
       {std::string("a+/"), std::string("#"), std::string("$SYS/"), std::string("$"), std::string("a\0b", 3),
        std::string("\xC3\x28"), std::string("\xED\xA0\x80"), too_long})
    EXPECT_FALSE(Affix::make(bad, "", kAffixAll, 1)) << bad.substr(0, 10);
  EXPECT_FALSE(Affix::make("", "+", kAffixAll, 1));
  EXPECT_FALSE(Affix::make("", std::string("\0", 1), kAffixAll, 1));
  EXPECT_FALSE(Affix::make(std::string(40000, 'x'), std::string(40000, 'x'), kAffixAll, 1));
  EXPECT_TRUE(Affix::make("a$b/", "/$c", kAffixAll, 1)) << "a $ inside is a letter like any other";
  EXPECT_TRUE(Affix::make("", "", kAffixAll, 1));
}

// ---- Inward ---------------------------------------------------------------------------------------------------------

TEST(Affix, JoiningIsPlainConcatenation) {
  std::string out;
  EXPECT_EQ(*affix("t/", "/s")->apply(kAffixPublish, "a", out), "t/a/s");
  EXPECT_EQ(*affix("t", "")->apply(kAffixPublish, "a", out), "ta");
  EXPECT_EQ(*affix("t")->apply(kAffixPublish, "/a", out), "t/a");
}

TEST(Affix, AnOperationItDoesNotApplyToPassesAsItIs) {
  std::string out;
  const AffixPtr subscribe_only = affix("t/", "", kAffixSubscribe);
  EXPECT_EQ(*subscribe_only->apply(kAffixPublish, "a", out), "a");
  EXPECT_EQ(*subscribe_only->apply(kAffixWill, "a", out), "a");
  EXPECT_EQ(*subscribe_only->apply_to_filter(kAffixSubscribe, "a", out), "t/a");
  EXPECT_EQ(affix("t/", "", kAffixPublish)->invert("t/a"), "t/a");
}

TEST(Affix, ATopicThatBeginsWithADollarIsRefused) {  // R8
  std::string out;
  for (const char* topic : {"$SYS/x", "$x", "$share/g/t", "$"})
    EXPECT_EQ(affix("")->apply(kAffixPublish, topic, out).error().reason, ReasonCode::kTopicNameInvalid) << topic;
}

TEST(Affix, ATopicThatBecomesTooLongIsRefused) {  // MQTT-4.7.3-3
  std::string out;
  const AffixPtr ten = affix("12345", "12345");
  EXPECT_TRUE(ten->apply(kAffixPublish, std::string(65525, 'x'), out));
  EXPECT_FALSE(ten->apply(kAffixPublish, std::string(65526, 'x'), out));
  EXPECT_TRUE(ten->apply_to_filter(kAffixSubscribe, std::string(65525, 'x'), out));
  EXPECT_EQ(ten->apply_to_filter(kAffixSubscribe, std::string(65526, 'x'), out).error().reason,
            ReasonCode::kTopicFilterInvalid);
}

TEST(Affix, AFilterThatJoiningMakesInvalidIsRefused) {  // MQTT-4.7.1-1, MQTT-4.7.1-2
  std::string out;
  for (const char* filter : {"+", "+/x", "#"})
    EXPECT_EQ(affix("t-")->apply_to_filter(kAffixSubscribe, filter, out).error().reason,
              ReasonCode::kTopicFilterInvalid);
  for (const char* filter : {"#", "a/#"}) EXPECT_FALSE(affix("", "/s")->apply_to_filter(kAffixSubscribe, filter, out));
  EXPECT_FALSE(affix("", "s")->apply_to_filter(kAffixSubscribe, "a/+", out));
  EXPECT_EQ(*affix("", "/s")->apply_to_filter(kAffixSubscribe, "a/+", out), "a/+/s");
  EXPECT_EQ(*affix("t/")->apply_to_filter(kAffixSubscribe, "#", out), "t/#");
  EXPECT_FALSE(affix("t/")->apply_to_filter(kAffixSubscribe, "$x/#", out));
}

TEST(Affix, SysPassesUnalteredBothWays) {  // R8
  std::string out;
  EXPECT_EQ(*affix("t/", "/s")->apply_to_filter(kAffixSubscribe, "$SYS/#", out), "$SYS/#");
  EXPECT_EQ(affix("t/", "/s")->invert("$SYS/uptime"), "$SYS/uptime");
  EXPECT_FALSE(affix("t/")->invert("$SYSTEM")) << "only $SYS itself";
}

// ---- Outward --------------------------------------------------------------------------------------------------------

TEST(Affix, ATopicWithoutInverseHasNone) {  // R8: `tenant/a` reached by `tenant/a/#`; empty; with a leading $
  EXPECT_FALSE(affix("tenant/a/")->invert("tenant/a"));
  EXPECT_FALSE(affix("tenant/a/")->invert("tenant/a/"));
  EXPECT_FALSE(affix("tenant/a/")->invert("tenant/b/x"));
  EXPECT_FALSE(affix("t/")->invert("t/$x"));
  EXPECT_FALSE(affix("ab", "bc")->invert("abc")) << "prefix and suffix must not share a byte";
  EXPECT_FALSE(affix("ab", "bc")->invert("abbc")) << "empty";
  EXPECT_EQ(affix("ab", "bc")->invert("abxbc"), "x");
}

TEST(Affix, AnEmptyOneChangesNothing) {  // BUG-CLASS C: rewriting that yields the same topic
  std::string out;
  const AffixPtr none = affix("", "");
  EXPECT_EQ(*none->apply(kAffixPublish, "a/b", out), "a/b");
  EXPECT_EQ(none->invert("a/b"), "a/b");
}

// ---- Properties -----------------------------------------------------------------------------------------------------

class Words {
 public:
  explicit Words(std::uint32_t seed) : random_(seed) {}
  std::string word(std::size_t most, std::string_view letters = "ab/$\xC3\xA4") {
    std::string text;
    for (std::size_t i = random_() % (most + 1); i > 0; --i) {
      const char letter = letters[random_() % letters.size()];
      if (letter == '\xC3' || letter == '\xA4') {
        text += "\xC3\xA4";
      } else {
        text += letter;
      }
    }
    return text;
  }
  std::uint32_t operator()() { return static_cast<std::uint32_t>(random_()); }

 private:
  std::mt19937 random_;
};

TEST(AffixProperties, WhateverIsAppliedInwardComesBackOutward) {
  for (std::uint32_t seed = 0; seed < 5000; ++seed) {
    Words words(seed);
    const AffixPtr made = affix(words.word(6), words.word(6));
    const std::string topic = words.word(8);
    if (!made || topic.empty()) continue;
    std::string out;
    const auto routed = made->apply(kAffixPublish, topic, out);
    if (!routed) {
      EXPECT_EQ(topic.front(), '$') << "seed " << seed;
      continue;
    }
    const auto back = made->invert(*routed);
    ASSERT_TRUE(back) << "seed " << seed;
    EXPECT_EQ(*back, topic) << "seed " << seed;
    EXPECT_TRUE(mqtt::check_topic_name(*routed, {0, mqtt::kMaximumStringSize})) << "seed " << seed;
  }
}

TEST(AffixProperties, WhateverHasAnInverseIsThatInverseApplied) {
  for (std::uint32_t seed = 0; seed < 5000; ++seed) {
    Words words(seed);
    const AffixPtr made = affix(words.word(3), words.word(3));
    if (!made) continue;
    const std::string routed = words.word(10);
    const auto name = made->invert(routed);
    if (!name || routed.starts_with("$SYS")) continue;
    std::string out;
    const auto again = made->apply(kAffixPublish, std::string(*name), out);
    ASSERT_TRUE(again) << "seed " << seed;
    EXPECT_EQ(*again, routed) << "seed " << seed;
  }
}

/// Tenants whose prefixes end a level and are not one another's beginning see nothing of each other, whatever filters
/// they use.
TEST(AffixProperties, NoFilterOfOneTenantMatchesATopicOfAnother) {
  static constexpr std::string_view kFilterLetters = "ab/+#$";
  for (std::uint32_t seed = 0; seed < 10000; ++seed) {
    Words words(seed);
    const AffixPtr one = affix("t/a/", words() % 2 ? "/s" : "");
    const AffixPtr other = affix(words() % 2 ? "t/b/" : "t/ab/", words() % 2 ? "/s" : "");
    const std::string topic = words.word(6);
    const std::string filter = words.word(6, kFilterLetters);
    std::string routed_topic, routed_filter;
    if (topic.empty() || !mqtt::parse_topic_filter(filter, {0, mqtt::kMaximumStringSize})) continue;
    const auto published = one->apply(kAffixPublish, topic, routed_topic);
    const auto subscribed = other->apply_to_filter(kAffixSubscribe, filter, routed_filter);
    if (!published || !subscribed) continue;
    EXPECT_FALSE(mqtt::matches(*subscribed, *published)) << "seed " << seed << " " << filter << " " << topic;
    EXPECT_FALSE(other->invert(*published)) << "seed " << seed;
  }
}

/// Under an affix a filter matches a topic exactly as it does without.
TEST(AffixProperties, WithinATenantFiltersMatchAsTheyDoWithoutAffix) {
  static constexpr std::string_view kFilterLetters = "ab/+#";
  for (std::uint32_t seed = 0; seed < 10000; ++seed) {
    Words words(seed);
    const AffixPtr made = affix("t/", words() % 2 ? "/s" : "");
    const std::string topic = words.word(6, "ab/");
    const std::string filter = words.word(6, kFilterLetters);
    std::string routed_topic, routed_filter;
    if (topic.empty() || !mqtt::parse_topic_filter(filter, {0, mqtt::kMaximumStringSize})) continue;
    const auto published = made->apply(kAffixPublish, topic, routed_topic);
    const auto subscribed = made->apply_to_filter(kAffixSubscribe, filter, routed_filter);
    ASSERT_TRUE(published) << "seed " << seed;
    if (!subscribed) continue;
    EXPECT_EQ(mqtt::matches(*subscribed, *published), mqtt::matches(filter, topic))
        << "seed " << seed << " " << filter << " " << topic;
  }
}

TEST(RecentAffixes, ClientsWithTheSameTopicsShareOneAndNobodyGetsAnothersAffix) {
  RecentAffixes recent;
  const AffixPtr first = recent.shared(affix("tenant/a/"));
  EXPECT_EQ(recent.shared(affix("tenant/a/")), first);
  EXPECT_NE(recent.shared(*Affix::make("tenant/a/", "", kAffixPublish, 1)), first);
  for (int i = 0; i < 1000; ++i) {
    const std::string prefix = "t" + std::to_string(i % 300) + "/";
    const std::string suffix = i % 2 == 0 ? "" : "/s";
    const std::uint64_t version = static_cast<std::uint64_t>(i % 3);
    const AffixPtr shared = recent.shared(*Affix::make(prefix, suffix, kAffixAll, version));
    ASSERT_EQ(shared->prefix(), prefix);
    ASSERT_EQ(shared->suffix(), suffix);
    ASSERT_EQ(shared->rule_version(), version);
  }
}

}  // namespace
}  // namespace mortise::hooks
