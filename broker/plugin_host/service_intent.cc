#include <cstring>
#include <utility>

#include "broker/mqtt/property.h"
#include "broker/mqtt/reason_code.h"
#include "broker/mqtt/topic.h"
#include "broker/plugin_host/handle_check.h"
#include "broker/plugin_host/plugin_bytes.h"
#include "broker/plugin_host/services.h"

// mortise.intent/1: what the plugin wants done (R7). Checked and copied here, done after the hook returned OK, or at
// once for self.
namespace mortise::plugin_host {

namespace {

constexpr std::size_t kPublish = function_index(MORTISE_SERVICE_INTENT, "publish");
constexpr std::size_t kDisconnect = function_index(MORTISE_SERVICE_INTENT, "disconnect");
constexpr std::size_t kInvalidate = function_index(MORTISE_SERVICE_INTENT, "invalidate");
constexpr std::size_t kSetTimer = function_index(MORTISE_SERVICE_INTENT, "set_timer");
constexpr std::size_t kCancelTimer = function_index(MORTISE_SERVICE_INTENT, "cancel_timer");
constexpr std::uint64_t kMaximumDelayMs = 2'592'000'000;  // 30 days

/// Who asks, and whether there is room for one more. Errors: those of resolve_where, E_CLOSED, E_QUOTA.
Caller begin_intent(mortise_handle where, std::size_t function) {
  Caller caller = resolve_where(where, function);
  if (caller.status != MORTISE_OK) return caller;
  if (!caller.instance->accepts_work()) caller.status = MORTISE_E_CLOSED;
  const bool is_full =
      caller.frame != nullptr && caller.frame->intents.size() >= caller.instance->limits().intents_per_call;
  if (caller.status == MORTISE_OK && is_full) caller.status = caller.instance->refuse_more(Quota::kIntents);
  return caller;
}

void queue(Caller& caller, hooks::Intent intent) {
  if (caller.frame != nullptr) {
    caller.frame->intents.emplace_back(std::move(intent));
  } else {
    caller.instance->perform(std::move(intent));
  }
}

/// Errors: E_NULL, E_RANGE, E_INVALID.
std::uint32_t check_text(mortise_bytes bytes) {
  if (const std::uint32_t status = check_bytes(bytes, MORTISE_MAX_TOPIC_BYTES); status != MORTISE_OK) return status;
  return mqtt::is_valid_utf8(text_of(bytes)) ? MORTISE_OK : MORTISE_E_INVALID;
}

template <class Given>
std::uint32_t copy_in(const Given* given, Given& copy) noexcept {
  if (given == nullptr) return MORTISE_E_NULL;
  std::uint32_t struct_size = 0;
  std::memcpy(&struct_size, given, sizeof struct_size);
  if (struct_size != sizeof(Given)) return MORTISE_E_SIZE;
  std::memcpy(&copy, given, sizeof copy);
  return MORTISE_OK;
}

// ---- publish --------------------------------------------------------------------------------------------------------

std::uint32_t check_topic(mortise_bytes topic) {
  if (const std::uint32_t status = check_text(topic); status != MORTISE_OK) return status;
  const std::string_view text = text_of(topic);
  // Topics that begin with $ are the broker's own.
  const bool is_valid = !text.starts_with('$') && mqtt::check_topic_name(text, {0, mqtt::kMaximumStringSize}).ok();
  return is_valid ? MORTISE_OK : MORTISE_E_INVALID;
}

std::uint32_t copy_properties(const mortise_publish& given, mqtt::PropertyWriter& writer) {
  if (given.property_count == 0) return MORTISE_OK;
  if (given.property_count > MORTISE_MAX_PROPERTIES) return MORTISE_E_RANGE;
  if (given.properties == nullptr) return MORTISE_E_NULL;
  for (std::uint32_t i = 0; i < given.property_count; ++i) {
    mortise_pair pair;
    std::memcpy(&pair, given.properties + i, sizeof pair);
    if (const std::uint32_t status = check_text(pair.key); status != MORTISE_OK) return status;
    if (const std::uint32_t status = check_text(pair.value); status != MORTISE_OK) return status;
    writer.put_pair(text_of(pair.key), text_of(pair.value));
  }
  return MORTISE_OK;
}

std::uint32_t check_publish(const mortise_publish& given, const InstanceLimits& limits) {
  if (given.qos > 2 || given.retain > 1 || given.reserved != 0) return MORTISE_E_INVALID;
  if (const std::uint32_t status = check_topic(given.topic); status != MORTISE_OK) return status;
  if (given.payload.data == nullptr && given.payload.size != 0) return MORTISE_E_NULL;
  return given.payload.size > limits.payload_bytes ? MORTISE_E_TOO_LARGE : MORTISE_OK;
}

mqtt::MessagePtr make_message(const mortise_publish& given, mqtt::PropertiesView properties, std::uint8_t hops) {
  mqtt::MessageView fields;
  fields.topic = text_of(given.topic);
  fields.payload = as_bytes(text_of(given.payload));
  fields.properties = properties;
  fields.qos = static_cast<mqtt::QoS>(given.qos);
  fields.retain = given.retain != 0;
  fields.received_at = wall_now();
  if (given.message_expiry_s != 0) fields.expires_at = fields.received_at + Seconds(given.message_expiry_s);
  fields.hops = hops;
  return mqtt::Message::make(fields);
}

std::uint32_t publish(mortise_handle where, const mortise_publish* message) noexcept {
  Caller caller = begin_intent(where, kPublish);
  if (caller.status != MORTISE_OK) return caller.status;
  mortise_publish given;
  if (const std::uint32_t status = copy_in(message, given); status != MORTISE_OK) return status;
  if (const std::uint32_t status = check_publish(given, caller.instance->limits()); status != MORTISE_OK) return status;
  mqtt::PropertyWriter properties;
  if (const std::uint32_t status = copy_properties(given, properties); status != MORTISE_OK) return status;
  const CallFrame* running = CallerThread::current_frame();
  const std::uint8_t hops = running != nullptr ? running->hops() : std::uint8_t{0};
  if (hops >= kMaximumHops) {
    caller.instance->drop_intent("its publish follows three others of plugins");
    return MORTISE_OK;
  }
  queue(caller, hooks::PublishIntent{make_message(given, properties.view(), static_cast<std::uint8_t>(hops + 1))});
  return MORTISE_OK;
}

// ---- disconnect -----------------------------------------------------------------------------------------------------

/// The principal behind a borrowed or an owned handle.
std::uint32_t find_principal(mortise_handle handle, const Caller& caller, std::shared_ptr<const void>& keeps,
                             const mqtt::Principal*& principal) {
  if (!handle::is_owned(handle)) {
    const Borrowed found = resolve_borrowed(handle, kDisconnect);
    if (found.status != MORTISE_OK) return found.status;
    if (found.kind != MORTISE_KIND_PRINCIPAL) return refuse(MORTISE_E_WRONG_KIND, kDisconnect, "wants a principal");
    principal = static_cast<const mqtt::Principal*>(found.object);
    return MORTISE_OK;
  }
  if (handle::kind_of(handle) != MORTISE_KIND_PRINCIPAL)
    return refuse(MORTISE_E_WRONG_KIND, kDisconnect, "wants a principal");
  const std::uint32_t status = caller.instance->owned().get(handle, keeps);
  if (status != MORTISE_OK) return refuse(status, kDisconnect, "was given an owned handle that is not there");
  principal = static_cast<const mqtt::Principal*>(keeps.get());
  return MORTISE_OK;
}

std::uint32_t check_disconnect(const mortise_disconnect& given, hooks::DisconnectIntent& intent) {
  if (given.reason_code != 0) {
    intent.reason = static_cast<mqtt::ReasonCode>(given.reason_code);
    const bool is_refusal = given.reason_code >= 0x80 && given.reason_code <= 0xFF;
    if (!is_refusal || !mqtt::is_allowed_in(intent.reason, mqtt::PacketType::kDisconnect)) return MORTISE_E_INVALID;
  }
  if (given.principal != 0) {
    return given.name_space.size == 0 && given.client_id.size == 0 ? MORTISE_OK : MORTISE_E_INVALID;
  }
  if (const std::uint32_t status = check_text(given.name_space); status != MORTISE_OK) return status;
  if (const std::uint32_t status = check_text(given.client_id); status != MORTISE_OK) return status;
  return given.client_id.size == 0 ? MORTISE_E_INVALID : MORTISE_OK;
}

std::uint32_t disconnect(mortise_handle where, const mortise_disconnect* client) noexcept {
  Caller caller = begin_intent(where, kDisconnect);
  if (caller.status != MORTISE_OK) return caller.status;
  mortise_disconnect given;
  if (const std::uint32_t status = copy_in(client, given); status != MORTISE_OK) return status;
  hooks::DisconnectIntent intent;
  if (const std::uint32_t status = check_disconnect(given, intent); status != MORTISE_OK) return status;
  if (given.principal == 0) {
    intent.name_space = text_of(given.name_space);
    intent.client_id = text_of(given.client_id);
  } else {
    std::shared_ptr<const void> keeps;
    const mqtt::Principal* principal = nullptr;
    const std::uint32_t status = find_principal(given.principal, caller, keeps, principal);
    if (status != MORTISE_OK) return status;
    intent.name_space = principal->name_space;
    intent.client_id = principal->client_id;
  }
  queue(caller, std::move(intent));
  return MORTISE_OK;
}

// ---- invalidate and timers ------------------------------------------------------------------------------------------

std::uint32_t invalidate(mortise_handle where, mortise_bytes name_space, mortise_bytes client_id) noexcept {
  Caller caller = begin_intent(where, kInvalidate);
  if (caller.status != MORTISE_OK) return caller.status;
  if (const std::uint32_t status = check_text(name_space); status != MORTISE_OK) return status;
  if (const std::uint32_t status = check_text(client_id); status != MORTISE_OK) return status;
  queue(caller, hooks::InvalidateIntent{std::string(text_of(name_space)), std::string(text_of(client_id))});
  return MORTISE_OK;
}

std::uint32_t set_timer(mortise_handle where, std::uint64_t delay_ms, std::uint64_t id) noexcept {
  Caller caller = begin_intent(where, kSetTimer);
  if (caller.status != MORTISE_OK) return caller.status;
  if (delay_ms > kMaximumDelayMs) return MORTISE_E_RANGE;
  const Millis delay(static_cast<std::int64_t>(delay_ms));
  if (caller.frame == nullptr) return caller.instance->set_timer(id, delay);
  const std::uint32_t status = caller.instance->check_timer(id);
  if (status == MORTISE_OK) caller.frame->intents.emplace_back(SetTimerIntent{id, delay});
  return status;
}

std::uint32_t cancel_timer(mortise_handle where, std::uint64_t id) noexcept {
  Caller caller = begin_intent(where, kCancelTimer);
  if (caller.status != MORTISE_OK) return caller.status;
  if (caller.frame == nullptr) {
    caller.instance->cancel_timer(id);
  } else {
    caller.frame->intents.emplace_back(CancelTimerIntent{id});
  }
  return MORTISE_OK;
}

}  // namespace

constinit const mortise_intent_v1 kIntentService = {
    sizeof(mortise_intent_v1), 0, publish, disconnect, invalidate, set_timer, cancel_timer};

}  // namespace mortise::plugin_host
