/* Abuse 29: affixes that would break out of a level, a namespace, or the limits; `what` of the configuration says
 * which. */
#include "hostile.h"

static uint64_t what;
static char long_text[70 * 1024];

static uint32_t on_start(mortise_handle call, mortise_handle self, void** instance) {
  (void)self;
  (void)instance;
  what = config_number(call, "/what");
  memset(long_text, 'a', sizeof long_text);
  return MORTISE_OK;
}

static uint32_t bind_topics(void* instance, mortise_handle call) {
  static const char with_nul[] = {'a', '\0', 'b'};
  mortise_bind_decision answer = MORTISE_BIND_DECISION_INIT;
  (void)instance;
  answer.verdict = MORTISE_VERDICT_BOUND;
  answer.operations = MORTISE_OPERATION_ALL;
  switch (what) {
    case 0:
      answer.prefix = mortise_text("tenant/#/");
      break;
    case 1:
      answer.prefix = mortise_text("tenant/+/");
      break;
    case 2:
      answer.prefix.data = with_nul;
      answer.prefix.size = sizeof with_nul;
      break;
    case 3:
      answer.prefix = mortise_text("$SYS/");
      break;
    case 4:
      answer.prefix.data = long_text;
      answer.prefix.size = sizeof long_text;
      break;
    case 5:
      answer.suffix = mortise_text("/\xFF\xFE");
      break;
    case 6:
      answer.operations = 0;
      break;
    case 7:
      answer.operations = 16;
      break;
    case 8:
      answer.prefix.data = answer.suffix.data = long_text;
      answer.prefix.size = answer.suffix.size = 40000;
      break;
    default:
      answer.prefix = mortise_text("tenant/someone-else/");
      break; /* the operator's plugin may say so */
  }
  note(call, "decide", decision->decide_bind(call, &answer));
  return MORTISE_OK;
}

static const mortise_hook hooks[] = {HOSTILE_BIND(bind_topics)};
HOSTILE_PLUGIN("bad-affix", MORTISE_PLUGIN_CONCURRENT, on_start, NULL)
