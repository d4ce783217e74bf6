#include <gmock/gmock.h>

#include <mortise/testing/fake_host.hpp>
#include <thread>

#include "probe_plugin.h"

namespace mortise::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class PluginTest : public ::testing::Test {
 protected:
  void start(const std::string& config = "{}") {
    ASSERT_EQ(host_.start(config, "/etc/mortise"), Status::ok) << host_.failure();
  }

  FakeHost host_{mortise_plugin_entry};
};

// ---- What is registered ----

const mortise_hook* hook_of(const mortise_plugin& plugin, std::uint32_t hook_id) {
  for (std::uint32_t i = 0; i < plugin.hook_count; ++i) {
    if (plugin.hooks[i].hook_id == hook_id) return &plugin.hooks[i];
  }
  return nullptr;
}

TEST_F(PluginTest, HooksThatAreOverriddenAreListedAndNoOthers) {
  EXPECT_TRUE(host_.has_hook(MORTISE_HOOK_AUTH_AUTHENTICATE));
  EXPECT_TRUE(host_.has_hook(MORTISE_HOOK_STORE_FETCH));
  EXPECT_FALSE(host_.has_hook(MORTISE_HOOK_EVENT_EVENTS));
  EXPECT_EQ(host_.plugin().hook_count, 9u);
}

TEST_F(PluginTest, TheDescriptionSaysNameVersionAndSerialByDefault) {
  EXPECT_TRUE(mortise_bytes_equal(host_.plugin().name, "probe"));
  EXPECT_TRUE(mortise_bytes_equal(host_.plugin().version, "1.2.3"));
  EXPECT_EQ(host_.plugin().flags, MORTISE_PLUGIN_SERIAL);
}

TEST_F(PluginTest, AHookIsRequiredAndWantsEverythingButThePayloadUnlessItSaysOtherwise) {
  const mortise_hook* const authorize = hook_of(host_.plugin(), MORTISE_HOOK_AUTH_AUTHORIZE);
  EXPECT_EQ(authorize->flags, MORTISE_HOOK_IS_REQUIRED);
  EXPECT_EQ(authorize->fields & MORTISE_FIELD_BIT(MORTISE_FIELD_ACCESS_PAYLOAD), 0u);
  EXPECT_NE(authorize->fields & MORTISE_FIELD_BIT(MORTISE_FIELD_ACCESS_TOPIC), 0u);
  const mortise_hook* const bind = hook_of(host_.plugin(), MORTISE_HOOK_TOPIC_BIND);
  EXPECT_EQ(bind->flags, MORTISE_HOOK_IS_OPTIONAL);
  EXPECT_EQ(bind->child_fields, MORTISE_FIELD_BIT(MORTISE_FIELD_PRINCIPAL_CLIENT_ID));
}

// ---- Enhanced authentication ----

TEST_F(PluginTest, AnExchangeGoesFromStepToStepByItsNumber) {
  std::map<std::uint64_t, std::string> kept;
  probe_hooks.exchange = [&kept](const ExchangeView& view) {
    const std::uint64_t id = *view.id();
    const std::string said = *view.authentication_data().copy();
    if (*view.step() == 1) {
      kept[id] = said;
      return ExchangeDecision::go_on("again, " + said);
    }
    const bool is_same = kept.at(id) == said;
    kept.erase(id);
    if (!is_same) return ExchangeDecision::deny(reason::kNotAuthorized);
    return ExchangeDecision::allow().data("welcome").user_name(said);
  };
  probe_hooks.exchange_ended = [&kept](const ExchangeEndView& end) { kept.erase(*end.id()); };
  start();
  Exchange alice;
  alice.id = 1;
  alice.authentication_method = "TWICE";
  alice.authentication_data = "alice";
  Exchange bob = alice;
  bob.id = 2;
  bob.authentication_data = "bob";
  EXPECT_EQ(host_.exchange(alice).authentication_data, "again, alice");
  EXPECT_EQ(host_.exchange(bob).verdict, MORTISE_VERDICT_CONTINUE);
  alice.step = bob.step = 2;
  const Answer allowed = host_.exchange(alice);
  EXPECT_EQ(allowed.verdict, MORTISE_VERDICT_ALLOW);
  EXPECT_EQ(allowed.user_name, "alice");
  EXPECT_EQ(allowed.authentication_data, "welcome");
  EXPECT_EQ(host_.exchange_ended(2), Status::ok);
  EXPECT_TRUE(kept.empty());
}

TEST_F(PluginTest, AStepMayBeAnsweredLater) {
  std::optional<ExchangePending> kept;
  probe_hooks.exchange = [&kept](const ExchangeView& view) {
    kept = std::move(*view.defer(std::chrono::seconds(5)));
    return kept->decision();
  };
  start();
  const Answer pending = host_.begin_exchange({});
  ASSERT_EQ(pending.verdict, MORTISE_VERDICT_PENDING);
  EXPECT_EQ(kept->complete(ExchangeDecision::go_on("more")), Status::ok);
  EXPECT_EQ(host_.wait(pending).verdict, MORTISE_VERDICT_CONTINUE);
  kept.reset();
}

// ---- Start and configuration ----

TEST_F(PluginTest, AnErrorThrownByStartIsWhatTheOperatorIsShown) {
  probe_hooks.start = [](Plugin&, const ConfigView&) { throw Error("passwd: no such file; make one"); };
  EXPECT_EQ(host_.start(), Status::e_failed);
  EXPECT_EQ(host_.failure(), "passwd: no such file; make one");
}

TEST_F(PluginTest, ConfigurationIsReadByJsonPointerAndChecked) {
  probe_hooks.start = [](Plugin&, const ConfigView& config) {
    config.only_keys("", {"path", "size", "strict", "rules"});
    EXPECT_EQ(config.required_text("/path"), "a b");
    EXPECT_EQ(config.number("/size", 1, 10), 7u);
    EXPECT_EQ(config.flag("/strict"), true);
    EXPECT_EQ(config.text("/nothing"), std::nullopt);
    EXPECT_EQ(config.count("/rules"), 2u);
    EXPECT_EQ(config.count("/nothing"), 0u);
    EXPECT_EQ(config.text("/rules/1/a"), "y");
    EXPECT_EQ(config.key("/rules/1", 0), "a");
    EXPECT_EQ(config.resolve("acl.yaml"), "/etc/mortise/acl.yaml");
    EXPECT_EQ(config.resolve("/acl.yaml"), "/acl.yaml");
  };
  start(R"({"path": "a b", "size": 7, "strict": true, "rules": [{"a": "x"}, {"a": "y"}]})");
}

TEST_F(PluginTest, EachWrongValueIsRefusedWithItsKeyAndTheRemedy) {
  const auto refusal = [this](std::function<void(const ConfigView&)> read) {
    probe_hooks.start = [read](Plugin&, const ConfigView& config) { read(config); };
    EXPECT_EQ(host_.start(R"({"size": "large", "list": [1], "big": 18446744073709551616})"), Status::e_failed);
    return host_.failure();
  };
  EXPECT_EQ(refusal([](const ConfigView& c) { (void)c.required_text("/path"); }), "config: /path is missing");
  EXPECT_THAT(refusal([](const ConfigView& c) { (void)c.number("/size", 1, 9); }),
              HasSubstr("/size must be a whole number from 1 to 9, not large"));
  EXPECT_THAT(refusal([](const ConfigView& c) { (void)c.flag("/size"); }), HasSubstr("must be true or false"));
  EXPECT_THAT(refusal([](const ConfigView& c) { (void)c.text("/list"); }), HasSubstr("must be a single value"));
  EXPECT_THAT(refusal([](const ConfigView& c) { (void)c.count("/size"); }), HasSubstr("must be a list or a mapping"));
  EXPECT_THAT(refusal([](const ConfigView& c) {
                c.only_keys("", {"size", "big"});
              }),
              HasSubstr("/list is not known; known are: size, big"));
}

TEST_F(PluginTest, AConfigurationThatIsRefusedLeavesTheReason) {
  start();
  probe_hooks.configure = [](const ConfigView&) { throw Error("acl.yaml:3: unknown key"); };
  EXPECT_EQ(host_.configure("{}"), Status::e_failed);
  EXPECT_EQ(host_.failure(), "acl.yaml:3: unknown key");
}

// ---- Reading ----

TEST_F(PluginTest, AbsentAndEmptyAreNotTheSame) {
  start();
  probe_hooks.authenticate = [](const ConnectRequestView& request) {
    EXPECT_EQ(request.user_name().status(), Status::e_absent);
    EXPECT_FALSE(request.user_name() == "");
    EXPECT_TRUE(request.password().exists());
    EXPECT_TRUE(request.password() == "");
    EXPECT_EQ(*request.has_user_name(), 0u);
    EXPECT_EQ(*request.has_password(), 1u);
    EXPECT_EQ(request.will_qos().status, Status::e_absent);
    return AuthDecision::next();
  };
  ConnectRequest request;
  request.password = "";
  EXPECT_EQ(host_.authenticate(request).verdict, MORTISE_VERDICT_NEXT);
}

TEST_F(PluginTest, PairsPayloadsAndChildrenCanBeCopied) {
  start();
  probe_hooks.authorize = [](const AccessRequestView& request) {
    EXPECT_EQ(*request.payload().copy(), std::string(200'000, 'x'));
    EXPECT_EQ(request.payload().view()->size(), 200'000u);
    const auto pairs = request.principal().user_properties().copy();
    EXPECT_THAT(*pairs, ElementsAre(Pair("site", "north"), Pair("site", "south")));
    EXPECT_EQ(request.principal().user_properties().copy(2).status, Status::e_range);
    return AccessDecision::allow();
  };
  AccessRequest request{MORTISE_ACTION_PUBLISH, "a", {}, "", 0, false, {}, std::string(200'000, 'x')};
  request.principal.user_properties = {{"site", "north"}, {"site", "south"}};
  EXPECT_EQ(host_.authorize(request).verdict, MORTISE_VERDICT_ALLOW);
}

/// A view can be kept only by being made in place, and then it is of no use.
struct Keeper {
  explicit Keeper(const AccessRequestView& request) : principal(request.principal()) {}
  PrincipalView principal;
};

TEST_F(PluginTest, AStoredViewAnswersExpired) {
  start();
  std::unique_ptr<Keeper> keeper;
  probe_hooks.authorize = [&keeper](const AccessRequestView& request) {
    keeper = std::make_unique<Keeper>(request);
    EXPECT_EQ(*keeper->principal.client_id().copy(), "client");
    return AccessDecision::next();
  };
  (void)host_.authorize({MORTISE_ACTION_PUBLISH, "a", {}});
  EXPECT_EQ(keeper->principal.client_id().copy().status, Status::e_expired);
  EXPECT_EQ(*keeper->principal.client_id().copy(), "");
  EXPECT_EQ(keeper->principal.protocol_version().status, Status::e_expired);
  EXPECT_EQ(keeper->principal.copy().status, Status::e_expired);
}

TEST_F(PluginTest, AViewUsedOnAnotherThreadAnswersWrongThread) {
  start();
  probe_hooks.authenticate = [](const ConnectRequestView& request) {
    Status status = Status::ok;
    std::thread([&] { status = request.client_id().copy().status; }).join();
    EXPECT_EQ(status, Status::e_wrong_thread);
    return AuthDecision::next();
  };
  (void)host_.authenticate({});
}

TEST_F(PluginTest, ACopyOfAViewOutlivesTheCallOnAnyThreadUntilItGoes) {
  start();
  Owned<ConnectRequestView> kept;
  probe_hooks.authenticate = [&kept](const ConnectRequestView& request) {
    kept = std::move(*request.copy());
    return AuthDecision::next();
  };
  ConnectRequest request;
  request.password = "secret";
  (void)host_.authenticate(request);
  std::thread([&] { EXPECT_EQ(kept->password().copy_secret()->view(), "secret"); }).join();
  EXPECT_EQ(host_.owned_handles(), 1u);
  kept = {};
  EXPECT_EQ(host_.owned_handles(), 0u);
}

// ---- Answering ----

TEST_F(PluginTest, AnAuthDecisionCarriesAllItWasGiven) {
  start();
  probe_hooks.authenticate = [](const ConnectRequestView&) {
    return AuthDecision::allow()
        .user_name("alice")
        .name_space("blue")
        .session_expiry_max(std::chrono::hours(1))
        .valid_for(std::chrono::minutes(1))
        .note(std::string("a\0b", 3))
        .because("line 7");
  };
  const Answer answer = host_.authenticate({});
  EXPECT_EQ(answer.verdict, MORTISE_VERDICT_ALLOW);
  EXPECT_EQ(answer.user_name, "alice");
  EXPECT_EQ(answer.name_space, "blue");
  EXPECT_EQ(answer.session_expiry_max_s, 3600u);
  EXPECT_EQ(answer.valid_for_s, 60u);
  EXPECT_EQ(answer.note, std::string("a\0b", 3));
  EXPECT_EQ(answer.explanation, "line 7");
}

TEST_F(PluginTest, AnAccessDecisionKeepsItsRulesInOrderAndCanBeMovedAbout) {
  start();
  probe_hooks.authorize = [](const AccessRequestView&) {
    std::vector<AccessDecision> moved_about;
    moved_about.push_back(AccessDecision::allow().leave_out("a/secret/#").deliver("a/+/x"));
    moved_about.push_back(AccessDecision::next());
    return moved_about[0];
  };
  const Answer answer = host_.authorize({MORTISE_ACTION_SUBSCRIBE, "a/#", {}});
  ASSERT_EQ(answer.rules.size(), 2u);
  EXPECT_EQ(answer.rules[0].effect, MORTISE_RULE_DENY);
  EXPECT_EQ(answer.rules[0].filter, "a/secret/#");
  EXPECT_EQ(answer.rules[1].effect, MORTISE_RULE_ALLOW);
}

TEST_F(PluginTest, ADecisionTheHostRefusesFailsTheHook) {
  start();
  probe_hooks.authorize = [](const AccessRequestView&) { return AccessDecision::allow().leave_out("a/#/b"); };
  EXPECT_EQ(host_.authorize({MORTISE_ACTION_SUBSCRIBE, "a/#", {}}).status, Status::e_invalid);
  probe_hooks.authorize = [](const AccessRequestView&) { return AccessDecision::allow().leave_out("a/#"); };
  EXPECT_EQ(host_.authorize({MORTISE_ACTION_PUBLISH, "a", {}}).status, Status::e_illegal);
}

TEST_F(PluginTest, WhatAHookThrowsBecomesAStatusAndALineInTheLog) {
  start();
  probe_hooks.authenticate = [](const ConnectRequestView&) -> AuthDecision { throw std::runtime_error("boom"); };
  EXPECT_EQ(host_.authenticate({}).status, Status::e_failed);
  EXPECT_TRUE(host_.has_logged("boom"));
  probe_hooks.authenticate = [](const ConnectRequestView&) -> AuthDecision { throw 7; };
  EXPECT_EQ(host_.authenticate({}).status, Status::e_failed);
  probe_hooks.open = [](const StoreOpenView&) -> Status { throw Error("disk full", Status::e_no_space); };
  EXPECT_EQ(host_.open_store(), Status::e_no_space);
}

// ---- Answering later ----

TEST_F(PluginTest, APendingAnswerMayBeGivenOnAnotherThread) {
  start();
  std::thread worker;
  probe_hooks.authenticate = [&worker](const ConnectRequestView& request) {
    auto pending = request.defer(std::chrono::seconds(5));
    AuthDecision answer = pending->decision();
    worker = std::thread([p = std::move(*pending)]() mutable {
      EXPECT_EQ(p.complete(AuthDecision::deny(reason::kBanned)), Status::ok);
      EXPECT_EQ(p.complete(AuthDecision::allow()), Status::e_null);
    });
    return answer;
  };
  const Answer answer = host_.authenticate({});
  worker.join();
  EXPECT_TRUE(answer.was_pending);
  EXPECT_EQ(answer.verdict, MORTISE_VERDICT_DENY);
  EXPECT_EQ(answer.reason_code, reason::kBanned);
  EXPECT_EQ(host_.open_tokens(), 0u);
}

TEST_F(PluginTest, ALateAnswerLearnsThatTheClientLeftOrTheDeadlinePassed) {
  start();
  BindPending pending;
  probe_hooks.bind = [&pending](const BindRequestView& request) {
    pending = std::move(*request.defer(std::chrono::seconds(5)));
    return pending.decision();
  };
  host_.cancel(host_.begin_bind({}));
  EXPECT_EQ(pending.complete(BindDecision::next()), Status::e_cancelled);
  host_.expire(host_.begin_bind({}));
  EXPECT_EQ(pending.complete(BindDecision::next()), Status::e_timed_out);
}

TEST_F(PluginTest, ARefusedAnswerLeavesTheTokenToTryAgain) {
  start();
  BindPending pending;
  probe_hooks.bind = [&pending](const BindRequestView& request) {
    pending = std::move(*request.defer(std::chrono::seconds(5)));
    return pending.decision();
  };
  const Answer question = host_.begin_bind({});
  EXPECT_EQ(pending.complete(BindDecision::affix("a/#", "", 1)), Status::e_invalid);
  EXPECT_EQ(pending.complete(BindDecision::affix("a/", "", 1)), Status::ok);
  EXPECT_EQ(host_.wait(question).prefix, "a/");
}

TEST_F(PluginTest, APendingThatIsDroppedIsCountedAndLeftToItsDeadline) {
  start();
  probe_hooks.authorize = [](const AccessRequestView& request) {
    const auto pending = request.defer(std::chrono::seconds(5));
    return pending->decision();
  };
  const Answer question = host_.begin_authorize({MORTISE_ACTION_PUBLISH, "a", {}});
  EXPECT_EQ(host_.counter("pending_dropped"), 1u);
  EXPECT_EQ(host_.open_tokens(), 1u);
  host_.expire(question);
}

TEST_F(PluginTest, ATokenOfAHookThatThrewIsCancelled) {
  start();
  AuthPending pending;
  probe_hooks.authenticate = [&pending](const ConnectRequestView& request) -> AuthDecision {
    pending = std::move(*request.defer(std::chrono::seconds(5)));
    throw Error("no");
  };
  EXPECT_EQ(host_.begin_authenticate({}).status, Status::e_failed);
  EXPECT_EQ(pending.complete(AuthDecision::allow()), Status::e_cancelled);
}

TEST_F(PluginTest, MoreTokensThanGrantedIsAQuota) {
  FakeHost host(mortise_plugin_entry, Limits{0, 0, 0});
  ASSERT_EQ(host.start(), Status::ok);
  probe_hooks.authenticate = [](const ConnectRequestView& request) {
    EXPECT_EQ(request.defer(std::chrono::seconds(1)).status, Status::e_quota);
    EXPECT_EQ(request.copy().status, Status::e_quota);
    EXPECT_EQ(request.publish({"a", "b"}), Status::e_quota);
    return AuthDecision::deny(reason::kServerBusy);
  };
  EXPECT_EQ(host.authenticate({}).reason_code, reason::kServerBusy);
}

// ---- Acting ----

TEST_F(PluginTest, IntentsOfACallAreForgottenUnlessTheHookReturnedOk) {
  start();
  bool is_failing = true;
  probe_hooks.authenticate = [&is_failing](const ConnectRequestView& request) {
    PublishView message{"log/logins", "alice", 1};
    message.user_properties = {{"k", "v"}};
    EXPECT_EQ(request.publish(message), Status::ok);
    EXPECT_EQ(request.disconnect("eve", "", reason::kBanned), Status::ok);
    EXPECT_EQ(request.invalidate("bob"), Status::ok);
    if (is_failing) throw Error("no");
    return AuthDecision::next();
  };
  (void)host_.authenticate({});
  EXPECT_TRUE(host_.published().empty());
  is_failing = false;
  (void)host_.authenticate({});
  ASSERT_EQ(host_.published().size(), 1u);
  EXPECT_EQ(host_.published()[0].topic, "log/logins");
  EXPECT_THAT(host_.published()[0].properties, ElementsAre(Pair("k", "v")));
  EXPECT_EQ(host_.disconnected()[0].client_id, "eve");
  EXPECT_EQ(host_.invalidated()[0].client_id, "bob");
}

TEST_F(PluginTest, TimersAreSetReplacedFiredAndCancelled) {
  probe_hooks.start = [](Plugin& plugin, const ConfigView&) {
    EXPECT_EQ(plugin.set_timer(std::chrono::seconds(2), 7), Status::ok);
    EXPECT_EQ(plugin.set_timer(std::chrono::seconds(3), 7), Status::ok);
    EXPECT_EQ(plugin.set_timer(std::chrono::seconds(4), 8), Status::ok);
    EXPECT_EQ(plugin.cancel_timer(8), Status::ok);
  };
  start();
  EXPECT_THAT(host_.timers(), ElementsAre(Pair(7u, 3000u)));
  std::uint64_t fired = 0;
  probe_hooks.on_timer = [&fired](Plugin& plugin, const TimerView& timer) {
    fired = *timer.id();
    (void)plugin.set_timer(std::chrono::seconds(1), 9);
  };
  EXPECT_EQ(host_.fire_timer(7), Status::ok);
  EXPECT_EQ(fired, 7u);
  EXPECT_THAT(host_.timers(), ElementsAre(Pair(9u, 1000u)));
}

TEST_F(PluginTest, AfterStopEverythingAnswersClosed) {
  start();
  AuthPending pending;
  probe_hooks.authenticate = [&pending](const ConnectRequestView& request) {
    pending = std::move(*request.defer(std::chrono::seconds(5)));
    return pending.decision();
  };
  (void)host_.begin_authenticate({});
  EXPECT_EQ(host_.stop(), Status::e_invalid) << "a leaked token is named";
  EXPECT_EQ(pending.complete(AuthDecision::allow()), Status::e_closed);
}

TEST_F(PluginTest, ClocksAreTheHosts) {
  FakeHost::set_clock_ms(1'700'000'000'000, 42);
  EXPECT_EQ(now_wall_ms(), 1'700'000'000'000u);
  EXPECT_EQ(now_steady_ms(), 42u);
}

}  // namespace
}  // namespace mortise::testing
