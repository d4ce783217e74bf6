/* Abuse 3: keeps the pointer of a view and reads through it during later calls. */
#include "hostile.h"

#define POISON 0xDD
static const unsigned char* kept;
static uint64_t calls;

/* Instrumented, the sanitizer would stop it; a real plugin is not. */
__attribute__((no_sanitize("address"))) static int is_poison(void) { return kept[0] == POISON && kept[2] == POISON; }

static uint32_t on_start(mortise_handle call, mortise_handle self, void** instance) {
  (void)call;
  (void)self;
  (void)instance;
  calls = 0;
  return MORTISE_OK;
}

static uint32_t authenticate(void* instance, mortise_handle call) {
  mortise_bytes client;
  (void)instance;
  if (calls != 0) {
    /* The same field first, so that this call's own view is made. */
    if (view->get_bytes(call, MORTISE_FIELD_CONNECT_CLIENT_ID, &client) != MORTISE_OK) return MORTISE_E_FAILED;
    if (calls == 1 || (calls >= 63 && calls <= 65) || calls == 1000)
      note(call, is_poison() ? "poison" : "shown", calls);
  } else {
    if (view->get_bytes(call, MORTISE_FIELD_CONNECT_CLIENT_ID, &client) != MORTISE_OK) return MORTISE_E_FAILED;
    kept = (const unsigned char*)client.data;
  }
  ++calls;
  return answer_auth(call, MORTISE_VERDICT_NEXT);
}

static const mortise_hook hooks[] = {HOSTILE_AUTHENTICATE(authenticate)};
HOSTILE_PLUGIN("stale-pointer", MORTISE_PLUGIN_CONCURRENT, on_start, NULL)
