#include <gtest/gtest.h>

#include <functional>
#include <mortise/testing/fake_host.hpp>
#include <thread>

#include "probe_plugin.h"

namespace mortise::testing {
namespace {

// The fake host answers for every field of the description: a new one must be added to it.
#define EXPECT_FIELD_u64(name) EXPECT_NE(view.name().status, Status::e_no_field) << #name
#define EXPECT_FIELD_bytes(name) EXPECT_NE(view.name().status(), Status::e_no_field) << #name
#define EXPECT_FIELD_pairs(name) EXPECT_NE(view.name().count().status, Status::e_no_field) << #name
#define EXPECT_FIELD_payload(name) EXPECT_NE(view.name().view().status, Status::e_no_field) << #name
#define EXPECT_FIELD_child(name) EXPECT_TRUE(true)
#define EXPECT_FIELD(name, type, macro, child_kind) EXPECT_FIELD_##type(name);

class FakeHostTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(host_.start(), Status::ok); }

  FakeHost host_{mortise_plugin_entry};
};

TEST_F(FakeHostTest, EveryFieldOfARequestAndItsPrincipalIsThere) {
  probe_hooks.authenticate = [](const ConnectRequestView& view) {
    MORTISE_FOR_EACH_FIELD_OF_CONNECT_REQUEST(EXPECT_FIELD)
    return AuthDecision::next();
  };
  probe_hooks.authorize = [](const AccessRequestView& view) {
    MORTISE_FOR_EACH_FIELD_OF_ACCESS_REQUEST(EXPECT_FIELD)
    return AccessDecision::next();
  };
  probe_hooks.exchange = [](const ExchangeView& view) {
    MORTISE_FOR_EACH_FIELD_OF_EXCHANGE(EXPECT_FIELD)
    return ExchangeDecision::next();
  };
  probe_hooks.bind = [](const BindRequestView& request) {
    {
      const BindRequestView& view = request;
      MORTISE_FOR_EACH_FIELD_OF_BIND_REQUEST(EXPECT_FIELD)
    }
    const PrincipalView view = request.principal();
    MORTISE_FOR_EACH_FIELD_OF_PRINCIPAL(EXPECT_FIELD)
    return BindDecision::next();
  };
  (void)host_.authenticate({});
  EXPECT_EQ(host_.exchange({}).verdict, MORTISE_VERDICT_NEXT);
  (void)host_.authorize({MORTISE_ACTION_PUBLISH, "a", {}});
  (void)host_.bind({});
}

TEST_F(FakeHostTest, AProcessOnAUnixSocketIsShownWhereThereIsOne) {
  std::vector<std::uint64_t> shown;
  const auto note = [&shown](const auto& view) {
    shown = {view.peer_user_id().value_or(0), view.peer_group_id().value_or(0), view.peer_process_id().value_or(0)};
  };
  probe_hooks.authenticate = [&](const ConnectRequestView& view) {
    note(view);
    return AuthDecision::next();
  };
  probe_hooks.exchange = [&](const ExchangeView& view) {
    note(view);
    return ExchangeDecision::next();
  };
  const std::vector<std::uint64_t> process{7, 8, 9}, none{0, 0, 0};
  ConnectRequest connect;
  (void)host_.authenticate(connect);
  EXPECT_EQ(shown, none);
  connect.process = PeerProcess{7, 8, 9};
  (void)host_.authenticate(connect);
  EXPECT_EQ(shown, process);
  Exchange exchange;
  exchange.process = PeerProcess{7, 8, 9};
  (void)host_.exchange(exchange);
  EXPECT_EQ(shown, process);
}

TEST_F(FakeHostTest, APluginInALibraryIsLoadedAndAsked) {
  FakeHost hello{std::string(EXAMPLE_HELLO)};
  EXPECT_TRUE(mortise_bytes_equal(hello.plugin().name, "hello"));
  ASSERT_EQ(hello.start(), Status::ok);
  ConnectRequest request;
  EXPECT_EQ(hello.authenticate(request).verdict, MORTISE_VERDICT_NEXT);
  request.user_name = "hello";
  EXPECT_EQ(hello.authenticate(request).verdict, MORTISE_VERDICT_ALLOW);
  request.user_name = "hello ";
  EXPECT_EQ(hello.authenticate(request).verdict, MORTISE_VERDICT_NEXT);
}

TEST_F(FakeHostTest, ALibraryThatIsNoPluginIsRefusedByName) {
  EXPECT_THROW(FakeHost("no-such-library.so"), std::runtime_error);
}

// ---- Strictness: what a plugin in C may do wrong ----

const mortise_decision_v1& decisions() { return *detail::services.decision; }

TEST_F(FakeHostTest, ASecondDecisionAndOneAfterTheCallAreRefused) {
  mortise_handle kept = 0;
  probe_hooks.authenticate = [&kept](const ConnectRequestView& request) {
    struct Peek : ConnectRequestView {
      static mortise_handle handle(const ConnectRequestView& view) { return view.*&Peek::handle_; }
    };
    kept = Peek::handle(request);
    mortise_auth_decision deny = MORTISE_AUTH_DECISION_INIT;
    deny.verdict = MORTISE_VERDICT_DENY;
    EXPECT_EQ(decisions().decide_auth(kept, &deny), MORTISE_OK);
    EXPECT_EQ(decisions().decide_auth(kept, &deny), MORTISE_E_ALREADY);
    return AuthDecision::allow();
  };
  EXPECT_EQ(host_.authenticate({}).status, Status::e_already);
  mortise_auth_decision allow = MORTISE_AUTH_DECISION_INIT;
  allow.verdict = MORTISE_VERDICT_ALLOW;
  EXPECT_EQ(decisions().decide_auth(kept, &allow), MORTISE_E_EXPIRED);
  EXPECT_EQ(decisions().decide_auth(12345, &allow), MORTISE_E_FORGED);
  EXPECT_EQ(decisions().decide_auth(0, &allow), MORTISE_E_NULL);
}

TEST_F(FakeHostTest, NonsenseInADecisionIsRefusedByKind) {
  struct Case {
    const char* what;
    std::function<void(mortise_auth_decision&)> spoil;
    Status expected;
  };
  const Case cases[] = {
      {"struct_size", [](auto& d) { d.struct_size = 8; }, Status::e_size},
      {"verdict 77", [](auto& d) { d.verdict = 77; }, Status::e_invalid},
      {"BOUND", [](auto& d) { d.verdict = MORTISE_VERDICT_BOUND; }, Status::e_illegal},
      {"PENDING without token", [](auto& d) { d.verdict = MORTISE_VERDICT_PENDING; }, Status::e_illegal},
      {"token without PENDING", [](auto& d) { d.token = 1; }, Status::e_illegal},
      {"a period without its bit", [](auto& d) { d.valid_for_s = 1; }, Status::e_invalid},
      {"a note without its bit", [](auto& d) { d.note = MORTISE_TEXT("n"); }, Status::e_invalid},
      {"reason code with ALLOW", [](auto& d) { d.reason_code = 0x87; }, Status::e_invalid},
      {"unknown flag", [](auto& d) { d.flags = 8; }, Status::e_invalid},
  };
  for (const Case& one : cases) {
    probe_hooks.authenticate = [&one](const ConnectRequestView& request) -> AuthDecision {
      struct Peek : ConnectRequestView {
        static mortise_handle handle(const ConnectRequestView& view) { return view.*&Peek::handle_; }
      };
      mortise_auth_decision decision = MORTISE_AUTH_DECISION_INIT;
      decision.verdict = MORTISE_VERDICT_ALLOW;
      one.spoil(decision);
      throw Error("", Status{decisions().decide_auth(Peek::handle(request), &decision)});
    };
    EXPECT_EQ(host_.authenticate({}).status, one.expected) << one.what;
  }
}

#if defined(__SANITIZE_ADDRESS__)
#define MORTISE_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MORTISE_HAS_ASAN 1
#endif
#endif
#ifdef MORTISE_HAS_ASAN
TEST_F(FakeHostTest, AddressSanitizerSeesBytesThatAreReadAfterTheCall) {
  std::string_view kept;
  probe_hooks.authenticate = [&kept](const ConnectRequestView& request) {
    kept = *request.client_id().view();
    return AuthDecision::next();
  };
  (void)host_.authenticate({});
  EXPECT_DEATH({ EXPECT_EQ(kept.front(), 'c'); }, "heap-use-after-free");
}
#endif

TEST_F(FakeHostTest, HandlesOfAnotherInstanceAreForeign) {
  FakeHost other(mortise_plugin_entry);
  ASSERT_EQ(other.start(), Status::ok);
  AuthPending pending;
  probe_hooks.authenticate = [&pending](const ConnectRequestView& request) {
    pending = std::move(*request.defer(std::chrono::seconds(1)));
    return pending.decision();
  };
  const Answer question = host_.begin_authenticate({});
  mortise_handle self_of_other = 0;
  probe_hooks.start = [&self_of_other](Plugin& plugin, const ConfigView&) {
    struct Peek : Plugin {
      static mortise_handle self(Plugin& p) { return p.*&Peek::where_; }
    };
    self_of_other = Peek::self(plugin);
  };
  FakeHost third(mortise_plugin_entry);
  ASSERT_EQ(third.start(), Status::ok);
  AuthPending stolen(self_of_other, question.token);
  EXPECT_EQ(stolen.complete(AuthDecision::allow()), Status::e_foreign);
  EXPECT_EQ(pending.complete(AuthDecision::next()), Status::ok);
}

}  // namespace
}  // namespace mortise::testing
