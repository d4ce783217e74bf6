#include "broker/routing/filter_rules.h"

#include <gtest/gtest.h>

namespace mortise::routing {
namespace {

TEST(FilterRulesTest, WithoutARuleThatMatchesEverythingIsAllowed) {
  EXPECT_TRUE(FilterRules({}).allows("a"));
  EXPECT_TRUE(FilterRules({{false, "b/#"}}).allows("a"));
}

TEST(FilterRulesTest, TheFirstRuleThatMatchesDecides) {
  const FilterRules rules({{true, "secret/public/#"}, {false, "secret/#"}, {true, "#"}});
  EXPECT_TRUE(rules.allows("secret/public/x"));
  EXPECT_FALSE(rules.allows("secret/plans"));
  EXPECT_FALSE(rules.allows("secret"));
  EXPECT_TRUE(rules.allows("open"));
}

// [MQTT-4.7.2-1] holds for rules as for subscriptions.
TEST(FilterRulesTest, AWildcardRuleDoesNotReachTopicsThatBeginWithADollarSign) {
  EXPECT_TRUE(FilterRules({{false, "#"}}).allows("$SYS/uptime"));
  EXPECT_FALSE(FilterRules({{false, "$SYS/#"}}).allows("$SYS/uptime"));
}

}  // namespace
}  // namespace mortise::routing
