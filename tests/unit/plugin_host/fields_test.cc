#include "broker/plugin_host/fields.h"

#include <gmock/gmock.h>

#include "broker/plugin_host/calling.h"
#include "tests/unit/plugin_host/host_fixture.h"

// Fields that only some clients have.
namespace mortise::plugin_host {
namespace {

using ::testing::ElementsAre;

class Fields : public HostTest {
 protected:
  /// Starts a probe that notes these fields in the hook `point`, as numbers or the status that says why there is none.
  void note(std::uint32_t point, std::vector<std::uint32_t> fields) {
    probe("probe-concurrent",
          [this, point, fields = std::move(fields)](std::uint32_t at, mortise_handle call, mortise_handle) {
            if (at != point) return std::uint32_t{MORTISE_OK};
            shown_.clear();
            for (const std::uint32_t field : fields) {
              std::uint64_t number = 0;
              const std::uint32_t told = kViewService.get_u64(call, field, &number);
              shown_.push_back(told == MORTISE_OK ? std::to_string(number) : status(told));
            }
            return std::uint32_t{MORTISE_E_FAILED};
          });
    add("p", "probe-concurrent", "a");
    must_start();
  }
  std::vector<std::string> shown_;
};

hooks::ConnectRequestPtr on_unix_socket(const hooks::ConnectRequest& request) {
  auto changed = std::make_shared<hooks::ConnectRequest>();
  changed->client_id = request.client_id;
  changed->listener = request.listener;
  changed->process = mqtt::PeerProcess{1000, 100, 4711};
  return changed;
}

TEST_F(Fields, the_process_on_a_unix_socket_is_shown_of_a_connect) {
  note(MORTISE_HOOK_AUTH_AUTHENTICATE, {MORTISE_FIELD_CONNECT_PEER_USER_ID, MORTISE_FIELD_CONNECT_PEER_GROUP_ID,
                                        MORTISE_FIELD_CONNECT_PEER_PROCESS_ID});
  (void)auth().authenticate(on_unix_socket(*connect_request()), ticket(), now());
  EXPECT_THAT(shown_, ElementsAre("1000", "100", "4711"));
  (void)authenticate();
  EXPECT_THAT(shown_, ElementsAre("E_ABSENT", "E_ABSENT", "E_ABSENT"));
}

TEST_F(Fields, the_process_on_a_unix_socket_is_shown_of_an_exchange_that_connects) {
  note(MORTISE_HOOK_AUTH_EXCHANGE, {MORTISE_FIELD_EXCHANGE_PEER_USER_ID, MORTISE_FIELD_EXCHANGE_PEER_GROUP_ID,
                                    MORTISE_FIELD_EXCHANGE_PEER_PROCESS_ID});
  auto connecting = std::make_shared<hooks::ExchangeRequest>();
  connecting->exchange = 1;
  connecting->loop = 1;
  connecting->step = 1;
  connecting->method = "M";
  connecting->connect = on_unix_socket(*connect_request());
  (void)auth().exchange(connecting, ticket(1), now());
  EXPECT_THAT(shown_, ElementsAre("1000", "100", "4711"));
  auto again = std::make_shared<hooks::ExchangeRequest>();
  again->exchange = 2;
  again->loop = 1;
  again->step = 1;
  again->method = "M";
  again->principal = principal();
  (void)auth().exchange(again, ticket(1), now());
  EXPECT_THAT(shown_, ElementsAre("E_ABSENT", "E_ABSENT", "E_ABSENT"));
}

TEST_F(Fields, a_note_is_shown_to_the_plugin_that_made_it_alone) {
  std::vector<std::string> shown;
  probe("probe-concurrent", [&](std::uint32_t at, mortise_handle call, mortise_handle self) {
    if (at != MORTISE_HOOK_AUTH_AUTHORIZE) return std::uint32_t{MORTISE_OK};
    mortise_handle client = 0;
    EXPECT_EQ(kViewService.get_child(call, MORTISE_FIELD_ACCESS_PRINCIPAL, 0, &client), MORTISE_OK);
    shown.push_back(read_text(client, MORTISE_FIELD_PRINCIPAL_NOTE));
    mortise_handle kept = 0;
    EXPECT_EQ(kCoreService.retain(client, &kept), MORTISE_OK);
    char bytes[16] = {};
    std::uint64_t copied = 0;
    const std::uint32_t told = kViewService.copy(kept, MORTISE_FIELD_PRINCIPAL_NOTE, 0, bytes, sizeof bytes, &copied);
    shown.push_back(told == MORTISE_OK ? std::string(bytes, copied) : status(told));
    EXPECT_EQ(kCoreService.release(self, kept), MORTISE_OK);
    return std::uint32_t{MORTISE_E_FAILED};
  });
  add("p", "probe-concurrent", "a");
  must_start();
  const auto ask = [&](std::optional<mqtt::PrincipalNote> note) {
    auto client = std::make_shared<mqtt::Principal>(*principal());
    client->set_details({nullptr, nullptr, std::move(note)});
    auto request = std::make_shared<hooks::AccessRequest>(*access_request());
    request->principal = client;
    (void)auth().authorize(request, ticket(), now());
  };
  ask(mqtt::PrincipalNote{"p", "it may"});
  ask(mqtt::PrincipalNote{"another", "it may"});
  ask(std::nullopt);
  EXPECT_THAT(shown, ElementsAre("it may", "it may", "E_ABSENT", "E_ABSENT", "E_ABSENT", "E_ABSENT"));
}

TEST_F(Fields, a_decision_limits_how_long_a_client_stays_and_notes_what_it_may) {
  std::vector<std::string> told;
  probe("probe-concurrent", [&](std::uint32_t at, mortise_handle call, mortise_handle) {
    if (at != MORTISE_HOOK_AUTH_AUTHENTICATE) return std::uint32_t{MORTISE_OK};
    mortise_auth_decision made = MORTISE_AUTH_DECISION_INIT;
    made.verdict = MORTISE_VERDICT_ALLOW;
    const auto give = [&] { told.push_back(status(kDecisionService.decide_auth(call, &made))); };
    made.valid_for_s = 5;
    give();  // without its bit
    made.valid_for_s = 0;
    made.note = MORTISE_TEXT("note");
    give();
    made.flags = MORTISE_AUTH_HAS_VALID_FOR | MORTISE_AUTH_HAS_NOTE;
    made.verdict = MORTISE_VERDICT_NEXT;
    give();  // of a client that is not let in
    made.verdict = MORTISE_VERDICT_ALLOW;
    const std::string long_note(MORTISE_MAX_NOTE_BYTES + 1, 'x');
    made.note = {long_note.data(), long_note.size()};
    give();
    made.note = MORTISE_TEXT("note");
    made.valid_for_s = 5;
    give();
    return std::uint32_t{MORTISE_OK};
  });
  add("p", "probe-concurrent", "a");
  must_start();
  const auto got = authenticate();
  ASSERT_NE(decision_of(got), nullptr);
  EXPECT_EQ(decision_of(got)->valid_for, Seconds(5));
  EXPECT_EQ(decision_of(got)->note, "note");
  EXPECT_THAT(told, ElementsAre("E_INVALID", "E_INVALID", "E_INVALID", "E_RANGE", "OK"));
}

}  // namespace
}  // namespace mortise::plugin_host
