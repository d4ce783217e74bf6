#include "acl.h"

#include <gmock/gmock.h>

namespace auth_file {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::shared_ptr<const Acl> acl_of(const std::string& text) {
  std::string error;
  auto acl = Acl::parse(text, "acl.yaml", error);
  EXPECT_NE(acl, nullptr) << error;
  return acl;
}

std::string error_of(const std::string& text) {
  std::string error;
  EXPECT_EQ(Acl::parse(text, "acl.yaml", error), nullptr) << text;
  return error;
}

const ClientView kAlice{"alice-phone", "alice"};
const ClientView kNobody{"sensor-7", std::nullopt};

// ---- Deciding ----

TEST(AclTest, TheFirstRuleThatMatchesDecidesAndNoRuleDenies) {
  const auto acl = acl_of(R"(
rules:
  - { deny: publish, topics: [a/secret] }
  - { allow: publish, topics: [a/+] }
)");
  EXPECT_FALSE(acl->publish("a/secret", kAlice).is_allowed);
  EXPECT_EQ(acl->publish("a/secret", kAlice).line, 3);
  EXPECT_TRUE(acl->publish("a/b", kAlice).is_allowed);
  EXPECT_FALSE(acl->publish("a/b/c", kAlice).is_allowed);
  EXPECT_EQ(acl->publish("a/b/c", kAlice).line, 0);
  EXPECT_FALSE(acl->subscribe("a/b", kAlice).is_allowed) << "publish is not subscribe";
}

TEST(AclTest, RulesWithUsersOrClientsConcernThoseOnly) {
  const auto acl = acl_of(R"(
rules:
  - { allow: publish, topics: [a], users: [alice, "b*"] }
  - { allow: publish, topics: [b], clients: ["sensor-*"] }
)");
  EXPECT_TRUE(acl->publish("a", kAlice).is_allowed);
  EXPECT_TRUE(acl->publish("a", {"x", "bob"}).is_allowed);
  EXPECT_FALSE(acl->publish("a", {"x", "Alice"}).is_allowed);
  EXPECT_FALSE(acl->publish("a", kNobody).is_allowed) << "nobody is no user";
  EXPECT_TRUE(acl->publish("b", kNobody).is_allowed);
  EXPECT_FALSE(acl->publish("b", kAlice).is_allowed);
}

TEST(AclTest, ANameWithStrangeCharactersMeansItself) {
  const auto acl = acl_of("rules: [{ allow: publish, topics: [a], users: ['\"; DROP\\n', '%', '#'] }]");
  EXPECT_TRUE(acl->publish("a", {"x", "\"; DROP\\n"}).is_allowed);
  EXPECT_TRUE(acl->publish("a", {"x", "#"}).is_allowed);
  EXPECT_TRUE(acl->publish("a", {"x", "%"}).is_allowed);
  EXPECT_FALSE(acl->publish("a", {"x", "b"}).is_allowed);
}

// ---- Placeholders ----

TEST(AclTest, PlaceholdersAreTheClientsOwnValues) {
  const auto acl = acl_of("rules: [{ allow: all, topics: [tenant/%u/%c-%%/#] }]");
  EXPECT_TRUE(acl->publish("tenant/alice/alice-phone-%/x", kAlice).is_allowed);
  EXPECT_FALSE(acl->publish("tenant/bob/alice-phone-%/x", kAlice).is_allowed);
  EXPECT_FALSE(acl->publish("tenant//sensor-7-%/x", kNobody).is_allowed) << "no user name: the rule says nothing";
}

TEST(AclTest, AUserNamedLikeAWildcardGetsNone) {
  const auto acl = acl_of("rules: [{ allow: all, topics: [tenant/%u/x] }]");
  for (const char* const name : {"#", "+", "a/b", "", "a#", "+/+"}) {
    EXPECT_FALSE(acl->subscribe("tenant/alice/x", {"c", name}).is_allowed) << name;
    EXPECT_FALSE(acl->publish(std::string("tenant/") + name + "/x", {"c", name}).is_allowed) << name;
  }
  EXPECT_TRUE(acl->publish("tenant/%u/x", {"c", "%u"}).is_allowed) << "taken literally, once";
}

TEST(AclTest, APlaceholderCannotOpenTheBrokersOwnTopics) {
  const auto acl = acl_of("rules: [{ allow: all, topics: ['%u/#', 'x/%u'] }]");
  EXPECT_FALSE(acl->subscribe("$SYS/#", {"c", "$SYS"}).is_allowed);
  EXPECT_TRUE(acl->subscribe("x/$SYS", {"c", "$SYS"}).is_allowed);
}

TEST(AclTest, AllTopicsDoNotIncludeThoseThatBeginWithADollarSign) {  // [MQTT-4.7.2-1]
  const auto acl = acl_of("rules: [{ allow: all, topics: ['#'] }]");
  EXPECT_FALSE(acl->subscribe("$SYS/#", kAlice).is_allowed);
  EXPECT_FALSE(acl->publish("$x", kAlice).is_allowed);
  EXPECT_TRUE(acl->subscribe("#", kAlice).is_allowed);
}

// ---- Subscribing ----

TEST(AclTest, ASubscribeInsideADeniedAreaIsRefused) {
  const auto acl = acl_of(R"(
rules:
  - { deny: all, topics: [tenant/+/secret/#] }
  - { allow: all, topics: [tenant/%u/#] }
)");
  EXPECT_FALSE(acl->subscribe("tenant/alice/secret/#", kAlice).is_allowed);
  EXPECT_FALSE(acl->subscribe("tenant/alice/secret", kAlice).is_allowed) << "secret/# matches secret too";
  EXPECT_FALSE(acl->subscribe("tenant/bob/#", kAlice).is_allowed);
  EXPECT_FALSE(acl->subscribe("tenant/#", kAlice).is_allowed) << "wider than what is allowed";
}

std::vector<std::string> parts_of(const Verdict& verdict) {
  std::vector<std::string> parts;
  for (const Verdict::Part& part : verdict.parts) parts.push_back((part.allows ? "+" : "-") + part.filter);
  return parts;
}

TEST(AclTest, ASubscribeAroundADeniedAreaIsGrantedWithoutIt) {
  const auto acl = acl_of(R"(
rules:
  - { allow: all, topics: [tenant/%u/secret/mine] }
  - { deny: all, topics: [tenant/+/secret/#, other/#] }
  - { deny: publish, topics: [tenant/%u/a] }
  - { allow: all, topics: [tenant/%u/b] }
  - { allow: all, topics: [tenant/%u/#] }
)");
  const Verdict all = acl->subscribe("tenant/alice/#", kAlice);
  EXPECT_TRUE(all.is_allowed);
  EXPECT_EQ(all.line, 7);
  EXPECT_THAT(parts_of(all), ElementsAre("+tenant/alice/secret/mine", "-tenant/+/secret/#"));
  EXPECT_THAT(parts_of(acl->subscribe("tenant/alice/+/x", kAlice)), ElementsAre("-tenant/+/secret/#"));
  EXPECT_THAT(parts_of(acl->subscribe("tenant/alice/a", kAlice)), IsEmpty());
}

TEST(AclTest, APartThatAnEarlierOneCoversIsLeftOut) {
  const auto acl = acl_of(R"(
rules:
  - { deny: subscribe, topics: [a/b/#, a/b/c, a/b] }
  - { allow: subscribe, topics: [a/#] }
)");
  EXPECT_THAT(parts_of(acl->subscribe("a/#", kAlice)), ElementsAre("-a/b/#"));
}

TEST(AclTest, MorePartsThanADecisionHoldsRefuseTheSubscribe) {
  std::string text = "rules:\n";
  for (int i = 0; i < 257; ++i) text += "  - { deny: subscribe, topics: [a/" + std::to_string(i) + "] }\n";
  text += "  - { allow: subscribe, topics: [a/#] }\n";
  EXPECT_FALSE(acl_of(text)->subscribe("a/#", kAlice).is_allowed);
  EXPECT_TRUE(acl_of(text)->subscribe("a/x/#", kAlice).is_allowed);
}

// ---- Reuse ----

TEST(AclTest, AnAnswerHoldsForTheWholeFilterUnlessAnEarlierRuleSaysOtherwiseOfAPart) {
  const auto acl = acl_of(R"(
rules:
  - { deny: publish, topics: [a/x] }
  - { allow: publish, topics: [b/y] }
  - { allow: publish, topics: [a/#, b/#] }
)");
  EXPECT_EQ(acl->publish("b/z", kAlice).cache_filter, "b/#") << "the earlier rule says the same";
  EXPECT_EQ(acl->publish("a/z", kAlice).cache_filter, "");
  EXPECT_EQ(acl->publish("a/x", kAlice).cache_filter, "a/x");
  EXPECT_EQ(acl->publish("c", kAlice).cache_filter, "");
}

// ---- The file ----

TEST(AclTest, EachMistakeIsNamedWithItsPlaceAndTheRemedy) {
  EXPECT_THAT(error_of("rules:\n  - { allow: publish, topcs: [a] }"),
              HasSubstr("acl.yaml:2:23: unknown key \"topcs\""));
  EXPECT_THAT(error_of("rule: []"), HasSubstr("acl.yaml:1:1: unknown key \"rule\"; known are rules"));
  EXPECT_THAT(error_of("rules: [{ allow: publish, deny: publish, topics: [a] }]"), HasSubstr("either allow or deny"));
  EXPECT_THAT(error_of("rules: [{ topics: [a] }]"), HasSubstr("either allow or deny"));
  EXPECT_THAT(error_of("rules: [{ allow: read, topics: [a] }]"), HasSubstr("known are publish, subscribe, all"));
  EXPECT_THAT(error_of("rules: [{ allow: all }]"), HasSubstr("a rule needs topics"));
  EXPECT_THAT(error_of("rules: [{ allow: all, topics: [] }]"), HasSubstr("topics is empty"));
  EXPECT_THAT(error_of("rules: [{ allow: all, topics: a }]"), HasSubstr("must be a list"));
  EXPECT_THAT(error_of("rules: [{ allow: all, topics: [[a]] }]"), HasSubstr("must be a list"));
  EXPECT_THAT(error_of("rules: [{ allow: all, topics: [a/#/b] }]"), HasSubstr("is not a Topic Filter"));
  EXPECT_THAT(error_of("rules: [{ allow: all, topics: [''] }]"), HasSubstr("is not a Topic Filter"));
  EXPECT_THAT(error_of("rules: [{ allow: all, topics: ['a\\0b', \"a\\0b\"] }]"), HasSubstr("is not a Topic Filter"));
  EXPECT_THAT(error_of("rules: [{ allow: all, topics: [x/%n] }]"), HasSubstr("unknown placeholder"));
  EXPECT_THAT(error_of("rules: [{ allow: all, topics: [x/%] }]"), HasSubstr("unknown placeholder"));
  EXPECT_THAT(error_of("rules: [{ allow: all, topics: [$share/g/a] }]"), HasSubstr("leave $share/<name>/ out"));
  EXPECT_THAT(error_of("rules: [{ allow: all, allow: all, topics: [a] }]"), HasSubstr("twice"));
  EXPECT_THAT(error_of("rules: [{ allow: all"), HasSubstr("not YAML"));
  EXPECT_THAT(error_of("rules: \"\\\x01\""), ::testing::Not(HasSubstr("\x01"))) << "the parser's words are one line";
  EXPECT_THAT(error_of("rules"), HasSubstr("a mapping with the key rules"));
  EXPECT_THAT(error_of("rules: {}"), HasSubstr("be a list"));
  EXPECT_THAT(error_of("rules: [a]"), HasSubstr("a rule is a mapping"));
  EXPECT_EQ(error_of("rules: [{ allow: \"a\\nb\", topics: [a] }]").find('\n'), std::string::npos) << "always one line";
}

TEST(AclTest, AFileThatIsNotThereIsNamed) {
  std::string error;
  EXPECT_EQ(Acl::read("/nonexistent/acl.yaml", error), nullptr);
  EXPECT_EQ(error, "/nonexistent/acl.yaml: cannot be opened: No such file or directory");
}

TEST(AclTest, TheExampleIsReadWithoutAWarning) {
  std::string error;
  const auto acl = Acl::read(AUTH_FILE_FOLDER "/example-acl.yaml", error);
  ASSERT_NE(acl, nullptr) << error;
  EXPECT_THAT(acl->warnings(), IsEmpty());
  EXPECT_TRUE(acl->subscribe("$SYS/#", {"c", "operator"}).is_allowed);
  EXPECT_FALSE(acl->subscribe("tenant/alice/secret/a", {"c", "operator"}).is_allowed);
}

TEST(AclTest, NoRulesAtAllDenyEverything) {
  const auto acl = acl_of("rules: []");
  EXPECT_FALSE(acl->publish("a", kAlice).is_allowed);
  EXPECT_EQ(acl->place(0), "acl.yaml: no rule");
}

// ---- Rules that nothing can reach ----

TEST(AclTest, ARuleThatNothingCanReachIsWarnedOf) {
  EXPECT_THAT(acl_of(R"(
rules:
  - { allow: all, topics: [tenant/+/#] }
  - { deny: all, topics: [tenant/%u/secret] }
)")
                  ->warnings(),
              ElementsAre(HasSubstr("acl.yaml:4: nothing can reach this rule; the one in line 3")));
  EXPECT_THAT(acl_of(R"(
rules:
  - { allow: all, topics: ['%u/#'], users: ["a*"] }
  - { deny: publish, topics: ['%u/#'], users: [alice] }
)")
                  ->warnings(),
              SizeIs(1));
}

TEST(AclTest, ARuleThatSomethingCanReachIsNot) {
  EXPECT_THAT(acl_of(R"(
rules:
  - { deny: all, topics: [tenant/+/secret/#] }
  - { allow: publish, topics: [tenant/%u/#] }
  - { allow: all, topics: [tenant/%u/#] }                  # subscribe is left
  - { allow: all, topics: ["#"], users: [root] }
  - { allow: all, topics: [x/%c], clients: ["a*"] }
  - { deny: all, topics: [x/%c] }                          # clients without a
  - { allow: publish, topics: ["#"], users: ["*"] }        # users other than root
  - { deny: publish, topics: ["#"] }                       # clients without user name
)")
                  ->warnings(),
              IsEmpty());
}

}  // namespace
}  // namespace auth_file
