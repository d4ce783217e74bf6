#include "claims.h"

#include <gmock/gmock.h>

namespace auth_jwt::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr std::int64_t kNow = 1'700'000'000;

class Claims : public ::testing::Test {
 protected:
  Claims() { rules.user_name = ClaimPath("sub"); }

  std::optional<Granted> ask(const json& claims) {
    why.clear();
    return judge(claims, rules, client, kNow, why);
  }
  /// A good token with some claims changed; null takes one away.
  std::optional<Granted> ask_with(const json& changes) {
    json claims = {{"sub", "alice"}, {"exp", kNow + 100}};
    if (!changes.is_null()) claims.merge_patch(changes);
    return ask(claims);
  }
  std::string why_not(const json& changes) { return ask_with(changes) ? "" : why; }

  ClaimRules rules;
  ClientView client{"sensor-1", "alice"};
  std::string why;
};

TEST_F(Claims, AGoodTokenSaysWhoAndUntilWhen) {
  const auto granted = ask_with({});
  ASSERT_TRUE(granted) << why;
  EXPECT_EQ(granted->user_name, "alice");
  EXPECT_EQ(granted->name_space, std::nullopt);
  EXPECT_EQ(granted->note, std::nullopt) << "nothing is said of what it may do";
  EXPECT_EQ(granted->until_s, kNow + 130);
}

TEST_F(Claims, TimesAreCheckedWithTheLeewayAndNoMore) {
  const std::pair<json, const char*> cases[] = {
      {{{"exp", kNow - 29}}, ""},
      {{{"exp", kNow - 29.5}}, ""},
      {{{"exp", kNow - 30}}, "expired"},
      {{{"exp", 0}}, "expired"},
      {{{"exp", nullptr}}, "has no exp"},
      {{{"exp", "tomorrow"}}, "exp is no date"},
      {{{"exp", -1}}, "exp is no date"},
      {{{"exp", 1e300}}, "exp is no date"},
      {{{"exp", true}}, "exp is no date"},
      {{{"exp", json::array({kNow + 100})}}, "exp is no date"},
      {{{"exp", UINT64_MAX}}, "exp is no date"},
      {{{"nbf", kNow + 30}}, ""},
      {{{"nbf", kNow + 31}}, "not valid yet"},
      {{{"nbf", "x"}}, "nbf is no date"},
      {{{"iat", kNow + 30}}, ""},
      {{{"iat", kNow + 31}}, "in the future"},
      {{{"iat", json::object()}}, "iat is no date"},
  };
  for (const auto& [changes, expected] : cases) {
    if (*expected == '\0') {
      EXPECT_EQ(why_not(changes), "") << changes;
    } else {
      EXPECT_THAT(why_not(changes), HasSubstr(expected)) << changes;
    }
  }
  rules.needs_expiry = false;
  const auto granted = ask({{"sub", "alice"}});
  ASSERT_TRUE(granted);
  EXPECT_EQ(granted->until_s, std::nullopt);
}

TEST_F(Claims, TheIssuerAndTheAudienceMustBeOurs) {
  rules.issuer = "https://issuer";
  EXPECT_THAT(why_not({}), HasSubstr("iss"));
  EXPECT_THAT(why_not({{"iss", "https://issuer/"}}), HasSubstr("iss"));
  EXPECT_THAT(why_not({{"iss", json::array({"https://issuer"})}}), HasSubstr("iss"));
  EXPECT_EQ(why_not({{"iss", "https://issuer"}}), "");
  rules.issuer.reset();
  rules.audiences = {"mqtt", "mqtts"};
  EXPECT_THAT(why_not({}), HasSubstr("aud"));
  EXPECT_THAT(why_not({{"aud", "MQTT"}}), HasSubstr("aud"));
  EXPECT_THAT(why_not({{"aud", json::array()}}), HasSubstr("aud"));
  EXPECT_THAT(why_not({{"aud", {5, "other"}}}), HasSubstr("aud"));
  EXPECT_THAT(why_not({{"aud", {{"mqtt", 1}}}}), HasSubstr("aud"));
  EXPECT_EQ(why_not({{"aud", "mqtts"}}), "");
  EXPECT_EQ(why_not({{"aud", {"other", "mqtt"}}}), "");
}

TEST_F(Claims, RequiredClaimsAreComparedWithTheClientsOwnValuesLiterally) {
  rules.required.push_back({ClaimPath("client_id"), mortise::TextTemplate("dev:%c/%u", placeholder_names())});
  client.client_id = "a+\"%u";
  EXPECT_EQ(why_not({{"client_id", "dev:a+\"%u/alice"}}), "");
  EXPECT_THAT(why_not({{"client_id", "dev:a+\"alice/alice"}}), HasSubstr("client_id"));
  EXPECT_THAT(why_not({}), HasSubstr("client_id"));
  EXPECT_THAT(why_not({{"client_id", 5}}), HasSubstr("client_id"));
  client.user_name.reset();
  EXPECT_THAT(why_not({{"client_id", "dev:a+\"%u/"}}), HasSubstr("client_id")) << "absent is not empty";
  client.user_name = "";
  EXPECT_EQ(why_not({{"client_id", "dev:a+\"%u/"}}), "");
}

TEST_F(Claims, NamesAreTextAndNotEmpty) {
  for (const json& bad : {json(), json(5), json(""), json("a\nb"), json(std::string("a\0b", 3)), json("a\x7f"),
                          json::array({"alice"}), json(std::string(1025, 'a'))}) {
    EXPECT_EQ(why_not({{"sub", bad}}), "the claim sub is no name") << bad;
  }
  EXPECT_EQ(ask_with({{"sub", "ユーザー #+/'\"\\%u"}})->user_name, "ユーザー #+/'\"\\%u");
  rules.name_space = ClaimPath("/org/tenant");
  EXPECT_EQ(why_not({}), "the claim /org/tenant is no name") << "no namespace is not the default one";
  EXPECT_EQ(why_not({{"org", {"tenant"}}}), "the claim /org/tenant is no name");
  EXPECT_EQ(ask_with({{"org", {{"tenant", "blue"}}}})->name_space, "blue");
  rules.user_name.reset();
  EXPECT_EQ(ask_with({{"sub", nullptr}, {"org", {{"tenant", "blue"}}}})->user_name, std::nullopt);
}

TEST_F(Claims, FiltersAreATextOrAList) {
  rules.publish = ClaimPath("/mqtt/pub");
  rules.subscribe = ClaimPath("sub_to");
  rules.granted_subscribe = {"status/%c"};
  const auto granted = ask_with({{"mqtt", {{"pub", {"a/#", "b/%u"}}}}, {"sub_to", "c/+"}});
  ASSERT_TRUE(granted) << why;
  EXPECT_EQ(granted->note, std::string("pa/#\0pb/%u\0sstatus/%c\0sc/+\0", 27));
  EXPECT_EQ(ask_with({})->note, std::string("sstatus/%c\0", 11)) << "what a token does not say it does not grant";
  EXPECT_EQ(ask_with({{"sub_to", json::array()}})->note, std::string("sstatus/%c\0", 11));
}

TEST_F(Claims, FiltersThatAreNoneMakeTheTokenInvalid) {
  rules.publish = ClaimPath("pub");
  rules.most_filters = 3;
  const std::pair<json, const char*> cases[] = {
      {5, "neither a text nor a list"},
      {{{"a", 1}}, "neither a text nor a list"},
      {{"a", 5}, "neither a text nor a list"},
      {{{"a"}}, "neither a text nor a list"},
      {"", "no Topic Filter"},
      {"a/#/b", "no Topic Filter"},
      {"a+", "no Topic Filter"},
      {std::string("a\0b", 3), "no Topic Filter"},
      {"a/%x", "unknown placeholder"},
      {"a/%", "unknown placeholder"},
      {"$share/g/a", "$share"},
      {std::string(65'536, 'a'), "longer"},
      {{"a", "b", "c", "d"}, "max_filters"},
      {{std::string(40'000, 'a'), std::string(40'000, 'b')}, "64 KiB"},
  };
  for (const auto& [filters, expected] : cases) EXPECT_THAT(why_not({{"pub", filters}}), HasSubstr(expected));
  EXPECT_EQ(why_not({{"pub", {"a", "b/%%", "c/%c"}}}), "");
}

}  // namespace
}  // namespace auth_jwt::testing
