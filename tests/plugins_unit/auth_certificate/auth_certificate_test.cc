#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <mortise/testing/fake_host.hpp>
#include <nlohmann/json.hpp>

#include "rules.h"

namespace mortise::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const std::string kOne(64, '1');
const std::string kTwo(64, '2');

/// "11:11:..." in capitals, as OpenSSL prints it.
std::string printed(const std::string& fingerprint) {
  std::string text;
  for (std::size_t i = 0; i < fingerprint.size(); i += 2) text += (i == 0 ? "" : ":") + fingerprint.substr(i, 2);
  for (char& digit : text) digit = digit >= 'a' && digit <= 'f' ? static_cast<char>(digit - 32) : digit;
  return text;
}

class AuthCertificateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::path(::testing::TempDir()) / ("auth-certificate-" + std::to_string(getpid()) + "-" +
                                                       ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  void start(const json& config) { ASSERT_EQ(host_.start(config.dump(), folder_), Status::ok) << host_.failure(); }
  /// With these rules alone.
  void start_rules(const std::string& rules) { start({{"rules", json::parse(rules)}}); }
  std::string why_not_started(const std::string& config) {
    FakeHost host(mortise_plugin_entry);
    return host.start(config, folder_) == Status::ok ? "" : host.failure();
  }

  static Certificate certificate(std::optional<std::string> common_name = "sensor-1") {
    return {"O=Org, CN=sensor-1",
            std::move(common_name),
            {{"dns", "a.example"}, {"uri", "urn:1"}, {"dns", "b.example"}},
            kOne};
  }
  Answer login(const Certificate& shown, std::optional<std::string> user_name = std::nullopt) {
    ConnectRequest request;
    request.user_name = std::move(user_name);
    request.certificate = shown;
    return host_.authenticate(request);
  }
  bool is_let_in(const Certificate& shown) { return login(shown).verdict == MORTISE_VERDICT_ALLOW; }
  Answer may(const Answer& let_in, std::uint32_t action, const std::string& topic) {
    AccessRequest request{action, topic};
    request.principal.user_name = let_in.user_name;
    request.principal.note = let_in.note;
    request.principal.certificate = certificate();
    return host_.authorize(request);
  }

  std::filesystem::path folder_;
  FakeHost host_{mortise_plugin_entry};
};

TEST_F(AuthCertificateTest, WhoShowsNoCertificateIsForTheNextPluginUnlessTheOperatorDenies) {
  start_rules(R"([{"allow": {"subject": "*"}}])");
  EXPECT_EQ(host_.plugin().flags, MORTISE_PLUGIN_CONCURRENT);
  EXPECT_EQ(login({}).verdict, MORTISE_VERDICT_NEXT);
  EXPECT_EQ(host_.configure(R"({"rules": [{"allow": {"cn": "*"}}], "without_certificate": "deny"})"), Status::ok);
  EXPECT_EQ(login({}, "alice").verdict, MORTISE_VERDICT_DENY);
  EXPECT_TRUE(host_.has_logged("client \"client\" is refused: it shows no certificate"));
}

TEST_F(AuthCertificateTest, TheFirstRuleThatFitsDecides) {
  start_rules(R"([
    {"deny": {"cn": ["sensor-3", "test-*"]}},
    {"allow": {"cn": "sensor-*", "uri": "urn:*"}},
    {"deny": {"dns": "b.*"}},
    {"allow": {"cn": "server"}}])");
  EXPECT_TRUE(is_let_in(certificate("sensor-1")));
  EXPECT_FALSE(is_let_in(certificate("sensor-3")));
  EXPECT_TRUE(host_.has_logged("refused: rules[0]"));
  EXPECT_FALSE(is_let_in(certificate("server")));
  EXPECT_TRUE(host_.has_logged("refused: rules[2]")) << "one of its names fits";
  Certificate nameless = certificate("server");
  nameless.alternative_names.clear();
  EXPECT_TRUE(is_let_in(nameless)) << "an absent field fits nothing";
  EXPECT_FALSE(is_let_in(certificate("sensor")));
  EXPECT_EQ(login(certificate("x")).reason_code, reason::kNotAuthorized);
  EXPECT_EQ(host_.counter("refused"), 4u);
}

TEST_F(AuthCertificateTest, WhatNoRuleFitsIsDeniedOrForTheNextPlugin) {
  start_rules(R"([{"allow": {"cn": "other"}}])");
  EXPECT_EQ(login(certificate()).verdict, MORTISE_VERDICT_DENY);
  EXPECT_TRUE(host_.has_logged("no rule is for its certificate"));
  EXPECT_EQ(host_.configure(R"({"rules": [{"allow": {"cn": "other"}}], "otherwise": "next"})"), Status::ok);
  EXPECT_EQ(login(certificate()).verdict, MORTISE_VERDICT_NEXT);
}

TEST_F(AuthCertificateTest, EveryFieldCanBeAskedFor) {
  Certificate shown = certificate();
  shown.alternative_names = {{"email", "a@b"}, {"ip", "::1"}, {"dns", "a"}, {"uri", "u:1"}, {"other", "x"}};
  const std::pair<const char*, const char*> cases[] = {
      {R"({"subject": "O=Org,*"})", R"({"subject": "O=org,*"})"},
      {R"({"email": "*@b"})", R"({"email": "a"})"},
      {R"({"ip": "::1"})", R"({"ip": "::2"})"},
      {R"({"dns": "a"})", R"({"dns": "x"})"},
      {R"({"uri": ["v", "u:*"]})", R"({"uri": "u"})"},
      {R"({"cn": "*1"})", R"({"cn": "*2"})"},
      {R"({"fingerprint": "1111111111111111111111111111111111111111111111111111111111111111"})",
       R"({"fingerprint": "2222222222222222222222222222222222222222222222222222222222222222"})"},
  };
  for (const auto& [fits, fits_not] : cases) {
    FakeHost host(mortise_plugin_entry);
    ConnectRequest request;
    request.certificate = shown;
    ASSERT_EQ(host.start(R"({"rules": [{"allow": )" + std::string(fits) + "}]}"), Status::ok) << host.failure();
    EXPECT_EQ(host.authenticate(request).verdict, MORTISE_VERDICT_ALLOW) << fits;
    ASSERT_EQ(host.configure(R"({"rules": [{"allow": )" + std::string(fits_not) + "}]}"), Status::ok);
    EXPECT_EQ(host.authenticate(request).verdict, MORTISE_VERDICT_DENY) << fits_not;
  }
}

TEST_F(AuthCertificateTest, NamesAreMadeOfWhatTheCertificateSays) {
  start_rules(R"([
    {"allow": {"cn": "plain"}},
    {"allow": {"cn": "made"}, "user_name": "%u@%dns <%uri>", "namespace": "org-%cn/%c"},
    {"allow": {"cn": "lacks"}, "user_name": "%email"},
    {"allow": {"cn": "spaceless"}, "namespace": "%email"},
    {"allow": {"subject": "*"}, "user_name": "%cn"}])");
  EXPECT_EQ(login(certificate("plain"), "mallory").user_name, "plain") << "and not what the client claims";
  EXPECT_EQ(login(certificate("plain")).name_space, std::nullopt);
  const Answer made = login(certificate("made"), "%cn");
  EXPECT_EQ(made.user_name, "%cn@a.example <urn:1>") << "values are not looked at again";
  EXPECT_EQ(made.name_space, "org-made/client");
  EXPECT_EQ(login(certificate("made")).verdict, MORTISE_VERDICT_DENY) << "no user name was sent: absent is not empty";
  for (const std::optional<std::string>& name :
       {std::optional<std::string>("lacks"), {"spaceless"}, std::optional<std::string>()}) {
    EXPECT_EQ(login(certificate(name)).verdict, MORTISE_VERDICT_DENY);
    EXPECT_TRUE(host_.has_logged("cannot be made: a value is absent"));
  }
}

TEST_F(AuthCertificateTest, WhatARuleGrantsIsAllThatIsAllowed) {
  start_rules(R"([{"allow": {"cn": "*"}, "publish": ["up/%cn/#", "100%%/%c", "x/%email"], "subscribe": "%uri/%u"}])");
  const Answer let_in = login(certificate());
  const auto says = [&](std::uint32_t action, const std::string& topic) {
    return may(let_in, action, topic).verdict == MORTISE_VERDICT_ALLOW;
  };
  EXPECT_TRUE(says(MORTISE_ACTION_PUBLISH, "up/sensor-1/a"));
  EXPECT_FALSE(says(MORTISE_ACTION_PUBLISH, "up/sensor-2/a"));
  EXPECT_TRUE(says(MORTISE_ACTION_WILL, "100%/client"));
  EXPECT_FALSE(says(MORTISE_ACTION_PUBLISH, "x/")) << "it has no email name";
  EXPECT_TRUE(says(MORTISE_ACTION_SUBSCRIBE, "urn:1/sensor-1"));
  EXPECT_FALSE(says(MORTISE_ACTION_SUBSCRIBE, "urn:1/+"));
  EXPECT_FALSE(says(MORTISE_ACTION_SUBSCRIBE, "#"));
}

TEST_F(AuthCertificateTest, AValueOfACertificateGrantsNoMoreThanItself) {
  start_rules(R"([{"allow": {"cn": "*"}, "publish": ["up/%cn", "%cn/up"], "subscribe": ["%cn"]}])");
  for (const std::string name : {"#", "+", "a/b", "$SYS", "%c", "%", "%%"}) {
    const Answer let_in = login(certificate(name));
    ASSERT_EQ(let_in.verdict, MORTISE_VERDICT_ALLOW) << name;
    for (const char* const topic : {"client", "a", "up/client", "client/up"}) {
      EXPECT_EQ(may(let_in, MORTISE_ACTION_SUBSCRIBE, topic).verdict, MORTISE_VERDICT_DENY) << name;
      EXPECT_EQ(may(let_in, MORTISE_ACTION_PUBLISH, topic).verdict, MORTISE_VERDICT_DENY) << name;
    }
    const bool is_plain = name[0] == '%';
    EXPECT_EQ(may(let_in, MORTISE_ACTION_PUBLISH, "up/" + name).verdict == MORTISE_VERDICT_ALLOW,
              is_plain || name == "$SYS");
    EXPECT_EQ(may(let_in, MORTISE_ACTION_SUBSCRIBE, name).verdict == MORTISE_VERDICT_ALLOW, is_plain) << name;
  }
}

TEST_F(AuthCertificateTest, ARuleWithoutFiltersHasNoOpinionOnWhatClientsDo) {
  start_rules(R"([{"allow": {"cn": "*"}}])");
  EXPECT_EQ(login(certificate()).note, std::nullopt);
  EXPECT_EQ(may(login(certificate()), MORTISE_ACTION_PUBLISH, "a").verdict, MORTISE_VERDICT_NEXT);
}

// ---- Fingerprints ---------------------------------------------------------------------------------------------------

TEST_F(AuthCertificateTest, OnlyListedFingerprintsAreGoodAndRevokedOnesNever) {
  write("good", "# these\n\n  " + printed(kOne) + " \r\n" + kTwo + "\n");
  start({{"rules", {{{"allow", {{"cn", "*"}}}}}}, {"fingerprints_file", "good"}, {"revoked", {printed(kTwo)}}});
  EXPECT_TRUE(is_let_in(certificate()));
  Certificate other = certificate();
  other.fingerprint = std::string(64, '3');
  EXPECT_FALSE(is_let_in(other));
  EXPECT_TRUE(host_.has_logged("none of fingerprints"));
  other.fingerprint = kTwo;
  EXPECT_FALSE(is_let_in(other));
  EXPECT_TRUE(host_.has_logged("its certificate is revoked"));
}

TEST_F(AuthCertificateTest, AnEmptyFileOfFingerprintsIsForNobody) {
  write("good", "# nobody yet\n");
  start({{"rules", {{{"allow", {{"cn", "*"}}}}}}, {"fingerprints_file", "good"}});
  EXPECT_FALSE(is_let_in(certificate()));
}

TEST_F(AuthCertificateTest, WhoIsConnectedWithARevokedCertificateIsDeniedAndDisconnected) {
  const json rules = {{{"allow", {{"cn", "*"}}}, {"publish", "#"}}};
  write("revoked", "");
  start({{"rules", rules}, {"revoked_file", "revoked"}});
  const Answer let_in = login(certificate());
  EXPECT_EQ(may(let_in, MORTISE_ACTION_PUBLISH, "a").verdict, MORTISE_VERDICT_ALLOW);
  write("revoked", kOne + "\n");
  EXPECT_EQ(host_.configure(json{{"rules", rules}, {"revoked_file", "revoked"}}.dump(), folder_), Status::ok);
  const Answer denied = may(let_in, MORTISE_ACTION_PUBLISH, "b");
  EXPECT_EQ(denied.verdict, MORTISE_VERDICT_DENY);
  EXPECT_EQ(denied.cache_scope, MORTISE_CACHE_NONE);
  ASSERT_EQ(host_.disconnected().size(), 1u);
  EXPECT_EQ(host_.disconnected()[0].client_id, "client");
}

TEST(Fingerprint, IsTakenAsItIsPrinted) {
  const std::string mixed = "ab" + std::string(62, '0');
  EXPECT_EQ(auth_certificate::fingerprint_of(mixed), mixed);
  EXPECT_EQ(auth_certificate::fingerprint_of(printed(mixed)), mixed);
  for (const std::string& bad :
       {std::string(), std::string(63, '0'), std::string(65, '0'), std::string(63, '0') + "g", std::string(64, ' ')}) {
    EXPECT_EQ(auth_certificate::fingerprint_of(bad), std::nullopt);
  }
}

// ---- Configuration --------------------------------------------------------------------------------------------------

TEST_F(AuthCertificateTest, AConfigurationThatIsWrongIsRefusedWithTheKey) {
  write("bad", "# one\nx\n");
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", "/rules is missing"},
      {R"({"rules": []})", "/rules is missing"},
      {R"({"rules": [{"user_name": "x"}]})", "/rules/0 has either allow or deny"},
      {R"({"rules": [{"allow": {"cn": "a"}, "deny": {"cn": "b"}}]})", "/rules/0 has either allow or deny"},
      {R"({"rules": [{"allow": {}}]})", "/rules/0 has either allow or deny"},
      {R"({"rules": [{"allow": {"cn": []}}]})", "/rules/0/allow says of no field"},
      {R"({"rules": [{"allow": {"name": "a"}}]})", "/rules/0/allow/name is not known"},
      {R"({"rules": [{"deny": {"cn": "a"}, "publish": "a"}]})", "/rules/0 denies"},
      {R"({"rules": [{"allow": {"cn": "a"}, "user_name": "%x"}]})", "/rules/0/user_name unknown placeholder"},
      {R"({"rules": [{"allow": {"cn": "a"}, "publish": "a/#/b"}]})", "/rules/0/publish \"a/#/b\" is no Topic Filter"},
      {R"({"rules": [{"allow": {"cn": "a"}, "publish": "a%"}]})", "/rules/0/publish unknown placeholder"},
      {R"({"rules": [{"allow": {"fingerprint": "a"}}]})", "no SHA-256"},
      {R"({"rules": [{"allow": {"cn": "a"}}], "revoked": "ab"})", "/revoked: \"ab\" is no SHA-256"},
      {R"({"rules": [{"allow": {"cn": "a"}}], "revoked_file": "bad"})", "bad:2: \"x\" is no SHA-256"},
      {R"({"rules": [{"allow": {"cn": "a"}}], "fingerprints_file": "nowhere"})", "nowhere: cannot be opened"},
      {R"({"rules": [{"allow": {"cn": "a"}}], "otherwise": "allow"})", "/otherwise must be deny or next"},
      {R"({"rule": []})", "/rule is not known"},
  };
  for (const auto& [config, expected] : cases) EXPECT_THAT(why_not_started(config), HasSubstr(expected)) << config;
}

}  // namespace
}  // namespace mortise::testing
