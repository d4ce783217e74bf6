/* A whole plugin in C: whoever says "hello" as user name may connect. */
#include <mortise/abi.h>

MORTISE_PLUGIN_NOTE("hello", "1.0.0", MORTISE_PLUGIN_CONCURRENT);
static const mortise_view_v1* view;
static const mortise_decision_v1* decision;

static uint32_t authenticate(void* instance, mortise_handle call) {
  (void)instance;
  mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
  mortise_bytes user;
  uint32_t status = view->get_bytes(call, MORTISE_FIELD_CONNECT_USER_NAME, &user);
  if (status != MORTISE_OK && status != MORTISE_E_ABSENT) return status;
  answer.verdict = mortise_bytes_equal(user, "hello") ? MORTISE_VERDICT_ALLOW : MORTISE_VERDICT_NEXT;
  return decision->decide_auth(call, &answer);
}

static const mortise_hook hooks[] = {MORTISE_HOOK_ENTRY_AUTH_AUTHENTICATE(
    MORTISE_HOOK_IS_REQUIRED, MORTISE_FIELD_BIT(MORTISE_FIELD_CONNECT_USER_NAME), 0, authenticate)};

static const mortise_plugin plugin = {MORTISE_PLUGIN_STAMP,
                                      MORTISE_TEXT("hello"),
                                      MORTISE_TEXT("1.0.0"),
                                      MORTISE_PLUGIN_CONCURRENT,
                                      1,
                                      hooks,
                                      NULL,
                                      NULL,
                                      NULL,
                                      NULL};

MORTISE_EXPORT uint32_t mortise_plugin_entry(const mortise_hello* hello, mortise_reply* reply) {
  const void *views = NULL, *decisions = NULL;
  uint32_t status = hello->get_service(mortise_text(MORTISE_SERVICE_VIEW), &views);
  if (status == MORTISE_OK) status = hello->get_service(mortise_text(MORTISE_SERVICE_DECISION), &decisions);
  view = views;
  decision = decisions;
  reply->plugin = &plugin;
  return status;
}
