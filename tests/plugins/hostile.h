/* What the hostile plugins have in common. Each tells what happened by counters of its instance, "<what>_<status>", so
 * that the same test reads them whichever way the plugin is run. */
#ifndef MORTISE_TESTS_HOSTILE_H
#define MORTISE_TESTS_HOSTILE_H

#include <mortise/abi.h>
#include <stdio.h>

static const mortise_core_v1* core;
static const mortise_view_v1* view;
static const mortise_decision_v1* decision;
static const mortise_token_v1* token;
static const mortise_intent_v1* intent;

#if defined(__cplusplus)
#define HOSTILE_UNUSED [[maybe_unused]]
#define HOSTILE_AS(type, value) static_cast<type>(value)
#else
#define HOSTILE_UNUSED __attribute__((unused))
#define HOSTILE_AS(type, value) ((type)(value))
#endif

/* Counts "<what>_<number>". */
HOSTILE_UNUSED static void note(mortise_handle where, const char* what, uint64_t number) {
  char name[64];
  (void)snprintf(name, sizeof name, "%s_%llu", what, HOSTILE_AS(unsigned long long, number));
  (void)core->counter_add(where, mortise_text(name), 1);
}

HOSTILE_UNUSED static uint32_t answer_auth(mortise_handle call, uint32_t verdict) {
  mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
  answer.verdict = verdict;
  return decision->decide_auth(call, &answer);
}

HOSTILE_UNUSED static uint32_t answer_access(mortise_handle call, uint32_t verdict) {
  mortise_access_decision answer = MORTISE_ACCESS_DECISION_INIT;
  answer.verdict = verdict;
  return decision->decide_access(call, &answer);
}

/* A number of the configuration; 0 when it is not there. */
HOSTILE_UNUSED static uint64_t config_number(mortise_handle call, const char* pointer) {
  mortise_bytes text;
  uint64_t number = 0;
  uint64_t i;
  if (view->config_get(call, mortise_text(pointer), &text) != MORTISE_OK) return 0;
  for (i = 0; i < text.size; ++i) number = number * 10 + HOSTILE_AS(uint64_t, text.data[i] - '0');
  return number;
}

HOSTILE_UNUSED static uint32_t fetch_services(const mortise_hello* hello, mortise_reply* reply) {
  const void* tables[5];
  const char* const names[5] = {MORTISE_SERVICE_CORE, MORTISE_SERVICE_VIEW, MORTISE_SERVICE_DECISION,
                                MORTISE_SERVICE_TOKEN, MORTISE_SERVICE_INTENT};
  int i;
  for (i = 0; i < 5; ++i) {
    const uint32_t status = hello->get_service(mortise_text(names[i]), &tables[i]);
    if (status != MORTISE_OK) {
      reply->error = mortise_text("this host lacks a service");
      return status;
    }
  }
  core = HOSTILE_AS(const mortise_core_v1*, tables[0]);
  view = HOSTILE_AS(const mortise_view_v1*, tables[1]);
  decision = HOSTILE_AS(const mortise_decision_v1*, tables[2]);
  token = HOSTILE_AS(const mortise_token_v1*, tables[3]);
  intent = HOSTILE_AS(const mortise_intent_v1*, tables[4]);
  return MORTISE_OK;
}

/* The end of each file: note, descriptor, entry. `hooks` is an array of mortise_hook. */
#define HOSTILE_DESCRIPTOR(name, version, flags, on_start, on_stop)     \
  MORTISE_PLUGIN_NOTE(name, version, flags);                            \
  static const mortise_plugin plugin = {MORTISE_PLUGIN_STAMP,           \
                                        MORTISE_TEXT(name),             \
                                        MORTISE_TEXT(version),          \
                                        flags,                          \
                                        sizeof hooks / sizeof hooks[0], \
                                        hooks,                          \
                                        on_start,                       \
                                        NULL,                           \
                                        on_stop,                        \
                                        NULL};

#define HOSTILE_PLUGIN(name, flags, on_start, on_stop)                                             \
  HOSTILE_DESCRIPTOR(name, "1.0", flags, on_start, on_stop)                                        \
  MORTISE_EXPORT uint32_t mortise_plugin_entry(const mortise_hello* hello, mortise_reply* reply) { \
    reply->plugin = &plugin;                                                                       \
    return fetch_services(hello, reply);                                                           \
  }

#define HOSTILE_AUTHENTICATE(function) \
  MORTISE_HOOK_ENTRY_AUTH_AUTHENTICATE(MORTISE_HOOK_IS_REQUIRED, MORTISE_FIELDS_ALL, 0, function)
#define HOSTILE_AUTHORIZE(function) \
  MORTISE_HOOK_ENTRY_AUTH_AUTHORIZE(MORTISE_HOOK_IS_REQUIRED, MORTISE_FIELDS_ALL, MORTISE_FIELDS_ALL, function)
#define HOSTILE_BIND(function) \
  MORTISE_HOOK_ENTRY_TOPIC_BIND(MORTISE_HOOK_IS_REQUIRED, MORTISE_FIELDS_ALL, MORTISE_FIELDS_ALL, function)

#endif
