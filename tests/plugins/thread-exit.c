/* Abuse 16: ends the thread it is called on. */
#include <pthread.h>

#include "hostile.h"

static uint32_t authenticate(void* instance, mortise_handle call) {
  (void)instance;
  (void)call;
  pthread_exit(NULL);
}

static const mortise_hook hooks[] = {HOSTILE_AUTHENTICATE(authenticate)};
HOSTILE_PLUGIN("thread-exit", MORTISE_PLUGIN_CONCURRENT, NULL, NULL)
