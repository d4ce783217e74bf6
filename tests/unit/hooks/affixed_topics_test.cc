#include "broker/hooks/affixed_topics.h"

#include <gtest/gtest.h>

#include <random>

namespace mortise::hooks {
namespace {

AffixPtr affix(std::string prefix, std::string suffix = "", std::uint8_t operations = kAffixAll) {
  auto made = Affix::make(std::move(prefix), std::move(suffix), operations, 1);
  return made ? *made : nullptr;
}

TEST(AffixedTopics, SayWhatTheAffixSays) {
  std::mt19937 random(7);
  const AffixPtr affixes[] = {affix("tenant/alice/"), affix("tenant/alice/"),         affix("", "/end"),
                              affix("t", "s"),        affix("will/", "", kAffixWill), affix("")};
  AffixedTopics topics;
  std::string scratch;
  for (int i = 0; i < 200'000; ++i) {
    const AffixPtr& one = affixes[random() % std::size(affixes)];
    // Many that differ in the middle alone, in length alone, and at their ends; some that are refused.
    std::string topic = std::string(random() % 4 == 0 ? "$" : "") + "beginning/" + std::string(random() % 300, 'x') +
                        std::to_string(random() % 40) + "/the end";
    if (random() % 8 == 0) topic = topic.substr(0, random() % 10);
    const auto expected = one->apply(kAffixPublish, topic, scratch);
    const auto routed = topics.apply(one, topic);
    ASSERT_EQ(routed.ok(), expected.ok()) << topic;
    if (routed) {
      ASSERT_EQ(*routed, *expected);
    }
  }
}

TEST(AffixedTopics, RememberWhatComesTwice) {
  AffixedTopics topics;
  const AffixPtr one = affix("tenant/");
  const auto text = [&](std::string_view topic) { return topics.apply(one, topic)->data(); };
  text("a/topic/of/one");
  const char* const kept = text("a/topic/of/one");
  EXPECT_EQ(text("a/topic/of/one"), kept) << "the same text, not a new one";
  for (int i = 0; i < 10'000; ++i) text("never/again/" + std::to_string(i) + "/........");
  EXPECT_EQ(text("a/topic/of/one"), kept) << "what comes once takes nobody's place";
}

TEST(AffixedTopics, AnotherAffixIsAnotherTopic) {
  AffixedTopics topics;
  for (int i = 0; i < 1000; ++i) {
    const AffixPtr one = affix("tenant/" + std::to_string(i) + "/");
    for (int times = 0; times < 3; ++times)
      ASSERT_EQ(*topics.apply(one, "the/same/topic"), "tenant/" + std::to_string(i) + "/the/same/topic");
  }
}

}  // namespace
}  // namespace mortise::hooks
