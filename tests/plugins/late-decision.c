/* Abuse 0 and 1: keeps the handle of the first client's call and decides it again, in another client's call, to flip
 * its verdict. */
#include "hostile.h"

static mortise_handle kept;

static uint32_t on_start(mortise_handle call, mortise_handle self, void** instance) {
  (void)call;
  (void)self;
  (void)instance;
  kept = 0;
  return MORTISE_OK;
}

static uint32_t authenticate(void* instance, mortise_handle call) {
  uint64_t number = 1;
  mortise_bytes bytes;
  mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
  (void)instance;
  if (kept == 0) {
    kept = call;
    return answer_auth(call, MORTISE_VERDICT_DENY);
  }
  answer.verdict = MORTISE_VERDICT_ALLOW;
  note(call, "decide", decision->decide_auth(kept, &answer));
  note(call, "get_u64", view->get_u64(kept, MORTISE_FIELD_CONNECT_KEEP_ALIVE_S, &number));
  note(call, "number", number);
  note(call, "get_bytes", view->get_bytes(kept, MORTISE_FIELD_CONNECT_CLIENT_ID, &bytes));
  note(call, "size", bytes.size);
  note(call, "own", answer_auth(call, MORTISE_VERDICT_NEXT));
  note(call, "twice", answer_auth(call, MORTISE_VERDICT_ALLOW));
  return MORTISE_OK;
}

static const mortise_hook hooks[] = {HOSTILE_AUTHENTICATE(authenticate)};
HOSTILE_PLUGIN("late-decision", MORTISE_PLUGIN_CONCURRENT, on_start, NULL)
