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

}  // namespace
}  // namespace mortise::plugin_host
