#include <gmock/gmock.h>

#include <thread>

#include "tests/unit/plugin_host/host_fixture.h"

// The abuses of the extension API that `inline` contains, each with its exact outcome. The plugins are in
// tests/plugins.
namespace mortise::plugin_host {
namespace {

using ::testing::Contains;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

class Hostile : public HostTest {
 protected:
  /// "<what>_<status>" as the plugins count it.
  static std::string told(const std::string& what, std::uint32_t status) { return what + "_" + std::to_string(status); }
};

TEST_F(Hostile, abuse_0_a_kept_handle_cannot_flip_another_clients_verdict) {
  add("p", "late-decision", "a");
  must_start();
  auto first = authenticate(0, "first");
  ASSERT_NE(decision_of(first), nullptr);
  EXPECT_EQ(decision_of(first)->verdict, hooks::Verdict::kDeny);
  auto second = authenticate(0, "second");
  ASSERT_NE(decision_of(second), nullptr);
  EXPECT_EQ(decision_of(second)->verdict, hooks::Verdict::kNext);
  EXPECT_THAT(notes(), Contains(Pair(told("decide", MORTISE_E_EXPIRED), 1)));
  EXPECT_THAT(notes(), Contains(Pair(told("own", MORTISE_OK), 1)));
  EXPECT_THAT(notes(), Contains(Pair(told("twice", MORTISE_E_ALREADY), 1)));
}

TEST_F(Hostile, abuse_1_a_handle_used_after_its_call_is_expired_shows_nothing_and_is_counted) {
  add("p", "late-decision", "a");
  must_start();
  (void)authenticate();
  (void)authenticate();
  EXPECT_THAT(notes(), Contains(Pair(told("get_u64", MORTISE_E_EXPIRED), 1)));
  EXPECT_THAT(notes(), Contains(Pair("number_0", 1)));
  EXPECT_THAT(notes(), Contains(Pair(told("get_bytes", MORTISE_E_EXPIRED), 1)));
  EXPECT_THAT(notes(), Contains(Pair("size_0", 1)));
  EXPECT_EQ(violations("E_EXPIRED"), 3U);
}

TEST_F(Hostile, abuse_2_a_borrowed_handle_is_refused_on_another_thread_while_its_call_runs) {
  add("p", "other-thread", "a");
  must_start();
  auto answer = authenticate();
  ASSERT_NE(decision_of(answer), nullptr);
  EXPECT_EQ(decision_of(answer)->verdict, hooks::Verdict::kDeny);
  for (const char* what : {"get_u64", "decide", "retain", "log"}) {
    EXPECT_THAT(notes(), Contains(Pair(told(what, MORTISE_E_WRONG_THREAD), 1))) << what;
  }
}

TEST_F(Hostile, abuse_3_a_stale_pointer_reads_poison_for_64_calls_and_then_what_this_instance_is_shown) {
  add("p", "stale-pointer", "a");
  must_start();
  for (int call = 0; call <= 65; ++call) (void)authenticate();
  for (const int call : {1, 63, 64}) {
    EXPECT_THAT(notes(), Contains(Pair("poison_" + std::to_string(call), 1))) << call;
  }
  EXPECT_THAT(notes(), Contains(Pair("shown_65", 1)));
  for (int call = 66; call <= 1000; ++call) (void)authenticate();
  EXPECT_THAT(notes(), Contains(Pair("poison_1000", 1)));
}

TEST_F(Hostile, abuse_4_writing_through_a_view_changes_nothing_of_the_brokers) {
  add("p", "overrun", "a", R"({"bytes": 0})");
  must_start();
  const auto request = connect_request();
  (void)auth().authenticate(request, ticket(), now());
  EXPECT_EQ(request->client_id, "alice-1");
  EXPECT_THAT(notes(), Contains(Pair("changed_0", 1)));
  EXPECT_EQ(violations("overrun"), 0U);
}

TEST_F(Hostile, abuse_5_an_overrun_by_one_byte_is_found_when_the_scope_ends) {
  add("p", "overrun", "a", R"({"bytes": 1})");
  must_start();
  EXPECT_NE(decision_of(authenticate()), nullptr);
  EXPECT_EQ(violations("overrun"), 1U);
}

TEST_F(Hostile, abuse_5_an_overrun_by_64_KiB_is_found_and_hurts_nobody_else) {
  add("p", "overrun", "a", R"({"bytes": 65536})");
  must_start();
  for (int call = 0; call < 130; ++call) {
    const auto request = connect_request();
    ASSERT_NE(decision_of(auth().authenticate(request, ticket(), now())), nullptr);
    ASSERT_EQ(request->client_id, "alice-1");
  }
  EXPECT_EQ(violations("overrun"), 130U);
}

TEST_F(Hostile, abuse_6_and_7_random_handles_and_wrong_kinds_are_refused_by_name) {
  add("p", "random-handles", "a");
  must_start();
  auto answer = auth().authorize(access_request(), ticket(), now());
  ASSERT_NE(decision_of(answer), nullptr);
  EXPECT_EQ(decision_of(answer)->verdict, hooks::Verdict::kDeny);
  for (const char* hit : {"hit_1", "hit_2", "hit_3", "hit_4"}) EXPECT_THAT(notes(), Not(Contains(Key(hit))));
  EXPECT_THAT(notes(), Contains(Pair(told("decide_child", MORTISE_E_WRONG_KIND), 1)));
  EXPECT_THAT(notes(), Contains(Pair(told("decide_other", MORTISE_E_WRONG_KIND), 1)));
  EXPECT_THAT(notes(), Contains(Pair(told("no_field", MORTISE_E_NO_FIELD), 1)));
  EXPECT_THAT(notes(), Contains(Pair(told("wrong_type", MORTISE_E_WRONG_TYPE), 1)));
  EXPECT_THAT(notes(), Contains(Pair(told("next_child", MORTISE_E_FORGED), 1)));
}

TEST_F(Hostile, abuse_8_another_instances_handles_and_tokens_are_foreign) {
  add("one", "foreign", "a");
  add("two", "foreign", "a");
  must_start();
  ASSERT_TRUE(std::holds_alternative<hooks::Pending>(authenticate(0)));
  ASSERT_NE(decision_of(authenticate(1)), nullptr);
  for (const char* what : {"read", "release", "complete", "as_other", "log_as_other", "pend"}) {
    EXPECT_THAT(notes(1), Contains(Pair(told(what, MORTISE_E_FOREIGN), 1))) << what;
  }
  EXPECT_TRUE(completions_.all().empty());
  EXPECT_EQ(statistics(0).owned_handles, 1U);
}

TEST_F(Hostile, abuse_9_a_double_release_and_the_release_of_a_borrow_are_refused) {
  add("one", "foreign", "a");
  add("two", "foreign", "a");
  must_start();
  (void)authenticate(0);
  (void)authenticate(1);
  EXPECT_THAT(notes(1), Contains(Pair(told("released", MORTISE_OK), 1)));
  EXPECT_THAT(notes(1), Contains(Pair(told("again", MORTISE_E_RELEASED), 1)));
  EXPECT_THAT(notes(1), Contains(Pair(told("read_released", MORTISE_E_RELEASED), 1)));
  EXPECT_THAT(notes(1), Contains(Pair(told("borrow", MORTISE_E_WRONG_KIND), 1)));
}

TEST_F(Hostile, abuse_10_leaked_handles_end_at_the_quota_and_are_named_at_stop) {
  add("p", "leak", "a");
  must_start();
  for (int call = 0; call < 4100; ++call) {
    ASSERT_NE(decision_of(authenticate()), nullptr);
  }
  EXPECT_THAT(notes(), Contains(Pair(told("retain", MORTISE_OK), 4096)));
  EXPECT_THAT(notes(), Contains(Pair(told("retain", MORTISE_E_QUOTA), 4)));
  host_->stop();
  EXPECT_EQ(violations("leak"), 4096U);
}

TEST_F(Hostile, abuse_11_of_sixteen_threads_that_complete_one_token_exactly_one_is_told_ok) {
  add("p", "many-completions", "a");
  must_start();
  auto answer = authenticate();
  const bool was_early = decision_of(answer) != nullptr;
  if (!was_early) {
    ASSERT_TRUE(completions_.wait_for(1));
  }
  const auto deadline = steady_now() + 10s;
  while (!notes().contains("raced_1") && steady_now() < deadline) std::this_thread::yield();
  EXPECT_THAT(notes(), Contains(Pair(told("complete", MORTISE_OK), 1)));
  EXPECT_THAT(notes(), Contains(Pair(told("complete", MORTISE_E_ALREADY), 15)));
  EXPECT_EQ(completions_.all().size(), was_early ? 0U : 1U);
}

TEST_F(Hostile, abuse_12_a_token_of_a_client_that_left_is_cancelled_even_if_it_came_back) {
  add("p", "late-completion", "a");
  must_start();
  const hooks::Ticket first = ticket();
  ASSERT_TRUE(std::holds_alternative<hooks::Pending>(auth().authenticate(connect_request("alice"), first, now())));
  auth().cancel(first);
  ASSERT_TRUE(std::holds_alternative<hooks::Pending>(auth().authenticate(connect_request("alice"), ticket(), now())));
  EXPECT_THAT(notes(), Contains(Pair(told("late", MORTISE_E_CANCELLED), 1)));
  EXPECT_TRUE(completions_.all().empty());
}

TEST_F(Hostile, abuse_13_a_token_never_completed_times_out_and_says_so_afterwards) {
  add("p", "late-completion", "a");
  must_start();
  const hooks::Ticket first = ticket();
  ASSERT_TRUE(std::holds_alternative<hooks::Pending>(auth().authenticate(connect_request(), first, now())));
  EXPECT_TRUE(auth().expire(first));
  EXPECT_FALSE(auth().expire(first));
  (void)authenticate();
  EXPECT_THAT(notes(), Contains(Pair(told("late", MORTISE_E_TIMED_OUT), 1)));
}

TEST_F(Hostile, abuse_14_decisions_that_mean_nothing_are_refused_and_count_as_no_decision) {
  const std::vector<std::uint32_t> expected = {
      MORTISE_OK,        MORTISE_E_ILLEGAL, MORTISE_E_ILLEGAL, MORTISE_E_INVALID, MORTISE_E_INVALID,
      MORTISE_E_INVALID, MORTISE_E_SIZE,    MORTISE_E_ILLEGAL, MORTISE_E_INVALID, MORTISE_E_INVALID,
      MORTISE_E_INVALID, MORTISE_E_INVALID, MORTISE_E_RANGE,   MORTISE_E_NULL,    MORTISE_E_NULL};
  for (std::size_t what = 0; what < expected.size(); ++what) {
    add("p" + std::to_string(what), "bad-decision", "a", "{\"what\": " + std::to_string(what) + "}");
  }
  // The library's globals are shared by its instances: one host for each.
  const config::Settings all = settings_;
  for (std::size_t what = 0; what < expected.size(); ++what) {
    settings_.plugins = {all.plugins[what]};
    settings_.hooks.auth = {all.hooks.auth[what]};
    host_.reset();
    must_start();
    EXPECT_EQ(failure_of(authenticate()), "bad decision") << what;
    if (what != 0) {
      EXPECT_THAT(notes(), Contains(Pair(told("decide", expected[what]), 1))) << what;
    }
    EXPECT_EQ(statistics().tokens, 0U) << what;
  }
}

TEST_F(Hostile, abuse_15_exceptions_are_contained_whatever_their_type_and_a_decision_before_them_counts_for_nothing) {
  for (const char* config : {R"({"what": 0})", R"({"what": 1})"}) {
    settings_ = {};
    host_.reset();
    add("p", "thrower", "at", config);
    must_start();
    EXPECT_EQ(failure_of(authenticate()), "exception");
    EXPECT_EQ(failure_of(auth().authorize(access_request(), ticket(), now())), "exception");
    EXPECT_EQ(failure_of(topic().bind(bind_request(), ticket(), now())), "exception");
    EXPECT_EQ(violations("exception"), 3U);
  }
}

TEST_F(Hostile, abuse_15_an_exception_in_on_start_refuses_the_plugin) {
  add("p", "thrower", "a", R"({"what": 10})");
  EXPECT_THAT(start(), ::testing::HasSubstr("on_start threw an exception"));
}

TEST_F(Hostile, abuse_16_pthread_exit_ends_the_broker_with_the_plugins_name) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        add("exiting", "thread-exit", "a");
        (void)start();
        (void)authenticate();
      },
      "plugin exiting ended the thread it was called on");
}

TEST_F(Hostile, abuse_28_what_a_hook_wants_done_is_done_after_it_and_only_if_it_succeeded) {
  add("p", "self-harm", "a", R"({"fail": 0})");
  must_start();
  ASSERT_NE(decision_of(auth().authorize(access_request(), ticket(), now())), nullptr);
  const auto done = intents_.all();
  ASSERT_EQ(done.size(), 2U);
  const auto& published = std::get<hooks::PublishIntent>(done[0]).message;
  EXPECT_EQ(published->topic(), "tenant/alice/a");
  EXPECT_EQ(published->hops(), 1);
  EXPECT_EQ(std::get<hooks::DisconnectIntent>(done[1]).client_id, "alice-1");
}

TEST_F(Hostile, abuse_28_a_hook_that_fails_has_wanted_nothing) {
  add("p", "self-harm", "a", R"({"fail": 1})");
  must_start();
  EXPECT_EQ(failure_of(auth().authorize(access_request(), ticket(), now())), "error");
  EXPECT_THAT(notes(), Contains(Pair("publish_0", 1)));
  EXPECT_TRUE(intents_.all().empty());
}

TEST_F(Hostile, abuse_28_the_fourth_publish_in_a_row_is_dropped_and_counted) {
  add("p", "self-harm", "a", R"({"fail": 0})");
  must_start();
  auto request = std::make_shared<hooks::AccessRequest>(*access_request());
  mqtt::MessageView fields;
  fields.topic = "tenant/alice/a";
  fields.hops = 2;
  request->message = mqtt::Message::make(fields);
  (void)auth().authorize(request, ticket(), now());
  ASSERT_EQ(intents_.all().size(), 2U);
  EXPECT_EQ(std::get<hooks::PublishIntent>(intents_.all()[0]).message->hops(), 3);
  fields.hops = 3;
  request->message = mqtt::Message::make(fields);
  (void)auth().authorize(request, ticket(), now());
  EXPECT_EQ(intents_.all().size(), 3U);
  EXPECT_EQ(statistics().intents_dropped, 1U);
}

TEST_F(Hostile, abuse_29_affixes_that_break_out_are_refused_at_bind) {
  const std::vector<std::uint32_t> expected = {MORTISE_E_INVALID, MORTISE_E_INVALID, MORTISE_E_INVALID,
                                               MORTISE_E_INVALID, MORTISE_E_RANGE,   MORTISE_E_INVALID,
                                               MORTISE_E_INVALID, MORTISE_E_INVALID, MORTISE_E_INVALID};
  for (std::size_t what = 0; what < expected.size(); ++what) {
    settings_ = {};
    host_.reset();
    add("p", "bad-affix", "t", "{\"what\": " + std::to_string(what) + "}");
    must_start();
    EXPECT_EQ(failure_of(topic().bind(bind_request(), ticket(), now())), "bad decision") << what;
    EXPECT_THAT(notes(), Contains(Pair(told("decide", expected[what]), 1))) << what;
  }
}

TEST_F(Hostile, abuse_29_a_prefix_of_another_tenant_is_the_operators_plugins_to_give) {
  add("p", "bad-affix", "t", R"({"what": 99})");
  must_start();
  auto answer = topic().bind(bind_request(), ticket(), now());
  ASSERT_NE(decision_of(answer), nullptr);
  EXPECT_EQ(decision_of(answer)->prefix, "tenant/someone-else/");
}

}  // namespace
}  // namespace mortise::plugin_host
