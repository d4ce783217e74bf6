/* Abuse 10: retains in every call and never releases. */
#include "hostile.h"

static uint32_t authenticate(void* instance, mortise_handle call) {
  mortise_handle owned;
  (void)instance;
  note(call, "retain", core->retain(call, &owned));
  return answer_auth(call, MORTISE_VERDICT_ALLOW);
}

static const mortise_hook hooks[] = {HOSTILE_AUTHENTICATE(authenticate)};
HOSTILE_PLUGIN("leak", MORTISE_PLUGIN_CONCURRENT, NULL, NULL)
