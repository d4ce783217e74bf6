/* Uses the SDK's C headers the way a plugin does; compiled as C11 and as C++11, and linked into the unit test. */
#include <mortise/abi.h>
#include <mortise/store_records.h>

MORTISE_PLUGIN_NOTE("header-use", "1.2.3", MORTISE_PLUGIN_CONCURRENT);

static const mortise_decision_v1* decision_service;

static uint32_t authenticate(void* instance, mortise_handle call) {
  mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
  (void)instance;
  answer.verdict = MORTISE_VERDICT_NEXT;
  return decision_service->decide_auth(call, &answer);
}

static uint32_t bind_topics(void* instance, mortise_handle call) {
  mortise_bind_decision answer = MORTISE_BIND_DECISION_INIT;
  (void)instance;
  answer.verdict = MORTISE_VERDICT_BOUND;
  answer.operations = MORTISE_OPERATION_ALL;
  answer.prefix = mortise_text("site/");
  return decision_service->decide_bind(call, &answer);
}

static const mortise_hook hooks[] = {
    MORTISE_HOOK_ENTRY_AUTH_AUTHENTICATE(MORTISE_HOOK_IS_REQUIRED, MORTISE_FIELD_BIT(MORTISE_FIELD_CONNECT_USER_NAME),
                                         0, authenticate),
    MORTISE_HOOK_ENTRY_TOPIC_BIND(MORTISE_HOOK_IS_OPTIONAL, MORTISE_FIELDS_ALL, MORTISE_FIELDS_ALL, bind_topics),
};

static const mortise_plugin plugin = {MORTISE_PLUGIN_STAMP,
                                      MORTISE_TEXT("header-use"),
                                      MORTISE_TEXT("1.2.3"),
                                      MORTISE_PLUGIN_CONCURRENT,
                                      2,
                                      hooks,
                                      NULL,
                                      NULL,
                                      NULL,
                                      NULL};

MORTISE_EXPORT uint32_t mortise_plugin_entry(const mortise_hello* hello, mortise_reply* reply) {
  const void* table = NULL;
  uint32_t status = hello->get_service(mortise_text(MORTISE_SERVICE_DECISION), &table);
  if (status != MORTISE_OK) {
    reply->error = mortise_text("this host has no " MORTISE_SERVICE_DECISION);
    return status;
  }
#if defined(__cplusplus)
  decision_service = static_cast<const mortise_decision_v1*>(table);
#else
  decision_service = table;
#endif
  reply->plugin = &plugin;
  return MORTISE_OK;
}
