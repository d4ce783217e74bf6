#include <future>

#include "tests/broker/broker_fixture.h"

// Whether the watchdog of a service manager is told that all is well.

namespace mortise::broker_tests {
namespace {

class WatchdogTest : public BrokerTest {};

TEST_F(WatchdogTest, ABrokerIsAliveWhileAllItsLoopsAnswer) {
  std::promise<void> is_hanging, may_go_on;
  const ProbeScript script([&](std::uint32_t point, mortise_handle, mortise_handle) -> std::uint32_t {
    if (point != MORTISE_HOOK_AUTH_AUTHENTICATE) return MORTISE_OK;
    is_hanging.set_value();
    may_go_on.get_future().wait();
    return MORTISE_OK;
  });
  start("plugins: [{ name: probe, library: \"@test/probe-concurrent.so\" }]\nhooks: { auth: [probe] }\n", 2);
  EXPECT_TRUE(broker().is_alive()) << "nobody was asked before";
  broker().report();  // all loops have done what was posted before
  EXPECT_TRUE(broker().is_alive());
  broker().report();
  WireClient client(port());
  ConnectOptions options;
  options.client_id = "c";
  client.send_connect(options);
  is_hanging.get_future().wait();
  EXPECT_TRUE(broker().is_alive()) << "they are asked now";
  EXPECT_FALSE(broker().is_alive()) << "a plugin hangs";
  may_go_on.set_value();
  broker().report();
  EXPECT_TRUE(broker().is_alive());
}

}  // namespace
}  // namespace mortise::broker_tests
