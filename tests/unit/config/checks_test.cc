#include "broker/config/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>

#include "broker/base/bytes.h"
#include "tests/unit/config/parse_helpers.h"

namespace mortise::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// One plugin named `name` with more keys ("run: inline"), and hooks.
std::string with_plugin(const std::string& more, const std::string& hooks, const std::string& name = "passwords") {
  return "plugins:\n  - {name: " + name + ", library: auth.so" + (more.empty() ? "" : ", " + more) + "}\nhooks: {" +
         hooks + "}\n";
}

// ---- Plugins ----

TEST(PluginChecks, TwoPluginsOfOneNameAreAnError) {
  EXPECT_EQ(error_of("plugins:\n  - {name: a, library: auth.so}\n  - {name: a, library: affix.so}\n"),
            "test.yaml:3:12: plugins[1].name: a is the name of another plugin too; give each its own");
}

TEST(PluginChecks, OneLibraryMayServeTwoPlugins) {
  EXPECT_EQ(
      settings_of("plugins:\n  - {name: a, library: auth.so}\n  - {name: b, library: auth.so}\nhooks: {auth: [a, b]}")
          ->plugins.size(),
      2u);
}

TEST(PluginChecks, ALibraryThatIsMissingIsNamedWithTheFolderSearched) {
  const std::string folder = quoted(plugin_folder().string());
  EXPECT_EQ(error_of("plugins: [{name: a, library: nothing-like-it.so}]"),
            "test.yaml:1:30: plugins[0].library: \"nothing-like-it.so\" is not in " + folder +
                " (plugin_dir); there: affix.so, auth.so, store.so");
  EXPECT_EQ(
      error_of("plugins: [{name: a, library: auht.so}]"),
      "test.yaml:1:30: plugins[0].library: \"auht.so\" is not in " + folder + " (plugin_dir); did you mean auth.so?");
  EXPECT_THAT(error_of("plugins: [{name: a, library: store}]"), HasSubstr("did you mean store.so?"));
}

TEST(PluginChecks, APluginFolderThatIsMissingIsNamed) {
  EXPECT_EQ(error_of("plugin_dir: /nonexistent\nplugins: [{name: a, library: auth.so}]"),
            "test.yaml:2:30: plugins[0].library: \"auth.so\" is not in \"/nonexistent\" (plugin_dir), which cannot be "
            "read: No such file or directory");
}

TEST(PluginChecks, AnAbsoluteLibraryIsTakenAsItIs) {
  const std::string absolute = (plugin_folder() / "auth.so").string();
  EXPECT_EQ(settings_of("plugin_dir: /nonexistent\nplugins: [{name: a, library: " + absolute + "}]\nhooks: {auth: [a]}")
                ->plugins[0]
                .library,
            absolute);
  EXPECT_THAT(error_of("plugins: [{name: a, library: /nonexistent/x.so}]"),
              HasSubstr("\"/nonexistent/x.so\" does not exist"));
  EXPECT_THAT(error_of("plugins: [{name: a, library: " + plugin_folder().string() + "}]"), HasSubstr("is not a file"));
}

TEST(PluginChecks, ALibraryWithARelativeFolderIsAnError) {
  EXPECT_THAT(error_of("plugins: [{name: a, library: ../auth.so}]"),
              HasSubstr("\"../auth.so\" is a relative path; write the file's name alone (it is looked for in "
                        "plugin_dir) or an absolute path"));
}

// ---- Failure policies ----

TEST(PolicyChecks, OnlyPoliciesThatMeanSomethingForAFamilyAreAccepted) {
  const struct {
    const char* family;
    std::vector<const char*> meant;
  } families[] = {{"auth", {"deny", "next", "allow"}},
                  {"topic", {"reject_connection", "passthrough"}},
                  {"store", {"refuse_persistent", "stop_acks", "memory_only"}},
                  {"event", {"ignore"}}};
  for (const auto& family : families) {
    for (const auto& other : families) {
      for (const char* policy : other.meant) {
        const std::string text =
            with_plugin(std::string("accept_fail_open: true, on_failure: {") + family.family + ": " + policy + "}",
                        "auth: [passwords]");
        if (family.family == other.family) {
          EXPECT_EQ(error_of(text), "no error") << family.family << ": " << policy;
        } else {
          EXPECT_THAT(error_of(text), HasSubstr(std::string("on_failure.") + family.family + ": \"" + policy +
                                                "\" is not allowed; allowed: " + family.meant[0]));
        }
      }
    }
  }
}

TEST(PolicyChecks, AnUnknownFamilyIsAnError) {
  EXPECT_THAT(error_of(with_plugin("on_failure: {publish: deny}", "auth: [passwords]")),
              HasSubstr("plugins[0].on_failure.publish: unknown key; allowed here: auth, topic, store, event"));
}

TEST(PolicyChecks, AllowNeedsToBeAcceptedInSoManyWords) {
  EXPECT_EQ(error_of(with_plugin("on_failure: {auth: allow}", "auth: [passwords]")),
            "test.yaml:2:60: plugins[0].on_failure.auth: allow lets everybody in when passwords fails; write "
            "accept_fail_open: true too if that is meant, "
            "else deny or next");
  const auto settings =
      settings_of(with_plugin("accept_fail_open: true, on_failure: {auth: allow}", "auth: [passwords]"));
  EXPECT_EQ(settings->plugins[0].on_auth_failure, hooks::AuthFailurePolicy::kAllow);
}

// ---- Hooks ----

TEST(HookChecks, ANameThatNoPluginHasIsAnErrorInEveryFamily) {
  for (const char* hooks : {"auth: [pasword]", "topic: [pasword]", "event: [pasword]", "store: pasword"})
    EXPECT_THAT(error_of(with_plugin("", hooks)), HasSubstr("no plugin is named pasword; did you mean passwords?"))
        << hooks;
  EXPECT_THAT(error_of(with_plugin("", "auth: [passwords, xyz]")),
              HasSubstr("hooks.auth[1]: no plugin is named xyz; named under plugins: passwords"));
  EXPECT_EQ(error_of("hooks: {store: queue}"),
            "test.yaml:1:16: hooks.store: no plugin is named queue; named under plugins: none");
}

TEST(MemoryChecks, ABudgetLeavesRoomForTheBrokerItself) {
  EXPECT_EQ(settings_of("{}")->memory_budget, Settings::kAutomaticBudget);
  EXPECT_EQ(settings_of("node: {memory_budget: auto}")->memory_budget, Settings::kAutomaticBudget);
  EXPECT_EQ(settings_of("node: {memory_budget: 0B}")->memory_budget, 0u);
  EXPECT_EQ(settings_of("node: {memory_budget: 32MiB}")->memory_budget, 32u << 20);
  EXPECT_THAT(error_of("node: {memory_budget: 31MiB}"),
              HasSubstr("node.memory_budget: leaves no room for the broker itself; allowed: 32MiB or more"));
}

TEST(HookChecks, TheChainsOfAListenerNamePlugins) {
  EXPECT_THAT(error_of("listeners: [{url: tcp://127.0.0.1, hooks: {auth: [passwrds]}}]\n" + with_plugin("", "")),
              HasSubstr("listeners[0].hooks.auth[0]: no plugin is named passwrds; did you mean passwords?"));
  EXPECT_THAT(error_of("listeners: [{url: tcp://127.0.0.1, hooks: {topic: [xyz]}}]\n" + with_plugin("", "")),
              HasSubstr("listeners[0].hooks.topic[0]: no plugin is named xyz; named under plugins: passwords"));
}

TEST(HookChecks, ListenersWithOneUrlHaveOneChain) {
  EXPECT_THAT(
      error_of("listeners:\n  - {url: \"tcp://127.0.0.1:0\"}\n  - {url: \"tcp://127.0.0.1:0\", hooks: {auth: []}}"),
      HasSubstr("listeners[1].hooks: listeners[0] has the same url and other hooks; give both the same"));
}

TEST(HookChecks, StoreIsOneNameNotAList) {
  EXPECT_THAT(error_of(with_plugin("", "store: [passwords]")),
              HasSubstr("hooks.store: a list is not allowed; allowed: a name"));
}

// ---- Warnings ----

TEST(Warnings, APluginInNoChainIsLoadedButNeverAsked) {
  EXPECT_THAT(
      settings_of(with_plugin("", ""))->warnings,
      ElementsAre("test.yaml:2: plugins[0].name: passwords is in no list under hooks: it is loaded and never asked"));
}

TEST(Warnings, APolicyForAFamilyThatThePluginIsNotAskedInNeverApplies) {
  EXPECT_THAT(
      settings_of(with_plugin("on_failure: {auth: deny, store: stop_acks}", "auth: [passwords]"))->warnings,
      ElementsAre("test.yaml:2: plugins[0].on_failure.store: passwords is not in hooks.store: this never applies"));
}

TEST(Warnings, AllowAnonymousHasNoEffectWherePluginsDecide) {
  EXPECT_THAT(
      settings_of(with_plugin("", "auth: [passwords]") +
                  "listeners:\n  - {url: tcp://0.0.0.0, allow_anonymous: true}\n")
          ->warnings,
      ElementsAre("test.yaml:5: listeners[0].allow_anonymous: has no effect: hooks.auth decides who may connect"));
}

TEST(Warnings, APluginThatOnlyAListenerNamesIsAsked) {
  EXPECT_THAT(settings_of("listeners: [{url: tcp://127.0.0.1, allow_anonymous: true, hooks: {auth: [passwords]}}]\n" +
                          with_plugin("on_failure: {auth: deny}", ""))
                  ->warnings,
              ElementsAre(HasSubstr("listeners[0].allow_anonymous: has no effect")));
}

TEST(Warnings, DurabilityByIntervalHasNoEffectWithoutAStore) {
  EXPECT_THAT(settings_of("session: {durability: interval}")->warnings,
              ElementsAre(HasSubstr("has no effect without a plugin in hooks.store")));
  EXPECT_THAT(settings_of("session: {durability: commit}")->warnings, IsEmpty());
}

// ---- Listeners ----

TEST(ListenerChecks, TheSameAddressTwiceIsAnErrorButAnyFreePortIsNot) {
  EXPECT_THAT(error_of("listeners: [{url: tcp://127.0.0.1:1883}, {url: tcp://127.0.0.1}]"),
              HasSubstr("listeners[1].url: \"tcp://127.0.0.1\" is listed twice; keep one"));
  EXPECT_EQ(error_of("listeners: [{url: tcp://127.0.0.1:0}, {url: tcp://127.0.0.1:0}]"), "no error");
}

TEST(ListenerChecks, AnEmptyListOfListenersIsAnError) {
  EXPECT_EQ(
      error_of("listeners: []"),
      "test.yaml:1:12: listeners: nobody could connect; write at least one, for example - url: tcp://127.0.0.1:1883");
}

/// The truth table in conf/README.md, row by row.
struct Exposure {
  const char* url;
  bool has_auth_plugin;
  bool allow_anonymous;
  bool opens;
};

void PrintTo(const Exposure& row, std::ostream* out) {
  *out << row.url << (row.has_auth_plugin ? ", a plugin" : ", no plugin") << (row.allow_anonymous ? ", anonymous" : "");
}

std::string name_of(const testing::TestParamInfo<Exposure>& info) {
  std::string name = info.param.url;
  for (char& c : name) {
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  name += info.param.has_auth_plugin ? "_with_plugin" : "_without_plugin";
  return name + (info.param.allow_anonymous ? "_anonymous" : "");
}

class WhoMayConnect : public testing::TestWithParam<Exposure> {};

TEST_P(WhoMayConnect, AListenerOpensOnlyWhereSomebodyDecidesOrItIsMeant) {
  const Exposure& row = GetParam();
  const std::string listener = std::string("listeners:\n  - {url: \"") + row.url +
                               "\", allow_anonymous: " + (row.allow_anonymous ? "true" : "false") + "}\n";
  const std::string error = error_of(listener + (row.has_auth_plugin ? with_plugin("", "auth: [passwords]") : ""));
  if (row.opens) {
    EXPECT_EQ(error, "no error");
  } else {
    EXPECT_EQ(error, std::string("test.yaml:2:11: listeners[0].url: \"") + row.url +
                         "\" would let anybody in from outside of this machine: no plugin in hooks.auth decides who "
                         "may connect; name one there, listen on "
                         "127.0.0.1, ask for certificates (tls.verify: required with identity: certificate_cn), or "
                         "write allow_anonymous: true for this listener");
  }
}

INSTANTIATE_TEST_SUITE_P(
    TruthTable, WhoMayConnect,
    testing::Values(
        Exposure{"tcp://127.0.0.1:1883", false, false, true}, Exposure{"tcp://127.0.0.1:1883", false, true, true},
        Exposure{"tcp://127.0.0.1:1883", true, false, true}, Exposure{"tcp://127.0.0.1:1883", true, true, true},
        Exposure{"tcp://0.0.0.0:1883", false, false, false}, Exposure{"tcp://0.0.0.0:1883", false, true, true},
        Exposure{"tcp://0.0.0.0:1883", true, false, true}, Exposure{"tcp://0.0.0.0:1883", true, true, true},
        Exposure{"tcp://[::]:1883", false, false, false}, Exposure{"tcp://broker.example", false, false, false},
        Exposure{"tcp://[::1]:1883", false, false, true}, Exposure{"tcp://localhost:1883", false, false, true}),
    name_of);

/// The same table where the listener has a chain of its own: only that counts, whatever hooks.auth names.
struct OwnChain {
  const char* url;
  const char* global;  // hooks.auth
  const char* own;     // hooks.auth of the listener
  bool allow_anonymous;
  bool opens;
};
void PrintTo(const OwnChain& row, std::ostream* out) {
  *out << row.url << " " << row.global << " " << row.own << (row.allow_anonymous ? " anonymous" : "");
}

class WhoMayConnectByAnOwnChain : public testing::TestWithParam<OwnChain> {};

TEST_P(WhoMayConnectByAnOwnChain, TheListenersOwnChainDecidesWhetherItOpens) {
  const OwnChain& row = GetParam();
  const std::string error =
      error_of(std::string("listeners:\n  - {url: \"") + row.url + "\", hooks: {auth: " + row.own +
               "}, allow_anonymous: " + (row.allow_anonymous ? "true" : "false") + "}\n" +
               with_plugin("", std::string("auth: ") + row.global));
  if (row.opens) {
    EXPECT_EQ(error, "no error");
  } else {
    EXPECT_THAT(error, AllOf(HasSubstr("listeners[0].url: \"" + std::string(row.url) + "\" would let anybody in"),
                             HasSubstr("no plugin in its own hooks.auth decides who may connect")));
  }
}

INSTANTIATE_TEST_SUITE_P(TruthTable, WhoMayConnectByAnOwnChain,
                         testing::Values(OwnChain{"tcp://127.0.0.1:1883", "[passwords]", "[]", false, true},
                                         OwnChain{"unix://s.sock", "[passwords]", "[]", false, true},
                                         OwnChain{"tcp://0.0.0.0:1883", "[passwords]", "[]", false, false},
                                         OwnChain{"tcp://0.0.0.0:1883", "[passwords]", "[]", true, true},
                                         OwnChain{"tcp://0.0.0.0:1883", "[]", "[passwords]", false, true},
                                         OwnChain{"tcp://0.0.0.0:1883", "[]", "[passwords]", true, true},
                                         OwnChain{"tcp://0.0.0.0:1883", "[passwords]", "[passwords]", false, true},
                                         OwnChain{"tcp://[::]:1883", "[passwords]", "[]", false, false}));

TEST(WhoMayConnectByAnOwnChain, AListWithNothingInItIsNoListAndChangesNothing) {
  const auto settings = settings_of("listeners: [{url: tcp://0.0.0.0:1883, hooks: {auth: , topic: []}}]\n" +
                                    with_plugin("", "auth: [passwords]"));
  EXPECT_EQ(settings->listeners[0].auth_hooks, std::nullopt);
  EXPECT_THAT(auth_chain(*settings, settings->listeners[0]), ElementsAre("passwords"));
  EXPECT_EQ(settings->listeners[0].topic_hooks, std::vector<std::string>());
}

TEST(WhoMayConnectAfterLoading, AnAuthPluginThatAuthenticatesNobodyOpensNothing) {
  const auto settings = settings_of(with_plugin("", "auth: [passwords]") + "listeners:\n  - {url: tcp://0.0.0.0}\n");
  EXPECT_TRUE(check_exposure(*settings, [](const ListenerSettings&) { return true; }));
  const auto checked = check_exposure(*settings, [](const ListenerSettings&) { return false; });
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message, HasSubstr("test.yaml:5: \"tcp://0.0.0.0\" would let anybody in"));
}

}  // namespace
}  // namespace mortise::config
