#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <mortise/password_file.hpp>
#include <mortise/testing/fake_host.hpp>
#include <thread>

#include "password_check.h"

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

  std::filesystem::path folder_;
  FakeHost host_{mortise_plugin_entry};
};

AccessRequest access(std::uint32_t action, const std::string& topic, const std::string& user = "alice") {
  AccessRequest request{action, topic};
  request.principal.user_name = user;
  return request;
}

// ---- Who is it? ----

TEST_F(AuthFileTest, ThePluginIsConcurrentAndHasTheTwoHooks) {
  EXPECT_EQ(host_.plugin().flags, MORTISE_PLUGIN_CONCURRENT);
  EXPECT_TRUE(host_.has_hook(MORTISE_HOOK_AUTH_AUTHENTICATE));
  EXPECT_TRUE(host_.has_hook(MORTISE_HOOK_AUTH_AUTHORIZE));
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
