/* Abuse 14: decisions that mean nothing; `what` of the configuration says which. Whatever it is told, it returns OK. */
#include "hostile.h"

static uint64_t what;

static uint32_t on_start(mortise_handle call, mortise_handle self, void** instance) {
  (void)self;
  (void)instance;
  what = config_number(call, "/what");
  return MORTISE_OK;
}

static uint32_t authenticate(void* instance, mortise_handle call) {
  mortise_auth_decision answer = MORTISE_AUTH_DECISION_INIT;
  mortise_handle made = 0;
  (void)instance;
  answer.verdict = MORTISE_VERDICT_ALLOW;
  switch (what) {
    case 0:
      return MORTISE_OK; /* none at all */
    case 1:
      answer.verdict = MORTISE_VERDICT_PENDING;
      break;
    case 2: /* a verdict and a token */
      if (token->create(call, 1000, &made) != MORTISE_OK) return MORTISE_E_FAILED;
      answer.token = made;
      break;
    case 3:
      answer.verdict = 77;
      break;
    case 4:
      answer.valid_for_s = 1; /* without its bit */
      break;
    case 5:
      answer.flags = 0x80000000U;
      break;
    case 6:
      answer.struct_size = 0xFFFFFFFFU;
      break;
    case 7:
      answer.verdict = MORTISE_VERDICT_BOUND;
      break;
    case 8:
      answer.user_name = mortise_text("without its bit");
      break;
    case 9:
      answer.flags = MORTISE_AUTH_HAS_USER_NAME;
      answer.user_name = mortise_text("\xC3(");
      break;
    case 10:
      answer.verdict = MORTISE_VERDICT_DENY;
      answer.reason_code = 0;
      answer.flags = MORTISE_AUTH_HAS_NAME_SPACE;
      break;
    case 11:
      answer.verdict = MORTISE_VERDICT_DENY;
      answer.reason_code = 1;
      break;
    case 12:
      answer.flags = MORTISE_AUTH_HAS_USER_NAME;
      answer.user_name.data = "x";
      answer.user_name.size = 1ULL << 60;
      break;
    case 13:
      answer.flags = MORTISE_AUTH_HAS_USER_NAME;
      answer.user_name.data = NULL;
      answer.user_name.size = 4;
      break;
    default:
      note(call, "decide", decision->decide_auth(call, NULL));
      return MORTISE_OK;
  }
  note(call, "decide", decision->decide_auth(call, &answer));
  return MORTISE_OK;
}

static const mortise_hook hooks[] = {HOSTILE_AUTHENTICATE(authenticate)};
HOSTILE_PLUGIN("bad-decision", MORTISE_PLUGIN_CONCURRENT, on_start, NULL)
