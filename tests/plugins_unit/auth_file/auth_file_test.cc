#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <mortise/password_file.hpp>
#include <mortise/testing/fake_host.hpp>
#include <thread>

#include "password_check.h"
#include "scram_client.h"

namespace mortise::testing {
namespace {

using ::testing::HasSubstr;

/// Few iterations: these tests are about who gets in, not about what a guess costs.
constexpr std::uint32_t kIterations = 10;

class AuthFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::path(::testing::TempDir()) / ("auth-file-" + std::to_string(getpid()) + "-" +
                                                       ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
    password::File file;
    for (const char* const user : {"alice", "bob", "", "o'\"neil", "#", "line\nbreak", "ユーザー"}) {
      file.set(user, *password::make_verifier("secret of " + std::string(user), kIterations));
    }
    file.set("empty", *password::make_verifier("", kIterations));
    std::string error;
    ASSERT_TRUE(file.write(folder_ / "passwd", error)) << error;
    write("acl.yaml", R"(
rules:
  - { deny: all, topics: [tenant/+/secret/#] }
  - { allow: all, topics: [tenant/%u/#] }
)");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }

  Status start(const std::string& config) { return host_.start(config, folder_); }
  void start() {
    ASSERT_EQ(start(R"({"passwords": "passwd", "acl": "acl.yaml", "threads": 2})"), Status::ok) << host_.failure();
  }

  Answer login(std::optional<std::string> user, std::optional<std::string> password) {
    ConnectRequest request;
    request.user_name = std::move(user);
    request.password = std::move(password);
    return host_.authenticate(request);
  }

  /// One step; what the client says in it.
  Answer say(std::uint64_t exchange, std::uint64_t step, std::optional<std::string> said) {
    Exchange asked;
    asked.id = exchange;
    asked.step = step;
    asked.authentication_method = "SCRAM-SHA-256";
    asked.authentication_data = std::move(said);
    return host_.exchange(asked);
  }
  /// Both steps of an exchange.
  Answer scram(auth_file::testing::ScramClient& client, std::uint64_t exchange = 1) {
    const Answer challenge = say(exchange, 1, client.first());
    if (challenge.verdict != MORTISE_VERDICT_CONTINUE) return challenge;
    return say(exchange, 2, client.final(*challenge.authentication_data));
  }

  std::filesystem::path folder_;
  FakeHost host_{mortise_plugin_entry};
};

AccessRequest access(std::uint32_t action, const std::string& topic, const std::string& user = "alice") {
  AccessRequest request{action, topic};
  request.principal.user_name = user;
  return request;
}

// ---- Who is it? ----

TEST_F(AuthFileTest, ThePluginIsConcurrentAndHasItsHooks) {
  EXPECT_EQ(host_.plugin().flags, MORTISE_PLUGIN_CONCURRENT);
  EXPECT_TRUE(host_.has_hook(MORTISE_HOOK_AUTH_AUTHENTICATE));
  EXPECT_TRUE(host_.has_hook(MORTISE_HOOK_AUTH_AUTHORIZE));
  EXPECT_TRUE(host_.has_hook(MORTISE_HOOK_AUTH_EXCHANGE));
  EXPECT_TRUE(host_.has_hook(MORTISE_HOOK_AUTH_EXCHANGE_ENDED));
}

TEST_F(AuthFileTest, TheRightPasswordLetsInAndIsCheckedOnAnotherThread) {
  start();
  const Answer answer = login("alice", "secret of alice");
  EXPECT_EQ(answer.verdict, MORTISE_VERDICT_ALLOW);
  EXPECT_TRUE(answer.was_pending);
}

TEST_F(AuthFileTest, AnUnknownUserIsAnsweredLikeAWrongPassword) {
  start();
  for (const auto& [user, password] : Pairs{{"alice", "wrong"}, {"eve", "secret of alice"}, {"alice", ""}}) {
    const Answer answer = login(user, password);
    EXPECT_EQ(answer.verdict, MORTISE_VERDICT_DENY);
    EXPECT_EQ(answer.reason_code, reason::kBadUserNameOrPassword);
    EXPECT_TRUE(answer.was_pending) << "the same work for both";
    EXPECT_EQ(answer.explanation, "");
  }
}

TEST_F(AuthFileTest, WithoutAUserNameThePluginHasNoOpinion) {
  start();
  EXPECT_EQ(login(std::nullopt, std::nullopt).verdict, MORTISE_VERDICT_NEXT);
  EXPECT_EQ(login(std::nullopt, "secret of alice").verdict, MORTISE_VERDICT_NEXT);
}

TEST_F(AuthFileTest, WithoutAPasswordAUserNameIsRefused) {
  start();
  EXPECT_EQ(login("alice", std::nullopt).reason_code, reason::kBadUserNameOrPassword);
  EXPECT_EQ(login("empty", std::nullopt).reason_code, reason::kBadUserNameOrPassword) << "none is not the empty one";
  EXPECT_EQ(login("empty", "").verdict, MORTISE_VERDICT_ALLOW);
}

TEST_F(AuthFileTest, StrangeNamesAndLongOnesMeanThemselves) {
  start();
  for (const char* const user : {"", "o'\"neil", "#", "line\nbreak", "ユーザー"}) {
    EXPECT_EQ(login(user, "secret of " + std::string(user)).verdict, MORTISE_VERDICT_ALLOW) << user;
  }
  EXPECT_EQ(login(std::string(65535, 'x'), std::string(65535, 'y')).verdict, MORTISE_VERDICT_DENY);
  EXPECT_EQ(login("alice", std::string("secret of alice\0x", 17)).verdict, MORTISE_VERDICT_DENY);
}

TEST_F(AuthFileTest, AFullQueueIsServerBusyAndLosesNobodyElse) {
  password::File file;
  file.set("slow", *password::make_verifier("pw", 200'000));
  std::string error;
  ASSERT_TRUE(file.write(folder_ / "passwd", error));
  ASSERT_EQ(start(R"({"passwords": "passwd", "threads": 1, "queue": 2})"), Status::ok) << host_.failure();
  ConnectRequest request;
  request.user_name = "slow";
  request.password = "pw";
  // Each check takes far longer than asking fifty times, so some find the two places taken, whatever the scheduler
  // does.
  std::vector<Answer> accepted;
  std::uint64_t busy = 0;
  for (int i = 0; i < 50; ++i) {
    const Answer answer = host_.begin_authenticate(request);
    if (answer.was_pending) {
      accepted.push_back(answer);
      continue;
    }
    ++busy;
    EXPECT_EQ(answer.verdict, MORTISE_VERDICT_DENY);
    EXPECT_EQ(answer.reason_code, reason::kServerBusy);
  }
  EXPECT_GT(busy, 0u);
  EXPECT_EQ(host_.counter("busy"), busy);
  for (const Answer& answer : accepted) EXPECT_EQ(host_.wait(answer).verdict, MORTISE_VERDICT_ALLOW);
}

// ---- SCRAM-SHA-256 ----

using auth_file::testing::attribute;
using auth_file::testing::ScramClient;

TEST_F(AuthFileTest, ScramLetsInWhoKnowsThePasswordAsTheUserItProved) {
  start();
  for (const char* const user : {"alice", "ユーザー", "o'\"neil"}) {
    ScramClient client(user, "secret of " + std::string(user));
    const Answer answer = scram(client);
    EXPECT_EQ(answer.verdict, MORTISE_VERDICT_ALLOW) << user;
    EXPECT_EQ(answer.user_name, user);
    EXPECT_EQ(answer.authentication_data, client.server_final());
  }
}

TEST_F(AuthFileTest, ScramRefusesAWrongPasswordAndAnUnknownUserAlike) {
  start();
  for (const auto& [user, password] : Pairs{{"alice", "wrong"}, {"eve", "secret of alice"}, {"empty", "x"}}) {
    ScramClient client(user, password);
    const Answer answer = scram(client);
    EXPECT_EQ(answer.verdict, MORTISE_VERDICT_DENY) << user;
    EXPECT_EQ(answer.reason_code, reason::kBadUserNameOrPassword);
    EXPECT_EQ(answer.explanation, "the wrong password, or no such user");
    EXPECT_EQ(answer.authentication_data, std::nullopt);
  }
}

TEST_F(AuthFileTest, AnUnknownUserIsChallengedLikeAKnownOneAndAlwaysTheSame) {
  write("secret", std::string(32, 's'));
  const std::string config = R"({"passwords": "passwd", "secret": "secret"})";
  ASSERT_EQ(start(config), Status::ok) << host_.failure();
  const auto salt_of = [this](const std::string& user) {
    static std::uint64_t exchange = 100;
    const std::string challenge = *say(++exchange, 1, ScramClient(user, "").first()).authentication_data;
    EXPECT_EQ(attribute(challenge, 'i'), std::to_string(kIterations));
    return attribute(challenge, 's');
  };
  const std::string salt = salt_of("eve");
  EXPECT_EQ(salt.size(), salt_of("alice").size());
  EXPECT_NE(salt, salt_of("mallory"));
  EXPECT_EQ(salt, salt_of("eve"));
  // Another password file, another start: what is made up stays, like what is stored.
  password::File file;
  file.set("carol", *password::make_verifier("x", kIterations));
  std::string error;
  ASSERT_TRUE(file.write(folder_ / "passwd", error)) << error;
  ASSERT_EQ(host_.configure(config, folder_), Status::ok);
  EXPECT_EQ(salt, salt_of("eve"));
  ASSERT_EQ(host_.stop(), Status::ok);
  ASSERT_EQ(start(config), Status::ok);
  EXPECT_EQ(salt, salt_of("eve"));
  write("secret", std::string(32, 't'));
  ASSERT_EQ(host_.configure(config, folder_), Status::ok);
  EXPECT_NE(salt, salt_of("eve"));
}

TEST_F(AuthFileTest, ASecretThatIsNoneIsOneLineWithTheRemedy) {
  EXPECT_NE(start(R"({"passwords": "passwd", "secret": "none"})"), Status::ok);
  EXPECT_THAT(host_.failure(), HasSubstr("none: cannot be opened"));
  write("short", "x");
  EXPECT_NE(start(R"({"passwords": "passwd", "secret": "short"})"), Status::ok);
  EXPECT_THAT(host_.failure(), HasSubstr("less than 32 bytes; make it with"));
}

TEST_F(AuthFileTest, OtherMethodsAreForOtherPlugins) {
  start();
  for (const char* const method : {"SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "scram-sha-256", ""}) {
    Exchange asked;
    asked.authentication_method = method;
    asked.authentication_data = ScramClient("alice", "").first();
    EXPECT_EQ(host_.exchange(asked).verdict, MORTISE_VERDICT_NEXT) << method;
  }
}

TEST_F(AuthFileTest, WhatIsNoScramIsRefusedAndAnExchangeIsGoodForOneAnswer) {
  start();
  EXPECT_EQ(say(1, 1, std::nullopt).reason_code, reason::kNotAuthorized);
  EXPECT_EQ(say(1, 1, "hello").reason_code, reason::kNotAuthorized);
  EXPECT_EQ(say(1, 2, "hello").reason_code, reason::kNotAuthorized) << "nothing was begun";
  ScramClient client("alice", "secret of alice");
  const std::string challenge = *say(2, 1, client.first()).authentication_data;
  const std::string final = client.final(challenge);
  EXPECT_EQ(say(3, 2, final).reason_code, reason::kNotAuthorized) << "another exchange";
  EXPECT_EQ(say(2, 2, std::nullopt).reason_code, reason::kBadUserNameOrPassword);
  EXPECT_EQ(say(2, 2, final).verdict, MORTISE_VERDICT_DENY) << "one guess for each exchange";
  const Answer another = say(4, 1, client.first());
  EXPECT_NE(another.authentication_data, challenge) << "a nonce of its own";
  EXPECT_EQ(say(4, 2, final).reason_code, reason::kBadUserNameOrPassword) << "replayed";
}

TEST_F(AuthFileTest, ExchangesAreBoundedAndForgottenWhenTheyEnd) {
  ASSERT_EQ(start(R"({"passwords": "passwd", "exchanges": 2})"), Status::ok) << host_.failure();
  const std::string first = ScramClient("alice", "").first();
  EXPECT_EQ(say(1, 1, first).verdict, MORTISE_VERDICT_CONTINUE);
  EXPECT_EQ(say(2, 1, first).verdict, MORTISE_VERDICT_CONTINUE);
  EXPECT_EQ(say(3, 1, first).reason_code, reason::kServerBusy);
  EXPECT_EQ(host_.counter("busy"), 1u);
  EXPECT_EQ(host_.exchange_ended(1), Status::ok);
  EXPECT_EQ(host_.exchange_ended(99), Status::ok) << "one it knows nothing of";
  EXPECT_EQ(say(4, 1, first).verdict, MORTISE_VERDICT_CONTINUE);
  EXPECT_EQ(say(2, 2, "x").verdict, MORTISE_VERDICT_DENY);
  EXPECT_EQ(say(5, 1, first).verdict, MORTISE_VERDICT_CONTINUE);
}

TEST(PasswordCheckTest, APlaceIsTakenUntilTheCheckIsOverOrItIsGivenBack) {
  auth_file::PasswordCheck check(1, 2);
  EXPECT_TRUE(check.reserve());
  EXPECT_TRUE(check.reserve());
  EXPECT_FALSE(check.reserve());
  check.give_back();
  EXPECT_TRUE(check.reserve());
}

TEST_F(AuthFileTest, WithoutATokenTheAnswerIsServerBusyAndThePlaceIsGivenBack) {
  FakeHost host(mortise_plugin_entry, Limits{0, 10, 10});
  ASSERT_EQ(host.start(R"({"passwords": "passwd", "queue": 1})", folder_), Status::ok);
  ConnectRequest request;
  request.user_name = "alice";
  request.password = "x";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(host.authenticate(request).reason_code, reason::kServerBusy);
  EXPECT_EQ(host.counter("busy"), 0u);
}

TEST_F(AuthFileTest, AClientThatLeftChangesNothing) {
  start();
  ConnectRequest request;
  request.user_name = "alice";
  request.password = "secret of alice";
  for (int i = 0; i < 50; ++i) host_.cancel(host_.begin_authenticate(request));
  EXPECT_EQ(login("bob", "secret of bob").verdict, MORTISE_VERDICT_ALLOW);
}

TEST_F(AuthFileTest, StopAnswersWhatWaitsAndLeaksNothing) {
  password::File file;
  file.set("slow", *password::make_verifier("pw", 100'000));
  std::string error;
  ASSERT_TRUE(file.write(folder_ / "passwd", error));
  ASSERT_EQ(start(R"({"passwords": "passwd", "threads": 1})"), Status::ok);
  ConnectRequest request;
  request.user_name = "slow";
  request.password = "pw";
  std::vector<Answer> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(host_.begin_authenticate(request));
  EXPECT_EQ(host_.stop(), Status::ok) << "a token that nobody answers would be a leak";
  EXPECT_EQ(host_.wait(waiting.back()).reason_code, reason::kServerUnavailable);
}

TEST_F(AuthFileTest, ManyThreadsMayAskAtOnce) {
  start();
  std::vector<std::thread> loops;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i) {
    loops.emplace_back([this, &right] {
      for (int k = 0; k < 50; ++k) {
        right += login("alice", "secret of alice").verdict == MORTISE_VERDICT_ALLOW;
        right += host_.authorize(access(MORTISE_ACTION_PUBLISH, "tenant/alice/a")).verdict == MORTISE_VERDICT_ALLOW;
      }
    });
  }
  for (std::thread& loop : loops) loop.join();
  EXPECT_EQ(right, 400);
}

// ---- May it? ----

TEST_F(AuthFileTest, ThePublishThatARuleAllowsIsAllowedAndMayBeReused) {
  start();
  const Answer answer = host_.authorize(access(MORTISE_ACTION_PUBLISH, "tenant/alice/a"));
  EXPECT_EQ(answer.verdict, MORTISE_VERDICT_ALLOW);
  EXPECT_EQ(answer.cache_scope, MORTISE_CACHE_TOPIC) << "secret/# cuts into the rule's filter";
  EXPECT_EQ(answer.cache_ms, 60'000u);
  EXPECT_THAT(answer.explanation, HasSubstr("acl.yaml:4"));
}

TEST_F(AuthFileTest, ARefusalNamesTheRuleAndTheReasonCode) {
  start();
  const Answer denied = host_.authorize(access(MORTISE_ACTION_PUBLISH, "tenant/alice/secret/x"));
  EXPECT_EQ(denied.verdict, MORTISE_VERDICT_DENY);
  EXPECT_EQ(denied.reason_code, reason::kNotAuthorized);
  EXPECT_THAT(denied.explanation, HasSubstr("acl.yaml:3"));
  const Answer unmentioned = host_.authorize(access(MORTISE_ACTION_PUBLISH, "tenant/bob/a"));
  EXPECT_EQ(unmentioned.verdict, MORTISE_VERDICT_DENY);
  EXPECT_THAT(unmentioned.explanation, HasSubstr("acl.yaml: no rule"));
}

TEST_F(AuthFileTest, TheWillIsAPublish) {
  start();
  EXPECT_EQ(host_.authorize(access(MORTISE_ACTION_WILL, "tenant/alice/a")).verdict, MORTISE_VERDICT_ALLOW);
  EXPECT_EQ(host_.authorize(access(MORTISE_ACTION_WILL, "tenant/alice/secret/a")).verdict, MORTISE_VERDICT_DENY);
}

TEST_F(AuthFileTest, ASubscribeCarriesWhatToLeaveOut) {
  start();
  const Answer answer = host_.authorize(access(MORTISE_ACTION_SUBSCRIBE, "tenant/alice/#"));
  EXPECT_EQ(answer.verdict, MORTISE_VERDICT_ALLOW);
  ASSERT_EQ(answer.rules.size(), 1u);
  EXPECT_EQ(answer.rules[0].effect, MORTISE_RULE_DENY);
  EXPECT_EQ(answer.rules[0].filter, "tenant/+/secret/#");
  EXPECT_EQ(host_.authorize(access(MORTISE_ACTION_SUBSCRIBE, "tenant/alice/secret/#")).verdict, MORTISE_VERDICT_DENY);
}

TEST_F(AuthFileTest, AClientWithoutUserNameOrClientIdIsAskedLikeAnyOther) {
  start();
  AccessRequest request{MORTISE_ACTION_PUBLISH, "tenant//a"};
  request.principal.client_id = "";
  EXPECT_EQ(host_.authorize(request).verdict, MORTISE_VERDICT_DENY);
}

TEST_F(AuthFileTest, LongTopicsAreDecidedLikeShortOnes) {
  start();
  const std::string deep = "tenant/alice/" + std::string(65'000, '/');
  EXPECT_EQ(host_.authorize(access(MORTISE_ACTION_PUBLISH, deep)).verdict, MORTISE_VERDICT_ALLOW);
}

TEST_F(AuthFileTest, WithoutAnAclThePluginHasNoOpinionAndSaysSo) {
  ASSERT_EQ(start(R"({"passwords": "passwd"})"), Status::ok);
  EXPECT_EQ(host_.authorize(access(MORTISE_ACTION_PUBLISH, "a")).verdict, MORTISE_VERDICT_NEXT);
  EXPECT_TRUE(host_.has_logged("no acl"));
}

TEST_F(AuthFileTest, ACacheTimeOfZeroMeansAskAgain) {
  ASSERT_EQ(start(R"({"passwords": "passwd", "acl": "acl.yaml", "cache_ms": 0})"), Status::ok);
  EXPECT_EQ(host_.authorize(access(MORTISE_ACTION_PUBLISH, "tenant/alice/a")).cache_scope, MORTISE_CACHE_NONE);
}

// ---- Files and configuration ----

TEST_F(AuthFileTest, MistakesInTheConfigurationAndTheFilesAreNamed) {
  EXPECT_EQ(start("{}"), Status::e_failed);
  EXPECT_EQ(host_.failure(), "config: /passwords is missing");
  EXPECT_EQ(start(R"({"passwords": "none"})"), Status::e_failed);
  EXPECT_THAT(host_.failure(), HasSubstr("none: cannot be opened"));
  EXPECT_EQ(start(R"({"passwords": "passwd", "alc": "x"})"), Status::e_failed);
  EXPECT_THAT(host_.failure(), HasSubstr("/alc is not known"));
  EXPECT_EQ(start(R"({"passwords": "passwd", "threads": 0})"), Status::e_failed);
  EXPECT_THAT(host_.failure(), HasSubstr("/threads must be a whole number from 1 to 64"));
  write("broken", "rules:\n - { allow: all, topics: [a/#/b] }\n");
  EXPECT_EQ(start(R"({"passwords": "passwd", "acl": "broken"})"), Status::e_failed);
  EXPECT_THAT(host_.failure(), HasSubstr("broken:2:"));
}

TEST_F(AuthFileTest, AReloadTakesTheNewFilesAndABadOneKeepsTheOld) {
  start();
  write("acl.yaml", "rules: [{ allow: all, topics: ['#'] }]");
  const std::string config = R"({"passwords": "passwd", "acl": "acl.yaml", "threads": 2})";
  ASSERT_EQ(host_.configure(config, folder_), Status::ok) << host_.failure();
  EXPECT_EQ(host_.authorize(access(MORTISE_ACTION_PUBLISH, "x")).verdict, MORTISE_VERDICT_ALLOW);
  write("acl.yaml", "rules: nonsense");
  EXPECT_EQ(host_.configure(config, folder_), Status::e_failed);
  EXPECT_EQ(host_.authorize(access(MORTISE_ACTION_PUBLISH, "x")).verdict, MORTISE_VERDICT_ALLOW);
  EXPECT_EQ(host_.configure(R"({"passwords": "passwd", "threads": 3})", folder_), Status::e_failed);
  EXPECT_THAT(host_.failure(), HasSubstr("with a restart only"));
}

TEST_F(AuthFileTest, RulesThatNothingCanReachAreWarnedOfAtStart) {
  write("acl.yaml", "rules:\n - { allow: all, topics: ['#'] }\n - { deny: all, topics: [a] }\n");
  start();
  EXPECT_TRUE(host_.has_logged("acl.yaml:3: nothing can reach this rule"));
}

}  // namespace
}  // namespace mortise::testing
