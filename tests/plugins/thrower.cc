// Abuse 15: throws through the C boundary; `what` of the configuration says where and what.
#include <stdexcept>

#include "hostile.h"

namespace {

std::uint64_t what;

void throw_something() {
  if (what % 2 == 0) throw std::runtime_error("out of \"luck\"\n");
  throw 42;
}

std::uint32_t on_start(mortise_handle call, mortise_handle, void**) {
  what = config_number(call, "/what");
  if (what >= 10) throw_something();
  return MORTISE_OK;
}

std::uint32_t authenticate(void*, mortise_handle call) {
  // Decided already: it counts for nothing when the hook then fails.
  (void)answer_auth(call, MORTISE_VERDICT_ALLOW);
  throw_something();
  return MORTISE_OK;
}

std::uint32_t authorize(void*, mortise_handle) {
  throw_something();
  return MORTISE_OK;
}

std::uint32_t bind_topics(void*, mortise_handle) {
  throw_something();
  return MORTISE_OK;
}

const mortise_hook hooks[] = {HOSTILE_AUTHENTICATE(authenticate), HOSTILE_AUTHORIZE(authorize),
                              HOSTILE_BIND(bind_topics)};

}  // namespace

HOSTILE_PLUGIN("thrower", MORTISE_PLUGIN_CONCURRENT, on_start, nullptr)
