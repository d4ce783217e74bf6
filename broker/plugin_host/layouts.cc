// That what the host believes of the ABI is what the C header says: tables against C layouts, and the broker's own
// store records against the SDK's. Nothing is emitted from here.
#include <mortise/abi.h>
#include <mortise/store_records.h>

#include "broker/hooks/generated/store_records.h"
#include "broker/plugin_host/abi_lookup.h"
#include "broker/plugin_host/handle.h"

namespace mortise::plugin_host {

namespace {

static_assert(abi::kMajor == MORTISE_ABI_MAJOR && abi::kMinor == MORTISE_ABI_MINOR);
static_assert(abi::kDescriptionHash == MORTISE_DESCRIPTION_HASH);

constexpr std::uint32_t service_size(std::string_view name) {
  for (const abi::ServiceRow& row : abi::kServices) {
    if (row.name == name) return row.struct_size;
  }
  return 0;
}
static_assert(service_size(MORTISE_SERVICE_CORE) == sizeof(mortise_core_v1));
static_assert(service_size(MORTISE_SERVICE_VIEW) == sizeof(mortise_view_v1));
static_assert(service_size(MORTISE_SERVICE_DECISION) == sizeof(mortise_decision_v1));
static_assert(service_size(MORTISE_SERVICE_TOKEN) == sizeof(mortise_token_v1));
static_assert(service_size(MORTISE_SERVICE_INTENT) == sizeof(mortise_intent_v1));
static_assert(service_size(MORTISE_SERVICE_STORE) == sizeof(mortise_store_v1));
static_assert(abi::kServices.size() == 6);

// Kinds are numbered by their place and their fields lie together; the look-ups rest on it.
constexpr bool tables_are_regular() {
  for (std::size_t i = 0; i < abi::kKinds.size(); ++i) {
    if (abi::kKinds[i].value != i + 1) return false;
    for (std::uint32_t place = 0; place < abi::kKinds[i].field_count; ++place) {
      const std::size_t at = abi::kFirstField[i + 1] + place;
      if (abi::kFields[at].kind != i + 1 || (abi::kFields[at].id & 0xFF) != place) return false;
    }
  }
  return true;
}
static_assert(tables_are_regular());
static_assert(abi::kKinds.size() < (1U << abi::kKindBits));
static_assert(abi::kMaxEvents < handle::kSlotMask, "every event of a batch has a slot");

// ---- Store records --------------------------------------------------------------------------------------------------

static_assert(hooks::kRecordVersion == MORTISE_RECORD_VERSION);
static_assert(sizeof(hooks::RecordHeader) == sizeof(mortise_record) &&
              sizeof(hooks::ByteRange) == sizeof(mortise_range));
static_assert(offsetof(hooks::RecordHeader, size) == offsetof(mortise_record, size));
static_assert(offsetof(hooks::RecordHeader, kind) == offsetof(mortise_record, kind));
static_assert(offsetof(hooks::RecordHeader, version) == offsetof(mortise_record, version));
static_assert(offsetof(hooks::RecordHeader, number) == offsetof(mortise_record, number));
static_assert(offsetof(hooks::RecordHeader, session) == offsetof(mortise_record, session));

#define MORTISE_SAME_RECORD(c_name, cpp_name)                         \
  static_assert(sizeof(hooks::cpp_name) == sizeof(mortise_##c_name)); \
  static_assert(static_cast<std::uint16_t>(hooks::cpp_name::kKind) == kind_##c_name)
#define MORTISE_RECORD_KIND(name, number) [[maybe_unused]] constexpr std::uint16_t kind_##name = number;
MORTISE_FOR_EACH_RECORD(MORTISE_RECORD_KIND)
MORTISE_SAME_RECORD(session_put, SessionPutRecord);
MORTISE_SAME_RECORD(session_remove, SessionRemoveRecord);
MORTISE_SAME_RECORD(subscription_put, SubscriptionPutRecord);
MORTISE_SAME_RECORD(subscription_remove, SubscriptionRemoveRecord);
MORTISE_SAME_RECORD(message_put, MessagePutRecord);
MORTISE_SAME_RECORD(queue_put, QueuePutRecord);
MORTISE_SAME_RECORD(queue_state, QueueStateRecord);
MORTISE_SAME_RECORD(queue_remove, QueueRemoveRecord);
MORTISE_SAME_RECORD(inbound_put, InboundPutRecord);
MORTISE_SAME_RECORD(inbound_remove, InboundRemoveRecord);
MORTISE_SAME_RECORD(retained_put, RetainedPutRecord);
MORTISE_SAME_RECORD(retained_remove, RetainedRemoveRecord);
MORTISE_SAME_RECORD(will_put, WillPutRecord);
MORTISE_SAME_RECORD(will_remove, WillRemoveRecord);
MORTISE_SAME_RECORD(mark_put, MarkPutRecord);
MORTISE_SAME_RECORD(queue_summary, QueueSummaryRecord);
MORTISE_SAME_RECORD(end_of_page, EndOfPageRecord);
static_assert(hooks::kRecordLayouts.size() == 17, "every kind of record is compared above");

static_assert(hooks::kDurabilityCommit == MORTISE_DURABILITY_COMMIT);
static_assert(hooks::kDurabilityInterval == MORTISE_DURABILITY_INTERVAL);
static_assert(hooks::kDurabilityNone == MORTISE_DURABILITY_NONE);
static_assert(hooks::kExpiresNever == MORTISE_EXPIRES_NEVER);
static_assert(hooks::kExpiresWithConnection == MORTISE_EXPIRES_WITH_CONNECTION);
static_assert(hooks::kQueueStateReleased == MORTISE_QUEUE_STATE_RELEASED);

}  // namespace

}  // namespace mortise::plugin_host
