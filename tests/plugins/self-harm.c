/* Abuse 28: publishes to the topic it is called for, disconnects the client it is called for; then fails, if `fail`
 * is 1. */
#include "hostile.h"

static uint64_t fails;

static uint32_t on_start(mortise_handle call, mortise_handle self, void** instance) {
  (void)self;
  (void)instance;
  fails = config_number(call, "/fail");
  return MORTISE_OK;
}

static uint32_t authorize(void* instance, mortise_handle call) {
  mortise_publish message = MORTISE_PUBLISH_INIT;
  mortise_disconnect client = MORTISE_DISCONNECT_INIT;
  mortise_handle principal;
  (void)instance;
  if (view->get_bytes(call, MORTISE_FIELD_ACCESS_TOPIC, &message.topic) != MORTISE_OK) return MORTISE_E_FAILED;
  message.payload = mortise_text("again");
  note(call, "publish", intent->publish(call, &message));
  if (view->get_child(call, MORTISE_FIELD_ACCESS_PRINCIPAL, 0, &principal) != MORTISE_OK) return MORTISE_E_FAILED;
  client.principal = principal;
  note(call, "disconnect", intent->disconnect(call, &client));
  if (answer_access(call, MORTISE_VERDICT_ALLOW) != MORTISE_OK) return MORTISE_E_FAILED;
  return fails ? MORTISE_E_FAILED : MORTISE_OK;
}

static const mortise_hook hooks[] = {HOSTILE_AUTHORIZE(authorize)};
HOSTILE_PLUGIN("self-harm", MORTISE_PLUGIN_CONCURRENT, on_start, NULL)
