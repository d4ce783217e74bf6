/* Abuse 8 and 9: two instances of it share these globals; the second uses what belongs to the first. Then a double
 * release, and the release of a borrow. */
#include "hostile.h"

static mortise_handle first_self;
static mortise_handle first_owned;
static mortise_handle first_token;
static int count;

static uint32_t on_start(mortise_handle call, mortise_handle self, void** instance) {
  static mortise_handle selves[2];
  (void)call;
  *instance = &selves[count];
  if (count == 0) first_self = self;
  selves[count] = self;
  count = (count + 1) % 2;
  return MORTISE_OK;
}

static uint32_t attack(mortise_handle self, mortise_handle call) {
  uint64_t number;
  mortise_handle owned;
  mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
  answer.verdict = MORTISE_VERDICT_ALLOW;
  note(call, "read", view->get_u64(first_owned, MORTISE_FIELD_CONNECT_KEEP_ALIVE_S, &number));
  note(call, "release", core->release(self, first_owned));
  note(call, "complete", token->complete_auth(self, first_token, &answer));
  note(call, "as_other", token->complete_auth(first_self, first_token, &answer));
  note(call, "log_as_other", core->log(first_self, MORTISE_LOG_INFO, mortise_text("not me")));
  answer.verdict = MORTISE_VERDICT_PENDING;
  answer.token = first_token;
  note(call, "pend", decision->decide_auth(call, &answer));
  if (core->retain(call, &owned) != MORTISE_OK) return MORTISE_E_FAILED;
  note(call, "released", core->release(self, owned));
  note(call, "again", core->release(self, owned));
  note(call, "read_released", view->get_u64(owned, MORTISE_FIELD_CONNECT_KEEP_ALIVE_S, &number));
  note(call, "borrow", core->release(self, call));
  return answer_auth(call, MORTISE_VERDICT_DENY);
}

static uint32_t authenticate(void* instance, mortise_handle call) {
  const mortise_handle self = *(const mortise_handle*)instance;
  mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
  if (self != first_self) return attack(self, call);
  if (core->retain(call, &first_owned) != MORTISE_OK || token->create(call, 1000, &first_token) != MORTISE_OK)
    return MORTISE_E_FAILED;
  answer.verdict = MORTISE_VERDICT_PENDING;
  answer.token = first_token;
  return decision->decide_auth(call, &answer);
}

static const mortise_hook hooks[] = {HOSTILE_AUTHENTICATE(authenticate)};
HOSTILE_PLUGIN("foreign", MORTISE_PLUGIN_CONCURRENT, on_start, NULL)
