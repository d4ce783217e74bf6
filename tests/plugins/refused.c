/* Abuse 24 and 25: what no host of this version may accept. REFUSED_... (tests/plugins/CMakeLists.txt) says which; one
 * library each. */
#include "hostile.h"

static uint32_t authenticate(void* instance, mortise_handle call) {
  (void)instance;
  return answer_auth(call, MORTISE_VERDICT_ALLOW);
}

static const mortise_hook hooks[] = {
#if defined(REFUSED_UNKNOWN_HOOK)
    {64, 0x7F01, MORTISE_HOOK_IS_REQUIRED, 0, 1, 0, 0, MORTISE_TEXT("mortise.future/1"), authenticate},
#elif defined(REFUSED_OPTIONAL_HOOK) /* this one is accepted */
    {64, 0x7F01, MORTISE_HOOK_IS_OPTIONAL, 0, 1, 0, 0, MORTISE_TEXT("mortise.future/1"), authenticate},
#elif defined(REFUSED_SIGNATURE)
    {64, MORTISE_HOOK_AUTH_AUTHENTICATE, 0, 0, 0x1234, 0, 0, MORTISE_TEXT(MORTISE_FAMILY_AUTH), authenticate},
#elif defined(REFUSED_HOOK_SIZE)
    {0xFFFFFFFF, MORTISE_HOOK_AUTH_AUTHENTICATE, 0, 0, MORTISE_SIGNATURE_AUTH_AUTHENTICATE, 0, 0,
     MORTISE_TEXT(MORTISE_FAMILY_AUTH), authenticate},
#elif defined(REFUSED_HALF_A_STORE)
    MORTISE_HOOK_ENTRY_STORE_OPEN(0, 0, 0, authenticate),
#endif
    HOSTILE_AUTHENTICATE(authenticate),
#if defined(REFUSED_TWICE)
    HOSTILE_AUTHENTICATE(authenticate),
#endif
};

#if defined(REFUSED_NEWER_MAJOR)
#define NOTE_MAJOR (MORTISE_ABI_MAJOR + 1)
#else
#define NOTE_MAJOR MORTISE_ABI_MAJOR
#endif
#if defined(REFUSED_NEWER_MINOR)
#define NOTE_REQUIRED (MORTISE_ABI_MINOR + 1)
#else
#define NOTE_REQUIRED MORTISE_ABI_MINOR
#endif
#if defined(REFUSED_OTHER_LAYOUT)
#define NOTE_HASH_LOW (MORTISE_DESCRIPTION_HASH_LOW ^ 1)
#else
#define NOTE_HASH_LOW MORTISE_DESCRIPTION_HASH_LOW
#endif
#if defined(REFUSED_NOTE_SIZE)
#define NOTE_SIZE 0x7FFFFFFF
#else
#define NOTE_SIZE 120
#endif
#if defined(REFUSED_NOTE_NAME)
#define NOTE_NAME "another"
#else
#define NOTE_NAME "refused"
#endif
#if defined(REFUSED_SIZE)
#define PLUGIN_SIZE 0xFFFFFFFF
#else
#define PLUGIN_SIZE 104
#endif
#if defined(REFUSED_CLAIM) /* says another minor in the descriptor than in the note */
#define PLUGIN_BUILT (MORTISE_ABI_MINOR + 1)
#else
#define PLUGIN_BUILT MORTISE_ABI_MINOR
#endif

#if !defined(REFUSED_NO_NOTE)
static const mortise_note mortise_plugin_note MORTISE_NOTE_ATTRIBUTES = {8,
                                                                         NOTE_SIZE,
                                                                         MORTISE_NOTE_TYPE,
                                                                         MORTISE_NOTE_OWNER,
                                                                         NOTE_MAJOR,
                                                                         NOTE_REQUIRED,
                                                                         MORTISE_ABI_MINOR,
                                                                         0,
                                                                         NOTE_HASH_LOW,
                                                                         MORTISE_DESCRIPTION_HASH_HIGH,
                                                                         NOTE_NAME,
                                                                         "1.0"};
#endif

static uint32_t on_start(mortise_handle call, mortise_handle self, void** instance) {
  (void)self;
  (void)instance;
#if defined(REFUSED_START)
  (void)core->fail(call, mortise_text("cannot read passwd: no such file; create it with mortise passwd"));
  return MORTISE_E_FAILED;
#else
  (void)call;
  return MORTISE_OK;
#endif
}

static const mortise_plugin plugin = {PLUGIN_SIZE,
                                      MORTISE_ABI_MAJOR,
                                      NOTE_REQUIRED,
                                      PLUGIN_BUILT,
                                      MORTISE_DESCRIPTION_HASH,
                                      MORTISE_TEXT("refused"),
                                      MORTISE_TEXT("1.0"),
                                      0,
                                      sizeof hooks / sizeof hooks[0],
                                      hooks,
                                      on_start,
                                      NULL,
                                      NULL,
                                      NULL};

#if defined(REFUSED_NO_ENTRY)
MORTISE_EXPORT const mortise_plugin* some_other_symbol(void);
MORTISE_EXPORT const mortise_plugin* some_other_symbol(void) {
  (void)fetch_services;
  return &plugin;
}
#else
MORTISE_EXPORT uint32_t mortise_plugin_entry(const mortise_hello* hello, mortise_reply* reply) {
#if defined(REFUSED_ENTRY)
  (void)hello;
  (void)fetch_services;
  (void)plugin;
  reply->error = mortise_text("no licence");
  return MORTISE_E_FAILED;
#else
  reply->plugin = &plugin;
  return fetch_services(hello, reply);
#endif
}
#endif
