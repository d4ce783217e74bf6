/* Abuse 11: sixteen threads complete one token at once; each says what it was told. */
#include <pthread.h>

#include "hostile.h"

#define THREADS 16
static mortise_handle self;
static mortise_handle pending;
static pthread_barrier_t barrier;

static void* complete(void* unused) {
  mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
  (void)unused;
  answer.verdict = MORTISE_VERDICT_ALLOW;
  pthread_barrier_wait(&barrier);
  note(self, "complete", token->complete_auth(self, pending, &answer));
  return NULL;
}

static void* race(void* unused) {
  pthread_t threads[THREADS];
  int i;
  (void)unused;
  pthread_barrier_init(&barrier, NULL, THREADS);
  for (i = 0; i < THREADS; ++i) pthread_create(&threads[i], NULL, complete, NULL);
  for (i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
  pthread_barrier_destroy(&barrier);
  note(self, "raced", 1);
  return NULL;
}

static uint32_t on_start(mortise_handle call, mortise_handle own, void** instance) {
  (void)call;
  (void)instance;
  self = own;
  return MORTISE_OK;
}

static uint32_t authenticate(void* instance, mortise_handle call) {
  mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
  pthread_t thread;
  uint32_t status;
  (void)instance;
  if (token->create(call, 60000, &pending) != MORTISE_OK) return MORTISE_E_FAILED;
  answer.verdict = MORTISE_VERDICT_PENDING;
  answer.token = pending;
  status = decision->decide_auth(call, &answer);
  /* Some of them are in time to complete it before this hook has returned. */
  pthread_create(&thread, NULL, race, NULL);
  pthread_detach(thread);
  return status;
}

static const mortise_hook hooks[] = {HOSTILE_AUTHENTICATE(authenticate)};
HOSTILE_PLUGIN("many-completions", MORTISE_PLUGIN_CONCURRENT, on_start, NULL)
