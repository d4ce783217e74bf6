/* A concurrent plugin that does the least an authorize hook can do: it reads one field and decides. ONE_FIELD_READS 0
 * leaves out the reading. For hook_scope_bench. */
#include <mortise/abi.h>

MORTISE_PLUGIN_NOTE("one-field", "1.0.0", MORTISE_PLUGIN_CONCURRENT);
#if ONE_FIELD_READS
static const mortise_view_v1* view;
#endif
static const mortise_decision_v1* decision;

static uint32_t authorize(void* instance, mortise_handle call) {
  (void)instance;
  mortise_access_decision answer = MORTISE_ACCESS_DECISION_INIT;
  answer.verdict = MORTISE_VERDICT_ALLOW;
#if ONE_FIELD_READS
  mortise_bytes topic;
  const uint32_t status = view->get_bytes(call, MORTISE_FIELD_ACCESS_TOPIC, &topic);
  if (status != MORTISE_OK) return status;
  if (topic.size == 0) answer.verdict = MORTISE_VERDICT_DENY;
#endif
  return decision->decide_access(call, &answer);
}

static const mortise_hook hooks[] = {
    MORTISE_HOOK_ENTRY_AUTH_AUTHORIZE(MORTISE_HOOK_IS_REQUIRED, MORTISE_FIELDS_ALL, 0, authorize)};

static const mortise_plugin plugin = {MORTISE_PLUGIN_STAMP,
                                      MORTISE_TEXT("one-field"),
                                      MORTISE_TEXT("1.0.0"),
                                      MORTISE_PLUGIN_CONCURRENT,
                                      1,
                                      hooks,
                                      NULL,
                                      NULL,
                                      NULL,
                                      NULL};

MORTISE_EXPORT uint32_t mortise_plugin_entry(const mortise_hello* hello, mortise_reply* reply) {
  const void* found = NULL;
  uint32_t status = hello->get_service(mortise_text(MORTISE_SERVICE_DECISION), &found);
  decision = found;
#if ONE_FIELD_READS
  if (status == MORTISE_OK) status = hello->get_service(mortise_text(MORTISE_SERVICE_VIEW), &found);
  view = found;
#endif
  reply->plugin = &plugin;
  return status;
}
