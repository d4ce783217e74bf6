#include <gmock/gmock.h>

#include <mortise/testing/fake_host.hpp>
#include <set>
#include <thread>

namespace mortise::testing {
namespace {

using ::testing::HasSubstr;

class TopicAffixTest : public ::testing::Test {
 protected:
  void start(const std::string& config) { ASSERT_EQ(host_.start(config), Status::ok) << host_.failure(); }
  std::string refusal(const std::string& config) {
    EXPECT_EQ(host_.start(config), Status::e_failed) << config;
    return host_.failure();
  }
  Answer bind(const std::string& client_id, std::optional<std::string> user_name) {
    BindRequest request;
    request.principal.client_id = client_id;
    request.principal.user_name = std::move(user_name);
    return host_.bind(request);
  }

  FakeHost host_{mortise_plugin_entry};
};

// ---- What it answers ----

TEST_F(TopicAffixTest, EverybodyGetsTheOneAffixWithHisOwnValues) {
  start(R"({"prefix": "tenant/%u/", "suffix": "/%c"})");
  const Answer answer = bind("phone", "alice");
  EXPECT_EQ(answer.verdict, MORTISE_VERDICT_BOUND);
  EXPECT_EQ(answer.prefix, "tenant/alice/");
  EXPECT_EQ(answer.suffix, "/phone");
  EXPECT_EQ(answer.operations, MORTISE_OPERATION_ALL);
}

TEST_F(TopicAffixTest, EachPlaceholderStandsForItsValue) {
  start(R"({"prefix": "100%%/%n/%l/%u/%c/"})");
  BindRequest request;
  request.principal.client_id = "phone";
  request.principal.user_name = "alice";
  request.principal.name_space = "blue";
  request.principal.listener = "wss://0.0.0.0:8084/mqtt";
  EXPECT_EQ(host_.bind(request).prefix, "100%/blue/0.0.0.0:8084/alice/phone/");
}

TEST_F(TopicAffixTest, TheFirstRuleThatConcernsTheClientCounts) {
  start(R"({"rules": [
    {"user": "operator"},
    {"listener": "tls://*", "prefix": "tls/"},
    {"client": "sensor-*", "user": "*", "prefix": "own/%u/", "operations": ["publish", "will"]},
    {"client": "sensor-*", "prefix": "raw/%c/"}
  ]})");
  const Answer all = bind("x", "operator");
  EXPECT_EQ(all.verdict, MORTISE_VERDICT_BOUND);
  EXPECT_EQ(all.prefix + all.suffix, "");
  EXPECT_EQ(bind("sensor-1", "bob").prefix, "own/bob/");
  EXPECT_EQ(bind("sensor-1", "bob").operations, MORTISE_OPERATION_PUBLISH | MORTISE_OPERATION_WILL);
  EXPECT_EQ(bind("sensor-1", std::nullopt).prefix, "raw/sensor-1/");
  EXPECT_EQ(bind("phone", "alice").verdict, MORTISE_VERDICT_NEXT);
  BindRequest over_tls;
  over_tls.principal.listener = "tls://0.0.0.0:8883";
  EXPECT_EQ(host_.bind(over_tls).prefix, "tls/");
}

TEST_F(TopicAffixTest, AValueThatWouldBreakALevelRefusesTheConnection) {
  start(R"({"prefix": "tenant/%u/"})");
  for (const char* const name : {"a/b", "+", "#", "a+", "", "/", "../x/"}) {
    EXPECT_EQ(bind("c", name).status, Status::e_failed) << name;
  }
  EXPECT_EQ(bind("c", std::string("a\0b", 3)).status, Status::e_failed);
  EXPECT_EQ(bind("c", std::nullopt).status, Status::e_failed);
  EXPECT_TRUE(host_.has_logged("the user name, which is absent, cannot stand in a topic where \"tenant/%u/\" puts it"));
  EXPECT_TRUE(host_.has_logged("the user name \"a/b\" cannot stand"));
}

TEST_F(TopicAffixTest, AValueThatBeginsTheTopicWithADollarSignRefusesTheConnection) {
  start(R"({"prefix": "%u/"})");
  EXPECT_EQ(bind("c", "$SYS").status, Status::e_failed);
  EXPECT_EQ(bind("c", "a$").prefix, "a$/");
}

TEST_F(TopicAffixTest, AnEmptyValueMayStandBesideOtherTextInItsLevel) {
  start(R"({"prefix": "user-%u/"})");
  EXPECT_EQ(bind("c", "").prefix, "user-/");
  EXPECT_EQ(bind("c", std::nullopt).status, Status::e_failed) << "absent is not empty";
}

TEST_F(TopicAffixTest, StrangeNamesAreTakenLiterally) {
  start(R"({"prefix": "t/%u/"})");
  for (const char* const name : {"%c", "%u", "%%", "o'\"neil", "a\\b", "ユーザー", "😀", "a b", "*"}) {
    EXPECT_EQ(bind("c", name).prefix, std::string("t/") + name + "/") << name;
  }
  EXPECT_EQ(bind("c", "line\nbreak").prefix, "t/line\nbreak/");
  EXPECT_EQ(bind("c", std::string(65'000, 'x')).prefix.size(), 65'003u);
  EXPECT_EQ(bind("c", std::string(65'535, 'x')).status, Status::e_range) << "the host's own check";
}

TEST_F(TopicAffixTest, ARefusalIsOneLineOfTheLogWhateverTheName) {
  start(R"({"prefix": "t/%u/"})");
  EXPECT_EQ(bind("c", "a/\nb").status, Status::e_failed);
  EXPECT_TRUE(host_.has_logged("\"a/\\x0ab\""));
  for (const LogLine& line : host_.log()) EXPECT_EQ(line.text.find('\n'), std::string::npos);
}

TEST_F(TopicAffixTest, NoTwoUsersShareAnAffix) {
  start(R"({"prefix": "tenant/%u/%c/"})");
  std::set<std::string> seen;
  int bound = 0;
  for (const char* const user : {"a", "b", "a-b", "ab", "%u", "a/b", ""}) {
    for (const char* const client : {"a", "b", "b-a", "%c", "b/c"}) {
      const Answer answer = bind(client, user);
      if (answer.verdict != MORTISE_VERDICT_BOUND) continue;
      ++bound;
      EXPECT_TRUE(seen.insert(answer.prefix).second) << answer.prefix;
    }
  }
  EXPECT_EQ(bound, 20);
}

// ---- The version ----

TEST_F(TopicAffixTest, TheVersionIsTheSameForTheSameAffixForEver) {
  start(R"({"prefix": "tenant/%u/"})");
  const std::uint64_t version = bind("phone", "alice").rule_version;
  EXPECT_EQ(version, 0xe4784097439e4a9u) << "stored with sessions: changing it re-subscribes every one of them";
  EXPECT_EQ(bind("laptop", "alice").rule_version, version);
  EXPECT_NE(bind("phone", "bob").rule_version, version);
  ASSERT_EQ(host_.configure(R"({"rules": [{"user": "alice", "prefix": "tenant/alice/"}]})"), Status::ok);
  EXPECT_EQ(bind("phone", "alice").rule_version, version) << "another rule, the same affix";
}

TEST_F(TopicAffixTest, TheVersionChangesWithEachPart) {
  std::set<std::uint64_t> versions;
  for (const char* const config :
       {R"({"prefix": "a"})", R"({"suffix": "a"})", R"({"prefix": "a", "suffix": "a"})",
        R"({"prefix": "a", "operations": ["publish"]})", R"({"prefix": "a", "operations": ["publish", "will"]})"}) {
    start(config);
    EXPECT_TRUE(versions.insert(bind("c", "u").rule_version).second) << config;
    (void)host_.stop();
  }
}

// ---- Configuration ----

TEST_F(TopicAffixTest, MistakesInTheConfigurationAreNamed) {
  EXPECT_THAT(refusal("{}"), HasSubstr("either prefix and suffix for everybody, or rules"));
  EXPECT_THAT(refusal(R"({"prefix": "a", "rules": [{"prefix": "b"}]})"), HasSubstr("either prefix and suffix"));
  EXPECT_THAT(refusal(R"({"prefx": "a"})"), HasSubstr("/prefx is not known; known are: prefix, suffix"));
  EXPECT_THAT(refusal(R"({"rules": [{"prefix": "a", "users": "x"}]})"), HasSubstr("/rules/0/users is not known"));
  EXPECT_THAT(refusal(R"({"rules": [{"prefix": "a/+/"}]})"), HasSubstr("/rules/0/prefix \"a/+/\": a wildcard"));
  EXPECT_THAT(refusal(R"({"suffix": "/#"})"), HasSubstr("/suffix \"/#\": a wildcard"));
  EXPECT_THAT(refusal(R"({"prefix": "a\u0000b"})"), HasSubstr("a wildcard or NUL"));
  EXPECT_THAT(refusal(R"({"prefix": "$SYS/"})"), HasSubstr("the broker's own"));
  EXPECT_THAT(refusal(R"({"prefix": "%x/"})"), HasSubstr("known are %c client id"));
  EXPECT_THAT(refusal(R"({"prefix": "a%"})"), HasSubstr("known are %c client id"));
  EXPECT_THAT(refusal(R"({"prefix": "a/", "operations": ["read"]})"), HasSubstr("must be publish, subscribe"));
  EXPECT_THAT(refusal(R"({"prefix": ["a"]})"), HasSubstr("/prefix must be a single value"));
}

TEST_F(TopicAffixTest, AffixesThatWouldNotKeepClientsApartAreRefused) {
  EXPECT_THAT(refusal(R"({"prefix": "%u-%c/"})"), HasSubstr("two values in one level"));
  EXPECT_THAT(refusal(R"({"prefix": "tenant/%u"})"), HasSubstr("put a / between them"));
  EXPECT_THAT(refusal(R"({"suffix": "-%u"})"), HasSubstr("put a / between them"));
  start(R"({"prefix": "t-%u/dev-", "suffix": "-x/%c"})");
}

TEST_F(TopicAffixTest, AReloadHoldsForThoseWhoComeAfterIt) {
  start(R"({"prefix": "old/"})");
  EXPECT_EQ(host_.configure(R"({"prefix": "bad/#"})"), Status::e_failed);
  EXPECT_EQ(bind("c", "u").prefix, "old/");
  EXPECT_EQ(host_.configure(R"({"prefix": "new/"})"), Status::ok);
  EXPECT_EQ(bind("c", "u").prefix, "new/");
}

TEST_F(TopicAffixTest, ManyLoopsMayAskWhileTheRulesChange) {
  start(R"({"prefix": "a/"})");
  std::vector<std::thread> loops;
  for (int i = 0; i < 3; ++i) {
    loops.emplace_back([this] {
      for (int k = 0; k < 200; ++k) EXPECT_EQ(bind("c", "u").prefix.size(), 2u);
    });
  }
  for (int k = 0; k < 50; ++k)
    EXPECT_EQ(host_.configure(k % 2 ? R"({"prefix": "a/"})" : R"({"prefix": "b/"})"), Status::ok);
  for (std::thread& loop : loops) loop.join();
}

}  // namespace
}  // namespace mortise::testing
