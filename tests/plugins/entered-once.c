/* What an entry may rely on: it is called once for each copy of the library that is in memory. ENTERED_VERSION tells
 * two builds apart. */
#include "hostile.h"

static uint32_t authenticate(void* instance, mortise_handle call) {
  (void)instance;
  return answer_auth(call, MORTISE_VERDICT_ALLOW);
}

static const mortise_hook hooks[] = {HOSTILE_AUTHENTICATE(authenticate)};

HOSTILE_DESCRIPTOR("entered-once", ENTERED_VERSION, MORTISE_PLUGIN_CONCURRENT, NULL, NULL)

MORTISE_EXPORT uint32_t mortise_plugin_entry(const mortise_hello* hello, mortise_reply* reply) {
  static int entries;
  if (++entries > 1) {
    reply->error = mortise_text("entered twice");
    return MORTISE_E_FAILED;
  }
  reply->plugin = &plugin;
  return fetch_services(hello, reply);
}
