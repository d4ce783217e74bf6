#include "broker/plugin_host/services.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <thread>

#include "broker/plugin_host/calling.h"
#include "tests/unit/plugin_host/host_fixture.h"

namespace mortise::plugin_host {
namespace {

/// The permissions of the mapping that holds `address`: "r--p".
std::string permissions_of(const void* address) {
  std::ifstream maps("/proc/self/maps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char permissions[8] = {};
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %7s", &begin, &end, permissions) != 3) continue;
    if (wanted >= begin && wanted < end) return permissions;
  }
  return "";
}

TEST(Services, are_found_by_name_and_say_their_size) {
  const void* table = nullptr;
  EXPECT_EQ(get_service(mortise_text(MORTISE_SERVICE_VIEW), &table), MORTISE_OK);
  EXPECT_EQ(table, &kViewService);
  EXPECT_EQ(kViewService.struct_size, sizeof(mortise_view_v1));
  EXPECT_EQ(get_service(mortise_text("mortise.view/2"), &table), MORTISE_E_UNSUPPORTED);
  EXPECT_EQ(table, nullptr);
  EXPECT_EQ(get_service(mortise_text(MORTISE_SERVICE_VIEW), nullptr), MORTISE_E_NULL);
  EXPECT_EQ(get_service({nullptr, 3}, &table), MORTISE_E_NULL);
}

TEST(Services, lie_in_memory_that_no_plugin_can_write) {
  for (const void* table : {static_cast<const void*>(&kCoreService), static_cast<const void*>(&kViewService),
                            static_cast<const void*>(&kDecisionService), static_cast<const void*>(&kTokenService),
                            static_cast<const void*>(&kIntentService), static_cast<const void*>(&kStoreService)}) {
    EXPECT_EQ(permissions_of(table).substr(0, 2), "r-");
  }
}

class Nested : public HostTest {};

TEST_F(Nested, a_handle_of_a_call_further_out_is_refused_by_that_name) {
  std::string told;
  mortise_handle outer = 0;
  probe("probe-concurrent", [&](std::uint32_t point, mortise_handle call, mortise_handle) -> std::uint32_t {
    if (point == MORTISE_HOOK_AUTH_AUTHENTICATE) {
      outer = call;
      // Not something the broker does; what it does if it ever did.
      (void)auth().authorize(access_request(), ticket(), now());
      std::uint64_t number = 0;
      EXPECT_EQ(kViewService.get_u64(call, MORTISE_FIELD_CONNECT_KEEP_ALIVE_S, &number), MORTISE_OK);
      return decide_auth(call, MORTISE_VERDICT_ALLOW);
    }
    if (point == MORTISE_HOOK_AUTH_AUTHORIZE) {
      std::uint64_t number = 0;
      told = status(kViewService.get_u64(outer, MORTISE_FIELD_CONNECT_KEEP_ALIVE_S, &number));
      return decide_access(call, MORTISE_VERDICT_ALLOW);
    }
    return MORTISE_OK;
  });
  add("p", "probe-concurrent", "a");
  must_start();
  ASSERT_NE(decision_of(authenticate()), nullptr);
  EXPECT_EQ(told, "E_OUTER_SCOPE");
}

TEST_F(Nested, serials_are_never_given_twice_across_threads) {
  std::mutex mutex;
  std::vector<mortise_handle> calls;
  probe("probe-concurrent", [&](std::uint32_t point, mortise_handle call, mortise_handle) -> std::uint32_t {
    if (point != MORTISE_HOOK_AUTH_AUTHENTICATE) return MORTISE_OK;
    const std::lock_guard lock(mutex);
    calls.push_back(call);
    return decide_auth(call, MORTISE_VERDICT_NEXT);
  });
  add("p", "probe-concurrent", "a");
  must_start();
  std::vector<std::thread> threads;
  for (LoopIndex loop = 0; loop < 2; ++loop) {
    threads.emplace_back([&, loop] {
      for (std::uint32_t i = 1; i <= 200; ++i) (void)auth().authenticate(connect_request(), {loop, {1, 1}, i}, now());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::sort(calls.begin(), calls.end());
  EXPECT_EQ(calls.size(), 400U);
  EXPECT_EQ(std::unique(calls.begin(), calls.end()), calls.end());
}

}  // namespace
}  // namespace mortise::plugin_host
