/* Abuse 12 and 13: answers PENDING, and completes only when the next client asks: after the first has left, came back
 * or timed out. */
#include "hostile.h"

static mortise_handle self;
static mortise_handle kept;

static uint32_t on_start(mortise_handle call, mortise_handle own, void** instance) {
  (void)call;
  (void)instance;
  self = own;
  kept = 0;
  return MORTISE_OK;
}

static uint32_t authenticate(void* instance, mortise_handle call) {
  mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
  mortise_handle made;
  (void)instance;
  if (kept != 0) {
    answer.verdict = MORTISE_VERDICT_ALLOW;
    note(call, "late", token->complete_auth(self, kept, &answer));
  }
  if (token->create(call, 5000, &made) != MORTISE_OK) return MORTISE_E_FAILED;
  kept = made;
  answer.verdict = MORTISE_VERDICT_PENDING;
  answer.token = made;
  return decision->decide_auth(call, &answer);
}

static const mortise_hook hooks[] = {HOSTILE_AUTHENTICATE(authenticate)};
HOSTILE_PLUGIN("late-completion", MORTISE_PLUGIN_CONCURRENT, on_start, NULL)
