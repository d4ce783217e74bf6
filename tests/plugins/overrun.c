/* Abuse 4 and 5: writes through a const view; `bytes` of the configuration says how many lie behind its end. */
#include "hostile.h"

static uint64_t behind;

static uint32_t on_start(mortise_handle call, mortise_handle self, void** instance) {
  (void)self;
  (void)instance;
  behind = config_number(call, "/bytes");
  return MORTISE_OK;
}

__attribute__((no_sanitize("address"))) static void scribble(char* bytes, uint64_t size) {
  uint64_t i;
  for (i = 0; i < size; ++i) ((volatile char*)bytes)[i] = 'X';
}

static uint32_t authenticate(void* instance, mortise_handle call) {
  mortise_bytes client;
  char original[4] = {0, 0, 0, 0};
  uint64_t copied = 0;
  (void)instance;
  if (view->get_bytes(call, MORTISE_FIELD_CONNECT_CLIENT_ID, &client) != MORTISE_OK) return MORTISE_E_FAILED;
  scribble((char*)(uintptr_t)client.data, client.size + behind);
  if (view->copy(call, MORTISE_FIELD_CONNECT_CLIENT_ID, 0, original, sizeof original, &copied) != MORTISE_OK)
    return MORTISE_E_FAILED;
  note(call, "changed", original[0] == 'X');
  return answer_auth(call, MORTISE_VERDICT_ALLOW);
}

static const mortise_hook hooks[] = {HOSTILE_AUTHENTICATE(authenticate)};
HOSTILE_PLUGIN("overrun", MORTISE_PLUGIN_CONCURRENT, on_start, NULL)
