#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <mortise/testing/fake_host.hpp>

#include "issuer.h"

namespace mortise::testing {
namespace {

using auth_jwt::testing::Issuer;
using auth_jwt::testing::make_es256;
using auth_jwt::testing::make_hs256;
using nlohmann::json;
using ::testing::HasSubstr;

constexpr std::uint64_t kNow = 1'700'000'000;

class AuthJwtTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::path(::testing::TempDir()) / ("auth-jwt-" + std::to_string(getpid()) + "-" +
                                                       ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
    set_clock(0);
    write("secret", secret_);
    config_ = {{"algorithms", {"HS256"}},
               {"secret", {{"file", "secret"}}},
               {"claims", {{"publish", "pub"}, {"subscribe", "sub_to"}}}};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// Seconds after kNow, on both clocks.
  static void set_clock(std::uint64_t seconds) {
    FakeHost::set_clock_ms((kNow + seconds) * 1000, 1'000'000 + seconds * 1000);
  }
  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  /// As an operator should: whole, under another name, then renamed.
  void replace(const std::string& name, const std::string& text) {
    write(name + ".new", text);
    std::filesystem::rename(folder_ / (name + ".new"), folder_ / name);
  }
  void start() { ASSERT_EQ(host_.start(config_.dump(), folder_), Status::ok) << host_.failure(); }
  std::string why_not_started(const json& changes) {
    json config = config_;
    config.merge_patch(changes);
    FakeHost host(mortise_plugin_entry);
    return host.start(config.dump(), folder_) == Status::ok ? "" : host.failure();
  }

  Answer login(std::optional<std::string> password, const std::string& client_id = "sensor-1") {
    ConnectRequest request;
    request.client_id = client_id;
    request.user_name = "claimed";
    request.password = std::move(password);
    return host_.authenticate(request);
  }
  std::string token(const json& changes = json::object(), const json& header = json::object()) const {
    json claims = {{"sub", "alice"}, {"exp", kNow + 100}};
    if (!changes.is_null()) claims.merge_patch(changes);
    return issuer_->token(claims, header);
  }
  /// May a client that was let in like this do that?
  Answer may(const Answer& let_in, std::uint32_t action, const std::string& topic) {
    AccessRequest request{action, topic};
    request.principal.client_id = "sensor-1";
    request.principal.user_name = let_in.user_name;
    request.principal.note = let_in.note;
    return host_.authorize(request);
  }

  const std::string secret_ = std::string(40, 's');
  const std::unique_ptr<Issuer> issuer_ = make_hs256(secret_);
  std::filesystem::path folder_;
  json config_;
  FakeHost host_{mortise_plugin_entry};
};

TEST_F(AuthJwtTest, ATokenLetsInAndIsCheckedOnAnotherThread) {
  start();
  EXPECT_EQ(host_.plugin().flags, MORTISE_PLUGIN_CONCURRENT);
  const Answer answer = login(token());
  EXPECT_EQ(answer.verdict, MORTISE_VERDICT_ALLOW);
  EXPECT_TRUE(answer.was_pending);
  EXPECT_EQ(answer.user_name, "alice") << "and not what the client claims";
  EXPECT_EQ(answer.valid_for_s, 130u);
  EXPECT_EQ(answer.note, "");
}

TEST_F(AuthJwtTest, NoPasswordIsForTheNextPlugin) {
  start();
  EXPECT_EQ(login(std::nullopt).verdict, MORTISE_VERDICT_NEXT);
  EXPECT_EQ(login("").verdict, MORTISE_VERDICT_DENY) << "an empty one is one";
}

TEST_F(AuthJwtTest, WhatIsNoTokenIsForTheNextPluginIfTheOperatorSaysSo) {
  config_["not_a_token"] = "next";
  start();
  EXPECT_EQ(login("open sesame").verdict, MORTISE_VERDICT_NEXT);
  EXPECT_EQ(login("a.b.c").verdict, MORTISE_VERDICT_DENY);
}

TEST_F(AuthJwtTest, EveryRefusalSaysWhyAndShowsNothingOfTheToken) {
  config_["max_token_bytes"] = 2000;
  start();
  const std::pair<std::string, const char*> cases[] = {
      {"x", "three parts"},
      {token() + "x", "signature is wrong"},
      {token({{"exp", kNow - 100}}), "expired"},
      {token({{"nbf", kNow + 100}}), "not valid yet"},
      {token({{"x", std::string(2000, 'x')}}), "max_token_bytes"},
      {make_hs256(std::string(32, 'o'))->token({{"sub", "alice"}}), "signature is wrong"},
      {make_es256()->token({}), "none of algorithms"},
      {token({{"pub", "a/#/b"}}), "the claim pub is no Topic Filter"},
      {auth_jwt::testing::unsigned_token(R"({"alg":"none"})", R"({"sub":"alice"})") + ".", "none that is known"},
  };
  for (const auto& [password, expected] : cases) {
    const std::size_t lines = host_.log().size();
    const Answer answer = login(password);
    EXPECT_EQ(answer.verdict, MORTISE_VERDICT_DENY);
    EXPECT_EQ(answer.reason_code, reason::kBadUserNameOrPassword);
    ASSERT_EQ(host_.log().size(), lines + 1) << password;
    EXPECT_THAT(host_.log().back().text, HasSubstr(expected));
    EXPECT_THAT(host_.log().back().text, HasSubstr("client \"sensor-1\""));
  }
  for (const LogLine& line : host_.log()) EXPECT_THAT(line.text, Not(HasSubstr("eyJ")));
  EXPECT_EQ(host_.counter("refused"), std::size(cases));
}

TEST_F(AuthJwtTest, AWrongSignatureIsFoundBeforeThePayloadIsLookedAt) {
  start();
  const std::string text = auth_jwt::testing::unsigned_token(R"({"alg":"HS256"})", "no JSON");
  EXPECT_EQ(login(text + "." + auth_jwt::testing::base64url(std::string(32, 'x'))).verdict, MORTISE_VERDICT_DENY);
  EXPECT_TRUE(host_.has_logged("signature is wrong"));
}

TEST_F(AuthJwtTest, WhatATokenGrantsIsAllThatIsAllowed) {
  start();
  const Answer answer = login(token({{"pub", {"up/%c/#", "who/%u"}}, {"sub_to", {"down/%c/+", "100%%"}}}));
  const auto says = [&](std::uint32_t action, const std::string& topic) {
    return may(answer, action, topic).verdict == MORTISE_VERDICT_ALLOW;
  };
  EXPECT_TRUE(says(MORTISE_ACTION_PUBLISH, "up/sensor-1/a/b"));
  EXPECT_TRUE(says(MORTISE_ACTION_PUBLISH, "up/sensor-1"));
  EXPECT_TRUE(says(MORTISE_ACTION_WILL, "who/alice"));
  EXPECT_FALSE(says(MORTISE_ACTION_PUBLISH, "up/sensor-2/a"));
  EXPECT_FALSE(says(MORTISE_ACTION_PUBLISH, "down/sensor-1/a"));
  EXPECT_TRUE(says(MORTISE_ACTION_SUBSCRIBE, "down/sensor-1/+"));
  EXPECT_TRUE(says(MORTISE_ACTION_SUBSCRIBE, "down/sensor-1/a"));
  EXPECT_TRUE(says(MORTISE_ACTION_SUBSCRIBE, "100%"));
  EXPECT_FALSE(says(MORTISE_ACTION_SUBSCRIBE, "down/sensor-1/#"));
  EXPECT_FALSE(says(MORTISE_ACTION_SUBSCRIBE, "down/+/a"));
  EXPECT_FALSE(says(MORTISE_ACTION_SUBSCRIBE, "up/sensor-1/a"));
  EXPECT_FALSE(says(MORTISE_ACTION_SUBSCRIBE, "#"));
}

TEST_F(AuthJwtTest, AnswersAboutPublishesMayBeReused) {
  start();
  const Answer let_in = login(token({{"pub", "a/#"}}));
  const Answer allowed = may(let_in, MORTISE_ACTION_PUBLISH, "a/b");
  EXPECT_EQ(allowed.cache_scope, MORTISE_CACHE_FILTER);
  EXPECT_EQ(allowed.cache_filter, "a/#");
  EXPECT_EQ(allowed.cache_ms, 60'000u);
  const Answer denied = may(let_in, MORTISE_ACTION_PUBLISH, "b");
  EXPECT_EQ(denied.verdict, MORTISE_VERDICT_DENY);
  EXPECT_EQ(denied.cache_scope, MORTISE_CACHE_TOPIC);
}

TEST_F(AuthJwtTest, AValueThatIsMoreThanPartOfALevelGrantsNothing) {
  start();
  for (const std::string user : {"#", "+", "a/b", "$SYS", "a+"}) {
    const Answer let_in = login(token({{"sub", user}, {"sub_to", "%u"}, {"pub", "x/%u"}}));
    ASSERT_EQ(let_in.verdict, MORTISE_VERDICT_ALLOW);
    EXPECT_EQ(may(let_in, MORTISE_ACTION_SUBSCRIBE, user).verdict, MORTISE_VERDICT_DENY) << user;
    EXPECT_EQ(may(let_in, MORTISE_ACTION_SUBSCRIBE, "a").verdict, MORTISE_VERDICT_DENY) << user;
    EXPECT_EQ(may(let_in, MORTISE_ACTION_PUBLISH, "x/a").verdict, MORTISE_VERDICT_DENY) << user;
  }
}

TEST_F(AuthJwtTest, OfClientsThatOthersLetInItHasNoOpinion) {
  start();
  AccessRequest request{MORTISE_ACTION_PUBLISH, "a"};
  EXPECT_EQ(host_.authorize(request).verdict, MORTISE_VERDICT_NEXT);
  request.principal.note = "";
  EXPECT_EQ(host_.authorize(request).verdict, MORTISE_VERDICT_DENY);
}

TEST_F(AuthJwtTest, WithoutClaimsAboutItThePluginHasNoOpinionOnWhatClientsDo) {
  config_["claims"] = {{"user_name", "sub"}};
  start();
  EXPECT_EQ(login(token()).note, std::nullopt);
  EXPECT_TRUE(host_.has_logged("another plugin of hooks.auth must allow"));
}

TEST_F(AuthJwtTest, AClientMayStayAfterItsTokenIfTheOperatorSaysSo) {
  config_["at_expiry"] = "keep";
  start();
  EXPECT_EQ(login(token()).valid_for_s, std::nullopt);
}

TEST_F(AuthJwtTest, TheTokenMayStandInTheUserName) {
  config_["token"] = "user_name";
  start();
  ConnectRequest request;
  request.user_name = token();
  const Answer answer = host_.authenticate(request);
  EXPECT_EQ(answer.verdict, MORTISE_VERDICT_ALLOW);
  EXPECT_EQ(answer.user_name, "alice") << "and not the token";
  request.user_name.reset();
  EXPECT_EQ(host_.authenticate(request).verdict, MORTISE_VERDICT_NEXT);
}

// ---- Keys that change -----------------------------------------------------------------------------------------------

json with_id(const Issuer& issuer, const char* key_id) {
  json key = issuer.jwk();
  key["kid"] = key_id;
  return key;
}
std::string jwks(const std::vector<json>& keys) { return json{{"keys", keys}}.dump(); }

TEST_F(AuthJwtTest, AChangedKeyFileIsReadAgainWhenItsTimeHasCome) {
  const auto old_issuer = make_es256();
  const auto new_issuer = make_es256();
  const json claims = {{"sub", "alice"}, {"exp", kNow + 1000}};
  const std::string from_old = old_issuer->token(claims, {{"kid", "old"}});
  const std::string from_new = new_issuer->token(claims, {{"kid", "new"}});
  write("keys.json", jwks({with_id(*old_issuer, "old")}));
  config_ = {{"algorithms", {"ES256"}}, {"jwks", "keys.json"}, {"jwks_check_ms", 10'000}};
  start();
  EXPECT_EQ(login(from_old).verdict, MORTISE_VERDICT_ALLOW);
  EXPECT_EQ(login(from_new).verdict, MORTISE_VERDICT_DENY);
  EXPECT_TRUE(host_.has_logged("no key has its kid"));
  replace("keys.json", jwks({with_id(*new_issuer, "new")}));
  EXPECT_EQ(login(from_old).verdict, MORTISE_VERDICT_ALLOW) << "not looked at yet";
  EXPECT_EQ(login(from_new).verdict, MORTISE_VERDICT_DENY) << "looked at within this second";
  set_clock(1);
  EXPECT_EQ(login(from_new).verdict, MORTISE_VERDICT_ALLOW) << "a kid that is not known is a reason to look";
  EXPECT_EQ(login(from_old).verdict, MORTISE_VERDICT_DENY);
  replace("keys.json", jwks({with_id(*old_issuer, "new")}));
  set_clock(10);
  EXPECT_EQ(login(from_new).verdict, MORTISE_VERDICT_ALLOW);
  set_clock(11);
  EXPECT_EQ(login(from_new).verdict, MORTISE_VERDICT_DENY) << "the same kid, another key";
}

TEST_F(AuthJwtTest, ABadKeyFileLeavesTheKeysAndIsNamedOnce) {
  write("keys.json", jwks({with_id(*issuer_, "1")}));
  config_ = {{"algorithms", {"HS256"}}, {"jwks", "keys.json"}, {"jwks_check_ms", 1000}};
  start();
  std::uint64_t seconds = 0;
  const auto lines_of = [&](const std::string& text) {
    int lines = 0;
    for (int i = 0; i < 3; ++i) {
      set_clock(seconds += 2);
      EXPECT_EQ(login(token()).verdict, MORTISE_VERDICT_ALLOW);
    }
    for (const LogLine& line : host_.log()) lines += line.text.find(text) != std::string::npos ? 1 : 0;
    return lines;
  };
  replace("keys.json", "{");
  EXPECT_EQ(lines_of("keys.json: is no JWK Set: it is not JSON; the keys from before stay in force"), 1);
  std::filesystem::remove(folder_ / "keys.json");
  EXPECT_EQ(lines_of("keys.json: cannot be opened: No such file or directory"), 1);
  replace("keys.json", std::string(300'000, ' '));
  EXPECT_EQ(lines_of("keys.json: is no file of at most 256 KiB"), 1);
  replace("keys.json", jwks({with_id(*make_hs256(std::string(32, 'o')), "1")}));
  set_clock(seconds + 2);
  EXPECT_EQ(login(token()).verdict, MORTISE_VERDICT_DENY) << "a good one counts again";
}

// ---- Configuration --------------------------------------------------------------------------------------------------

TEST_F(AuthJwtTest, AConfigurationThatIsWrongIsRefusedWithTheKey) {
  write("short", "short");
  write("empty", "");
  const std::pair<json, const char*> cases[] = {
      {{{"algorithms", nullptr}}, "/algorithms is missing"},
      {{{"algorithms", {"none"}}}, "/algorithms has none"},
      {{{"secret", nullptr}}, "has no key"},
      {{{"secret", {{"hex", "ab"}}}}, "one of base64, hex and file"},
      {{{"secret", {{"file", nullptr}, {"hex", "abc"}}}}, "no hexadecimal number"},
      {{{"secret", {{"file", nullptr}, {"base64", "*"}}}}, "no base64"},
      {{{"secret", {{"file", "short"}}}}, "shorter than 32 bytes"},
      {{{"secret", {{"file", "empty"}}}}, "empty"},
      {{{"secret", {{"file", "nowhere"}}}}, "nowhere: cannot be read"},
      {{{"public_key", "secret"}}, "no public key in PEM"},
      {{{"jwks", "nowhere"}}, "nowhere: cannot be opened"},
      {{{"claims", {{"publish", "/a~"}}}}, "no JSON Pointer"},
      {{{"claims", {{"pub", "a"}}}}, "/claims/pub is not known"},
      {{{"required", {{"a", "%x"}}}}, "unknown placeholder"},
      {{{"grant", {{"publish", {"a#"}}}}}, "no Topic Filter"},
      {{{"grant", {{"publish", "a/%x"}}}}, "unknown placeholder"},
      {{{"token", "cookie"}}, "/token must be user_name or password"},
      {{{"token", "user_name"}, {"claims", {{"user_name", ""}}}}, "must name a claim"},
      {{{"leeway_s", 4000}}, "/leeway_s"},
      {{{"audience", {{"a", "b"}}}}, "/audience/0 is missing"},
      {{{"secrets", 1}}, "/secrets is not known"},
  };
  for (const auto& [changes, expected] : cases) EXPECT_THAT(why_not_started(changes), HasSubstr(expected)) << changes;
}

TEST_F(AuthJwtTest, TheSecretMayBeWrittenInThreeWays) {
  std::string hex;
  for (std::size_t i = 0; i < secret_.size(); ++i) hex += "73";
  for (const json& secret :
       {json{{"file", "secret"}}, json{{"hex", hex}}, json{{"base64", auth_jwt::testing::base64url(secret_)}}}) {
    config_["secret"] = secret;
    FakeHost host(mortise_plugin_entry);
    ASSERT_EQ(host.start(config_.dump(), folder_), Status::ok) << host.failure();
    ConnectRequest request;
    request.password = token();
    EXPECT_EQ(host.authenticate(request).verdict, MORTISE_VERDICT_ALLOW) << secret;
  }
}

TEST_F(AuthJwtTest, AReloadTakesWhatMayChangeAndRefusesTheRest) {
  start();
  json changed = config_;
  changed["issuer"] = "me";
  EXPECT_EQ(host_.configure(changed.dump(), folder_), Status::ok) << host_.failure();
  EXPECT_EQ(login(token()).verdict, MORTISE_VERDICT_DENY);
  EXPECT_EQ(login(token({{"iss", "me"}})).verdict, MORTISE_VERDICT_ALLOW);
  changed["queue"] = 7;
  EXPECT_NE(host_.configure(changed.dump(), folder_), Status::ok);
  EXPECT_THAT(host_.failure(), HasSubstr("restart"));
  EXPECT_EQ(login(token({{"iss", "me"}})).verdict, MORTISE_VERDICT_ALLOW) << "the old one stays";
}

TEST_F(AuthJwtTest, WithoutATokenOfTheHostTheAnswerIsServerBusyAndThePlaceIsGivenBack) {
  config_["queue"] = 1;
  FakeHost host(mortise_plugin_entry, Limits{0, 10, 10});
  ASSERT_EQ(host.start(config_.dump(), folder_), Status::ok);
  ConnectRequest request;
  request.password = token();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(host.authenticate(request).reason_code, reason::kServerBusy);
  EXPECT_EQ(host.counter("busy"), 0u);
}

TEST_F(AuthJwtTest, AClientThatLeftAndAnEndWithWorkWaitingChangeNothing) {
  config_["threads"] = 1;
  start();
  ConnectRequest request;
  request.password = token();
  for (int i = 0; i < 50; ++i) host_.cancel(host_.begin_authenticate(request));
  EXPECT_EQ(login(token()).verdict, MORTISE_VERDICT_ALLOW);
  for (int i = 0; i < 50; ++i) (void)host_.begin_authenticate(request);
  EXPECT_EQ(host_.stop(), Status::ok);
  EXPECT_EQ(host_.open_tokens(), 0u);
}

}  // namespace
}  // namespace mortise::testing
