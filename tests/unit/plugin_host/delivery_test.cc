#include <gmock/gmock.h>
#include <mortise/store_records.h>

#include <cstring>
#include <future>

#include "broker/hooks/generated/store_records.h"
#include "tests/unit/plugin_host/host_fixture.h"

// Events, timers, store pages, configuration: what is not a question.
namespace mortise::plugin_host {
namespace {

using ::testing::HasSubstr;

class Delivery : public HostTest {
 protected:
  /// Runs `body` once in the hook `point` and returns what it returned.
  void in_call(std::uint32_t point, std::function<std::uint32_t(mortise_handle call, mortise_handle self)> body) {
    probe("probe-concurrent",
          [point, body = std::move(body)](std::uint32_t at, mortise_handle call, mortise_handle self) {
            return at == point ? body(call, self) : std::uint32_t{MORTISE_OK};
          });
  }
};

// ---- Views ----------------------------------------------------------------------------------------------------------

TEST_F(Delivery, a_call_shows_every_kind_of_field_and_tells_absent_from_wrong) {
  std::vector<std::string> seen;
  in_call(MORTISE_HOOK_AUTH_AUTHENTICATE, [&](mortise_handle call, mortise_handle) {
    seen.push_back(read_text(call, MORTISE_FIELD_CONNECT_CLIENT_ID));
    seen.push_back(read_text(call, MORTISE_FIELD_CONNECT_PASSWORD));
    seen.push_back(read_text(call, MORTISE_FIELD_CONNECT_CERTIFICATE_COMMON_NAME));
    seen.push_back(read_text(call, MORTISE_FIELD_CONNECT_KEEP_ALIVE_S));
    seen.push_back(read_text(call, 0x01FF));
    EXPECT_EQ(read_number(call, MORTISE_FIELD_CONNECT_KEEP_ALIVE_S), 60U);
    std::uint64_t count = 0;
    EXPECT_EQ(kViewService.get_count(call, MORTISE_FIELD_CONNECT_USER_PROPERTIES, &count), MORTISE_OK);
    EXPECT_EQ(count, 2U);
    mortise_bytes key;
    mortise_bytes value;
    EXPECT_EQ(kViewService.get_pair(call, MORTISE_FIELD_CONNECT_USER_PROPERTIES, 1, &key, &value), MORTISE_OK);
    EXPECT_TRUE(mortise_bytes_equal(key, "zone"));
    EXPECT_TRUE(mortise_bytes_equal(value, "b"));
    EXPECT_EQ(kViewService.get_pair(call, MORTISE_FIELD_CONNECT_USER_PROPERTIES, 2, &key, &value), MORTISE_E_RANGE);
    EXPECT_NE(key.data, nullptr);
    EXPECT_EQ(kViewService.get_pair(call, MORTISE_FIELD_CONNECT_CERTIFICATE_ALTERNATIVE_NAMES, 1, &key, &value),
              MORTISE_OK);
    EXPECT_TRUE(mortise_bytes_equal(key, "email"));
    EXPECT_TRUE(mortise_bytes_equal(value, "a@example.org"));
    return decide_auth(call, MORTISE_VERDICT_NEXT);
  });
  add("p", "probe-concurrent", "a");
  must_start();
  ASSERT_NE(decision_of(authenticate()), nullptr);
  EXPECT_EQ(seen, (std::vector<std::string>{"alice-1", "open sesame", "E_ABSENT", "E_WRONG_TYPE", "E_NO_FIELD"}));
}

TEST_F(Delivery, a_field_is_copied_once_and_never_where_the_broker_keeps_it) {
  const auto request = connect_request();
  in_call(MORTISE_HOOK_AUTH_AUTHENTICATE, [&](mortise_handle call, mortise_handle) {
    mortise_bytes first;
    mortise_bytes again;
    EXPECT_EQ(kViewService.get_bytes(call, MORTISE_FIELD_CONNECT_CLIENT_ID, &first), MORTISE_OK);
    EXPECT_EQ(kViewService.get_bytes(call, MORTISE_FIELD_CONNECT_CLIENT_ID, &again), MORTISE_OK);
    EXPECT_EQ(first.data, again.data);
    EXPECT_NE(first.data, request->client_id.data());
    return decide_auth(call, MORTISE_VERDICT_NEXT);
  });
  add("p", "probe-concurrent", "a");
  must_start();
  (void)auth().authenticate(request, ticket(), now());
}

TEST_F(Delivery, a_payload_is_read_by_copy_and_map_only) {
  in_call(MORTISE_HOOK_AUTH_AUTHORIZE, [&](mortise_handle call, mortise_handle) {
    mortise_bytes bytes;
    EXPECT_EQ(kViewService.get_bytes(call, MORTISE_FIELD_ACCESS_PAYLOAD, &bytes), MORTISE_E_WRONG_TYPE);
    EXPECT_EQ(kViewService.map(call, MORTISE_FIELD_ACCESS_PAYLOAD, &bytes), MORTISE_OK);
    EXPECT_TRUE(mortise_bytes_equal(bytes, "twenty degrees"));
    char piece[4];
    std::uint64_t copied = 0;
    EXPECT_EQ(kViewService.copy(call, MORTISE_FIELD_ACCESS_PAYLOAD, 7, piece, sizeof piece, &copied), MORTISE_OK);
    EXPECT_EQ(std::string(piece, copied), "degr");
    EXPECT_EQ(kViewService.copy(call, MORTISE_FIELD_ACCESS_PAYLOAD, 14, piece, sizeof piece, &copied), MORTISE_OK);
    EXPECT_EQ(copied, 0U);
    EXPECT_EQ(kViewService.copy(call, MORTISE_FIELD_ACCESS_PAYLOAD, 15, piece, sizeof piece, &copied), MORTISE_E_RANGE);
    return decide_access(call, MORTISE_VERDICT_ALLOW);
  });
  add("p", "probe-concurrent", "a");
  must_start();
  ASSERT_NE(decision_of(auth().authorize(access_request(), ticket(), now())), nullptr);
}

TEST_F(Delivery, a_payload_larger_than_map_allows_is_copied_in_pieces) {
  auto request = std::make_shared<hooks::AccessRequest>(*access_request());
  const std::string large((1U << 20) + 1, 'x');
  mqtt::MessageView fields;
  fields.topic = "a";
  fields.payload = as_bytes(large);
  request->message = mqtt::Message::make(fields);
  in_call(MORTISE_HOOK_AUTH_AUTHORIZE, [&](mortise_handle call, mortise_handle) {
    mortise_bytes bytes;
    EXPECT_EQ(kViewService.map(call, MORTISE_FIELD_ACCESS_PAYLOAD, &bytes), MORTISE_E_TOO_LARGE);
    char piece[8];
    std::uint64_t copied = 0;
    EXPECT_EQ(kViewService.copy(call, MORTISE_FIELD_ACCESS_PAYLOAD, 1U << 20, piece, sizeof piece, &copied),
              MORTISE_OK);
    EXPECT_EQ(copied, 1U);
    return decide_access(call, MORTISE_VERDICT_ALLOW);
  });
  add("p", "probe-concurrent", "a");
  must_start();
  ASSERT_NE(decision_of(auth().authorize(request, ticket(), now())), nullptr);
}

TEST_F(Delivery, a_retained_request_is_read_on_any_thread_until_it_is_released) {
  mortise_handle owned = 0;
  mortise_handle self = 0;
  in_call(MORTISE_HOOK_TOPIC_BIND, [&](mortise_handle call, mortise_handle own) {
    mortise_handle child = 0;
    self = own;
    EXPECT_EQ(kViewService.get_child(call, MORTISE_FIELD_BIND_PRINCIPAL, 0, &child), MORTISE_OK);
    EXPECT_EQ(kCoreService.retain(child, &owned), MORTISE_OK);
    mortise_bind_decision answer = MORTISE_BIND_DECISION_INIT;
    answer.verdict = MORTISE_VERDICT_NEXT;
    return kDecisionService.decide_bind(call, &answer);
  });
  add("p", "probe-concurrent", "t");
  must_start();
  ASSERT_NE(decision_of(topic().bind(bind_request(), ticket(), now())), nullptr);
  EXPECT_EQ(read_text(owned, MORTISE_FIELD_PRINCIPAL_USER_NAME), "alice");
  EXPECT_EQ(read_number(owned, MORTISE_FIELD_PRINCIPAL_SESSION_EPOCH), 42U);
  EXPECT_EQ(kCoreService.release(self, owned), MORTISE_OK);
  EXPECT_EQ(read_text(owned, MORTISE_FIELD_PRINCIPAL_USER_NAME), "E_RELEASED");
}

// ---- Decisions ------------------------------------------------------------------------------------------------------

TEST_F(Delivery, a_decision_is_copied_with_all_it_points_at) {
  in_call(MORTISE_HOOK_AUTH_AUTHORIZE, [&](mortise_handle call, mortise_handle) {
    std::string filter = "tenant/alice/secret/#";
    std::string cache = "tenant/alice/+";
    mortise_filter_rule rule{MORTISE_RULE_DENY, 0, {filter.data(), filter.size()}};
    mortise_access_decision answer = MORTISE_ACCESS_DECISION_INIT;
    answer.verdict = MORTISE_VERDICT_ALLOW;
    answer.cache_scope = MORTISE_CACHE_FILTER;
    answer.cache_ms = 5000;
    answer.cache_filter = {cache.data(), cache.size()};
    answer.rules = &rule;
    answer.rule_count = 1;
    const std::uint32_t told = kDecisionService.decide_access(call, &answer);
    filter.assign(filter.size(), '!');
    cache.assign(cache.size(), '!');
    return told;
  });
  add("p", "probe-concurrent", "a");
  must_start();
  const auto answer = auth().authorize(access_request(hooks::Action::kSubscribe), ticket(), now());
  const auto* decision = decision_of(answer);
  ASSERT_NE(decision, nullptr);
  EXPECT_EQ(decision->cache_filter, "tenant/alice/+");
  EXPECT_EQ(decision->cache_for, 5s);
  ASSERT_EQ(decision->rules.size(), 1U);
  EXPECT_EQ(decision->rules[0].at(0).filter, "tenant/alice/secret/#");
  EXPECT_FALSE(decision->rules[0].at(0).allow);
}

TEST_F(Delivery, filter_rules_are_legal_for_subscribe_alone) {
  in_call(MORTISE_HOOK_AUTH_AUTHORIZE, [&](mortise_handle call, mortise_handle) {
    mortise_filter_rule rule{MORTISE_RULE_DENY, 0, mortise_text("a/#")};
    mortise_access_decision answer = MORTISE_ACCESS_DECISION_INIT;
    answer.verdict = MORTISE_VERDICT_ALLOW;
    answer.rules = &rule;
    answer.rule_count = 1;
    EXPECT_EQ(status(kDecisionService.decide_access(call, &answer)), "E_ILLEGAL");
    return decide_access(call, MORTISE_VERDICT_ALLOW);
  });
  add("p", "probe-concurrent", "a");
  must_start();
  ASSERT_NE(decision_of(auth().authorize(access_request(hooks::Action::kPublish), ticket(), now())), nullptr);
}

TEST_F(Delivery, a_token_completed_before_its_hook_returns_is_the_answer_at_once) {
  in_call(MORTISE_HOOK_AUTH_AUTHENTICATE, [&](mortise_handle call, mortise_handle self) {
    mortise_handle token = 0;
    EXPECT_EQ(kTokenService.create(call, 1000, &token), MORTISE_OK);
    mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
    answer.verdict = MORTISE_VERDICT_ALLOW;
    EXPECT_EQ(kTokenService.complete_auth(self, token, &answer), MORTISE_OK);
    answer.verdict = MORTISE_VERDICT_PENDING;
    answer.token = token;
    return kDecisionService.decide_auth(call, &answer);
  });
  add("p", "probe-concurrent", "a");
  must_start();
  const auto answer = authenticate();
  ASSERT_NE(decision_of(answer), nullptr);
  EXPECT_EQ(decision_of(answer)->verdict, hooks::Verdict::kAllow);
  EXPECT_TRUE(completions_.all().empty());
}

TEST_F(Delivery, a_token_not_answered_with_is_cancelled) {
  mortise_handle token = 0;
  mortise_handle self = 0;
  in_call(MORTISE_HOOK_AUTH_AUTHENTICATE, [&](mortise_handle call, mortise_handle own) {
    self = own;
    EXPECT_EQ(kTokenService.create(call, 1000, &token), MORTISE_OK);
    return decide_auth(call, MORTISE_VERDICT_DENY);
  });
  add("p", "probe-concurrent", "a");
  must_start();
  ASSERT_NE(decision_of(authenticate()), nullptr);
  mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
  answer.verdict = MORTISE_VERDICT_ALLOW;
  EXPECT_EQ(status(kTokenService.complete_auth(self, token, &answer)), "E_CANCELLED");
  EXPECT_EQ(statistics().tokens, 0U);
}

TEST_F(Delivery, after_stop_every_function_answers_closed) {
  mortise_handle self = 0;
  in_call(kProbeStart, [&](mortise_handle, mortise_handle own) {
    self = own;
    return std::uint32_t{MORTISE_OK};
  });
  add("p", "probe-concurrent", "a");
  must_start();
  host_->stop();
  mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
  EXPECT_EQ(status(kCoreService.log(self, MORTISE_LOG_INFO, mortise_text("late"))), "E_CLOSED");
  EXPECT_EQ(status(kTokenService.complete_auth(self, 1, &answer)), "E_CLOSED");
  EXPECT_EQ(status(kIntentService.set_timer(self, 1, 1)), "E_CLOSED");
  EXPECT_EQ(status(kCoreService.counter_add(self, mortise_text("late"), 1)), "E_CLOSED");
}

// ---- Threads --------------------------------------------------------------------------------------------------------

TEST_F(Delivery, functions_answer_wrong_thread_where_their_tag_does_not_allow_them) {
  in_call(kProbeStart, [&](mortise_handle call, mortise_handle) {
    EXPECT_EQ(status(decide_auth(call, MORTISE_VERDICT_ALLOW)), "E_WRONG_THREAD");
    mortise_handle token = 0;
    EXPECT_EQ(status(kTokenService.create(call, 1, &token)), "E_WRONG_THREAD");
    return std::uint32_t{MORTISE_OK};
  });
  add("p", "probe-concurrent", "a");
  must_start();
  in_call(MORTISE_HOOK_AUTH_AUTHENTICATE, [&](mortise_handle call, mortise_handle) {
    EXPECT_EQ(status(kCoreService.fail(call, mortise_text("x"))), "E_WRONG_THREAD");
    mortise_bytes bytes;
    EXPECT_EQ(status(kViewService.config_get(call, mortise_text(""), &bytes)), "E_WRONG_THREAD");
    return decide_auth(call, MORTISE_VERDICT_NEXT);
  });
  (void)authenticate();
}

// ---- Configuration --------------------------------------------------------------------------------------------------

TEST_F(Delivery, configuration_is_found_by_json_pointer_in_the_files_order) {
  in_call(kProbeStart, [&](mortise_handle call, mortise_handle) {
    const auto get = [&](const char* pointer) {
      mortise_bytes bytes;
      const std::uint32_t got = kViewService.config_get(call, mortise_text(pointer), &bytes);
      return got == MORTISE_OK ? std::string(bytes.data, bytes.size) : status(got);
    };
    EXPECT_EQ(get("/path"), "mortise.db");
    EXPECT_EQ(get("/rules/1/n"), "-3");
    EXPECT_EQ(get("/is"), "true");
    EXPECT_EQ(get("/a~1b"), "slash");
    EXPECT_EQ(get("/nothing"), "E_ABSENT");
    EXPECT_EQ(get("/missing/deep"), "E_ABSENT");
    EXPECT_EQ(get("/rules"), "E_WRONG_TYPE");
    EXPECT_EQ(get("path"), "E_INVALID");
    EXPECT_EQ(get("/~2"), "E_INVALID");
    EXPECT_EQ(get("/rules/01"), "E_ABSENT");
    std::uint64_t count = 0;
    EXPECT_EQ(kViewService.config_count(call, mortise_text("/rules"), &count), MORTISE_OK);
    EXPECT_EQ(count, 2U);
    mortise_bytes key;
    EXPECT_EQ(kViewService.config_key(call, mortise_text(""), 0, &key), MORTISE_OK);
    EXPECT_TRUE(mortise_bytes_equal(key, "path"));
    EXPECT_EQ(kViewService.config_key(call, mortise_text(""), 9, &key), MORTISE_E_RANGE);
    EXPECT_EQ(read_text(call, MORTISE_FIELD_CONFIG_INSTANCE_NAME), "p");
    return std::uint32_t{MORTISE_OK};
  });
  add("p", "probe-concurrent", "a",
      R"({"path": "mortise.db", "rules": [{"n": 1}, {"n": -3}], "is": true, "a/b": "slash", "nothing": null})");
  must_start();
}

// ---- Events and timers ----------------------------------------------------------------------------------------------

TEST_F(Delivery, events_come_in_order_in_batches_on_a_thread_of_their_own) {
  std::mutex mutex;
  std::condition_variable arrived;
  std::vector<std::string> topics;
  in_call(MORTISE_HOOK_EVENT_EVENTS, [&](mortise_handle call, mortise_handle) {
    std::uint64_t count = 0;
    EXPECT_EQ(kViewService.get_count(call, MORTISE_FIELD_EVENTS_EVENT, &count), MORTISE_OK);
    EXPECT_LE(count, MORTISE_MAX_EVENTS);
    const std::lock_guard lock(mutex);
    for (std::uint64_t i = 0; i < count; ++i) {
      mortise_handle one = 0;
      EXPECT_EQ(kViewService.get_child(call, MORTISE_FIELD_EVENTS_EVENT, i, &one), MORTISE_OK);
      EXPECT_EQ(read_text(one, MORTISE_FIELD_EVENT_USER_NAME), "alice");
      topics.push_back(read_text(one, MORTISE_FIELD_EVENT_TOPIC));
    }
    arrived.notify_all();
    return std::uint32_t{MORTISE_OK};
  });
  add("p", "probe-concurrent", "e");
  must_start();
  EXPECT_TRUE(event().wants(hooks::EventKind::kPublished));
  for (int i = 0; i < 600; ++i) {
    hooks::Event one;
    one.kind = hooks::EventKind::kPublished;
    one.principal = principal();
    one.topic = std::to_string(i);
    event().emit(std::move(one));
  }
  std::unique_lock lock(mutex);
  ASSERT_TRUE(arrived.wait_for(lock, 10s, [&] { return topics.size() == 600; }));
  for (int i = 0; i < 600; ++i) EXPECT_EQ(topics[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(Delivery, events_for_a_slow_plugin_are_dropped_counted_and_announced) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::promise<void> entered;
  std::atomic<std::uint64_t> announced{0};
  std::atomic<bool> is_first{true};
  in_call(MORTISE_HOOK_EVENT_EVENTS, [&](mortise_handle call, mortise_handle) {
    if (is_first.exchange(false)) {
      entered.set_value();
      released.wait();
    } else {
      announced += read_number(call, MORTISE_FIELD_EVENTS_DROPPED_BEFORE);
    }
    return std::uint32_t{MORTISE_OK};
  });
  add("p", "probe-concurrent", "e");
  must_start();
  event().emit({});
  entered.get_future().wait();
  for (int i = 0; i < 10'005; ++i) event().emit({});
  EXPECT_EQ(statistics().events_dropped, 5U);
  release.set_value();
  const auto deadline = steady_now() + 10s;
  while (announced < 5 && steady_now() < deadline) std::this_thread::yield();
  host_->stop();  // more events may be on their way to what lives in this function
  EXPECT_EQ(announced, 5U);
}

TEST_F(Delivery, a_timer_calls_once_with_its_id_and_a_cancelled_or_replaced_one_does_not) {
  std::mutex mutex;
  std::condition_variable arrived;
  std::vector<std::uint64_t> due;
  probe("probe-concurrent", [&](std::uint32_t point, mortise_handle call, mortise_handle) -> std::uint32_t {
    if (point == kProbeStart) {
      EXPECT_EQ(kIntentService.set_timer(call, 30, 1), MORTISE_OK);
      EXPECT_EQ(kIntentService.set_timer(call, 0, 2), MORTISE_OK);
      EXPECT_EQ(kIntentService.cancel_timer(call, 2), MORTISE_OK);
      EXPECT_EQ(kIntentService.set_timer(call, 60'000, 3), MORTISE_OK);
      EXPECT_EQ(kIntentService.set_timer(call, 1, 3), MORTISE_OK);
      EXPECT_EQ(kIntentService.set_timer(call, 2'592'000'001, 4), MORTISE_E_RANGE);
    }
    if (point == kProbeTimer) {
      const std::lock_guard lock(mutex);
      due.push_back(read_number(call, MORTISE_FIELD_TIMER_ID));
      arrived.notify_all();
    }
    return MORTISE_OK;
  });
  add("p", "probe-concurrent", "a");
  must_start();
  std::unique_lock lock(mutex);
  ASSERT_TRUE(arrived.wait_for(lock, 10s, [&] { return due.size() >= 2; }));
  EXPECT_EQ(due, (std::vector<std::uint64_t>{3, 1}));
}

TEST_F(Delivery, a_plugin_without_on_timer_cannot_set_one) {
  probe("probe-serial-asked", [&](std::uint32_t point, mortise_handle call, mortise_handle) -> std::uint32_t {
    if (point == kProbeStart) {
      EXPECT_EQ(status(kIntentService.set_timer(call, 1, 1)), "E_UNSUPPORTED");
    }
    return MORTISE_OK;
  });
  add("p", "probe-serial-asked", "a");
  must_start();
}

TEST_F(Delivery, intents_with_self_are_handed_over_at_once_and_counted_when_nobody_takes_them) {
  mortise_handle self = 0;
  in_call(kProbeStart, [&](mortise_handle, mortise_handle own) {
    self = own;
    return std::uint32_t{MORTISE_OK};
  });
  add("p", "probe-concurrent", "a");
  must_start();
  mortise_publish message = MORTISE_PUBLISH_INIT;
  message.topic = mortise_text("a/b");
  message.qos = 1;
  const mortise_pair property{mortise_text("key"), mortise_text("value")};
  message.properties = &property;
  message.property_count = 1;
  EXPECT_EQ(kIntentService.publish(self, &message), MORTISE_OK);
  ASSERT_EQ(intents_.all().size(), 1U);
  EXPECT_EQ(std::get<hooks::PublishIntent>(intents_.all()[0]).message->qos(), mqtt::QoS::kAtLeastOnce);
  intents_.accepts = false;
  EXPECT_EQ(kIntentService.publish(self, &message), MORTISE_OK);
  EXPECT_EQ(statistics().intents_dropped, 1U);
  for (const char* topic : {"", "a/#", "+", "$SYS/x"}) {
    message.topic = mortise_text(topic);
    EXPECT_EQ(status(kIntentService.publish(self, &message)), "E_INVALID") << topic;
  }
}

// ---- Store ----------------------------------------------------------------------------------------------------------

/// Records of a page, written the way a plugin does.
class Page {
 public:
  Page() { mortise_record_writer_begin(&writer_, buffer_, sizeof buffer_); }
  void message(std::uint64_t number) {
    void* fixed = nullptr;
    mortise_record_start(&writer_, MORTISE_RECORD_MESSAGE_PUT, 0, 0, &fixed);
    static_cast<mortise_message_put*>(fixed)->message = number;
    mortise_record_append(&writer_, &static_cast<mortise_message_put*>(fixed)->topic, mortise_text("a"));
    mortise_record_finish(&writer_);
  }
  void mark() {
    void* fixed = nullptr;
    mortise_record_start(&writer_, MORTISE_RECORD_MARK_PUT, 9, 0, &fixed);
    mortise_record_finish(&writer_);
  }
  void end(bool has_more, const char* cursor = "") {
    void* fixed = nullptr;
    mortise_record_start(&writer_, MORTISE_RECORD_END_OF_PAGE, 0, 0, &fixed);
    static_cast<mortise_end_of_page*>(fixed)->more = has_more ? 1 : 0;
    if (*cursor != '\0')
      mortise_record_append(&writer_, &static_cast<mortise_end_of_page*>(fixed)->cursor, mortise_text(cursor));
    mortise_record_finish(&writer_);
  }
  mortise_bytes bytes() const { return mortise_record_writer_bytes(&writer_); }
  char* raw() { return buffer_; }

 private:
  alignas(8) char buffer_[4096];
  mortise_record_writer writer_;
};

TEST_F(Delivery, a_commit_shows_the_batch_aligned_and_its_numbers) {
  const std::string batch(4096, 'r');
  in_call(MORTISE_HOOK_STORE_COMMIT, [&](mortise_handle call, mortise_handle) {
    mortise_bytes bytes;
    EXPECT_EQ(kViewService.get_bytes(call, MORTISE_FIELD_STORE_COMMIT_BATCH, &bytes), MORTISE_OK);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data) % 8, 0U);
    EXPECT_EQ(std::string(bytes.data, bytes.size), batch);
    EXPECT_EQ(read_number(call, MORTISE_FIELD_STORE_COMMIT_FIRST_OPERATION), 11U);
    EXPECT_EQ(read_number(call, MORTISE_FIELD_STORE_COMMIT_LAST_OPERATION), 12U);
    return std::uint32_t{MORTISE_OK};
  });
  add("p", "probe-concurrent", "s");
  must_start();
  EXPECT_TRUE(store().commit(as_bytes(batch), 11, 12).ok());
}

TEST_F(Delivery, pages_are_loaded_one_after_the_other_by_their_cursor) {
  std::vector<std::string> cursors;
  in_call(MORTISE_HOOK_STORE_LOAD, [&](mortise_handle call, mortise_handle) {
    cursors.push_back(read_text(call, MORTISE_FIELD_STORE_LOAD_CURSOR));
    Page page;
    page.mark();
    page.end(cursors.size() < 3, cursors.size() < 3 ? "next" : "");
    return kStoreService.emit(call, page.bytes());
  });
  add("p", "probe-concurrent", "s");
  must_start();
  std::size_t delivered = 0;
  std::uint64_t cursor = 0;
  do {
    const auto next = store().load(cursor, [&](ByteView) { return ++delivered != 0; });
    ASSERT_TRUE(next.ok()) << next.error().message;
    cursor = *next;
  } while (cursor != 0);
  EXPECT_EQ(delivered, 3U);
  EXPECT_EQ(cursors, (std::vector<std::string>{"", "next", "next"}));
}

TEST_F(Delivery, bad_records_are_skipped_counted_and_do_not_hide_the_good_ones) {
  in_call(MORTISE_HOOK_STORE_FETCH, [&](mortise_handle call, mortise_handle) {
    Page page;
    page.message(1);
    page.message(2);
    page.mark();  // does not belong into a fetch
    page.end(false);
    // The second message's topic lies outside of it.
    mortise_message_put wrong;
    const std::size_t at = 72;  // 64 bytes of fixed part and a topic of one, padded
    std::memcpy(&wrong, page.raw() + at, sizeof wrong);
    EXPECT_EQ(wrong.message, 2U);
    wrong.topic.offset = 0x7FFFFFFF;
    std::memcpy(page.raw() + at, &wrong, sizeof wrong);
    return kStoreService.emit(call, page.bytes());
  });
  add("p", "probe-concurrent", "s");
  must_start();
  std::vector<std::uint64_t> numbers;
  const auto fetched = store().fetch(1, 0, 10, 1000, [&](ByteView record) {
    hooks::MessagePutRecord fixed;
    std::memcpy(&fixed, record.data(), sizeof fixed);
    numbers.push_back(fixed.message);
    return true;
  });
  EXPECT_TRUE(fetched.ok());
  EXPECT_EQ(numbers, std::vector<std::uint64_t>{1});
  EXPECT_EQ(statistics().bad_records, 2U);
}

TEST_F(Delivery, a_store_that_streams_without_end_is_told_that_the_page_is_full) {
  std::uint64_t taken = 0;
  in_call(MORTISE_HOOK_STORE_FETCH, [&](mortise_handle call, mortise_handle) {
    Page page;
    page.message(1);
    while (kStoreService.emit(call, page.bytes()) == MORTISE_OK) ++taken;
    EXPECT_EQ(kStoreService.emit(call, page.bytes()), MORTISE_E_RANGE);
    Page end;
    end.end(false);
    return kStoreService.emit(call, end.bytes());
  });
  add("p", "probe-concurrent", "s");
  must_start();
  std::uint64_t delivered = 0;
  EXPECT_TRUE(store().fetch(1, 0, 10, 1000, [&](ByteView) { return ++delivered != 0; }).ok());
  EXPECT_EQ(delivered, taken);
  EXPECT_LT(taken, 100'000U);
}

TEST_F(Delivery, a_page_without_end_and_sizes_that_do_not_add_up_are_errors) {
  in_call(MORTISE_HOOK_STORE_FETCH, [&](mortise_handle call, mortise_handle) {
    Page page;
    page.message(1);
    mortise_bytes cut = page.bytes();
    cut.size -= 8;
    EXPECT_EQ(kStoreService.emit(call, cut), MORTISE_E_INVALID);
    return kStoreService.emit(call, page.bytes());
  });
  add("p", "probe-concurrent", "s");
  must_start();
  const auto fetched = store().fetch(1, 0, 10, 1000, [](ByteView) { return true; });
  ASSERT_FALSE(fetched.ok());
  EXPECT_THAT(fetched.error().message, HasSubstr("without end_of_page"));
}

}  // namespace
}  // namespace mortise::plugin_host
