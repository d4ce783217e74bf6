/* Abuse 2: uses the running call's handle from a thread of its own. */
#include <pthread.h>

#include "hostile.h"

static mortise_handle running;
static uint32_t statuses[4];

static void* misuse(void* unused) {
  uint64_t number;
  mortise_handle owned;
  mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
  (void)unused;
  answer.verdict = MORTISE_VERDICT_ALLOW;
  statuses[0] = view->get_u64(running, MORTISE_FIELD_CONNECT_KEEP_ALIVE_S, &number);
  statuses[1] = decision->decide_auth(running, &answer);
  statuses[2] = core->retain(running, &owned);
  statuses[3] = core->log(running, MORTISE_LOG_INFO, mortise_text("from elsewhere"));
  return NULL;
}

static uint32_t authenticate(void* instance, mortise_handle call) {
  pthread_t thread;
  (void)instance;
  running = call;
  if (pthread_create(&thread, NULL, misuse, NULL) != 0) return MORTISE_E_FAILED;
  pthread_join(thread, NULL);
  note(call, "get_u64", statuses[0]);
  note(call, "decide", statuses[1]);
  note(call, "retain", statuses[2]);
  note(call, "log", statuses[3]);
  return answer_auth(call, MORTISE_VERDICT_DENY);
}

static const mortise_hook hooks[] = {HOSTILE_AUTHENTICATE(authenticate)};
HOSTILE_PLUGIN("other-thread", MORTISE_PLUGIN_CONCURRENT, NULL, NULL)
