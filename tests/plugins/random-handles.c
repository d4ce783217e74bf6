/* Abuse 6 and 7: random numbers as handles, and real handles of the wrong kind. */
#include "hostile.h"

static uint64_t state = 0x9E3779B97F4A7C15U;

static uint64_t next_random(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static uint32_t authorize(void* instance, mortise_handle call) {
  int i;
  uint64_t number;
  mortise_handle principal;
  mortise_bytes bytes;
  mortise_auth_decision wrong = MORTISE_AUTH_DECISION_INIT;
  mortise_access_decision answer = MORTISE_ACCESS_DECISION_INIT;
  (void)instance;
  for (i = 0; i < 2000; ++i) {
    const mortise_handle forged = next_random();
    answer.verdict = MORTISE_VERDICT_ALLOW;
    if (view->get_u64(forged, MORTISE_FIELD_ACCESS_ACTION, &number) == MORTISE_OK) note(call, "hit", 1);
    if (view->get_bytes(forged, MORTISE_FIELD_ACCESS_TOPIC, &bytes) == MORTISE_OK) note(call, "hit", 2);
    if (decision->decide_access(forged, &answer) == MORTISE_OK) note(call, "hit", 3);
    if (core->release(forged, forged) == MORTISE_OK) note(call, "hit", 4);
  }
  if (view->get_child(call, MORTISE_FIELD_ACCESS_PRINCIPAL, 0, &principal) != MORTISE_OK) return MORTISE_E_FAILED;
  note(call, "decide_child", decision->decide_access(principal, &answer));
  wrong.verdict = MORTISE_VERDICT_ALLOW;
  note(call, "decide_other", decision->decide_auth(call, &wrong));
  note(call, "no_field", view->get_u64(principal, MORTISE_FIELD_ACCESS_ACTION, &number));
  note(call, "wrong_type", view->get_u64(call, MORTISE_FIELD_ACCESS_TOPIC, &number));
  note(call, "next_child", view->get_u64(principal + ((uint64_t)1 << 48), MORTISE_FIELD_PRINCIPAL_PEER_PORT, &number));
  return answer_access(call, MORTISE_VERDICT_DENY);
}

static const mortise_hook hooks[] = {HOSTILE_AUTHORIZE(authorize)};
HOSTILE_PLUGIN("random-handles", MORTISE_PLUGIN_CONCURRENT, NULL, NULL)
