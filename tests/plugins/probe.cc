// A plugin with every hook, whose behaviour a test in the same process sets. PROBE_FLAGS and PROBE_ASKED_ONLY (no
// store, event and timer) make its variants.
#include "probe.h"

#include "hostile.h"

MORTISE_EXPORT Probe mortise_probe;
Probe mortise_probe;

namespace {

struct Instance {
  mortise_handle self;
};

std::uint32_t next(std::uint32_t hook, mortise_handle call) {
  if (hook == MORTISE_HOOK_AUTH_AUTHENTICATE) return answer_auth(call, MORTISE_VERDICT_NEXT);
  if (hook == MORTISE_HOOK_AUTH_AUTHORIZE) return answer_access(call, MORTISE_VERDICT_NEXT);
  if (hook == MORTISE_HOOK_AUTH_EXCHANGE) {
    mortise_exchange_decision answer = MORTISE_EXCHANGE_DECISION_INIT;
    answer.verdict = MORTISE_VERDICT_NEXT;
    return decision->decide_exchange(call, &answer);
  }
  if (hook != MORTISE_HOOK_TOPIC_BIND) return MORTISE_OK;
  mortise_bind_decision answer = MORTISE_BIND_DECISION_INIT;
  answer.verdict = MORTISE_VERDICT_NEXT;
  return decision->decide_bind(call, &answer);
}

template <std::uint32_t kPoint>
std::uint32_t run(void* instance, mortise_handle call) {
  const mortise_handle self = instance == nullptr ? 0 : static_cast<Instance*>(instance)->self;
  if (mortise_probe.call == nullptr) return next(kPoint, call);
  return mortise_probe.call(mortise_probe.context, kPoint, call, self);
}

std::uint32_t on_start(mortise_handle call, mortise_handle self, void** instance) {
  auto* made = new Instance{self};
  *instance = made;
  const std::uint32_t status = run<kProbeStart>(made, call);
  if (status != MORTISE_OK) delete made;
  return status;
}

std::uint32_t on_stop(void* instance, mortise_handle call) {
  const std::uint32_t status = run<kProbeStop>(instance, call);
  delete static_cast<Instance*>(instance);
  return status;
}

const mortise_hook hooks[] = {
    HOSTILE_AUTHENTICATE(run<MORTISE_HOOK_AUTH_AUTHENTICATE>),
    HOSTILE_AUTHORIZE(run<MORTISE_HOOK_AUTH_AUTHORIZE>),
    MORTISE_HOOK_ENTRY_AUTH_EXCHANGE(0, MORTISE_FIELDS_ALL, 0, run<MORTISE_HOOK_AUTH_EXCHANGE>),
    MORTISE_HOOK_ENTRY_AUTH_EXCHANGE_ENDED(0, MORTISE_FIELDS_ALL, 0, run<MORTISE_HOOK_AUTH_EXCHANGE_ENDED>),
    HOSTILE_BIND(run<MORTISE_HOOK_TOPIC_BIND>),
#if !defined(PROBE_ASKED_ONLY)
    MORTISE_HOOK_ENTRY_STORE_OPEN(0, MORTISE_FIELDS_ALL, 0, run<MORTISE_HOOK_STORE_OPEN>),
    MORTISE_HOOK_ENTRY_STORE_COMMIT(0, MORTISE_FIELDS_ALL, 0, run<MORTISE_HOOK_STORE_COMMIT>),
    MORTISE_HOOK_ENTRY_STORE_LOAD(0, MORTISE_FIELDS_ALL, 0, run<MORTISE_HOOK_STORE_LOAD>),
    MORTISE_HOOK_ENTRY_STORE_FETCH(0, MORTISE_FIELDS_ALL, 0, run<MORTISE_HOOK_STORE_FETCH>),
    MORTISE_HOOK_ENTRY_EVENT_EVENTS(0, MORTISE_FIELDS_ALL, MORTISE_FIELDS_ALL, run<MORTISE_HOOK_EVENT_EVENTS>),
#endif
};

#if defined(PROBE_ASKED_ONLY)
constexpr mortise_lifecycle_fn kOnTimer = nullptr;
#else
constexpr mortise_lifecycle_fn kOnTimer = run<kProbeTimer>;
#endif

}  // namespace

MORTISE_PLUGIN_NOTE("probe", "1.0", PROBE_FLAGS);
static const mortise_plugin plugin = {MORTISE_PLUGIN_STAMP,
                                      MORTISE_TEXT("probe"),
                                      MORTISE_TEXT("1.0"),
                                      PROBE_FLAGS,
                                      sizeof hooks / sizeof hooks[0],
                                      hooks,
                                      on_start,
                                      nullptr,
                                      on_stop,
                                      kOnTimer};
MORTISE_EXPORT uint32_t mortise_plugin_entry(const mortise_hello* hello, mortise_reply* reply) {
  reply->plugin = &plugin;
  return fetch_services(hello, reply);
}
