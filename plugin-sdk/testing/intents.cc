/// mortise.intent/1 and mortise.store/1 of the fake host.

#include <cstring>

#include "state.h"

namespace mortise::testing {
namespace {

std::uint32_t code(Status status) { return static_cast<std::uint32_t>(status); }

/// With a call: kept until the hook has returned OK. With the instance: at once.
std::uint32_t queue(mortise_handle where, Intent intent) {
  FakeHost::State* host = nullptr;
  Scope* scope = nullptr;
  const Status status = world().find_actor(where, host, scope);
  if (status != Status::ok) return code(status);
  if (scope == nullptr) return host->carry_out(intent), MORTISE_OK;
  if (scope->intents.size() >= host->limits.intents) return MORTISE_E_QUOTA;
  scope->intents.push_back(std::move(intent));
  return MORTISE_OK;
}

bool is_topic_name(mortise_bytes topic) {
  return topic.size != 0 && is_text(topic) && string_of(topic).find_first_of("+#") == std::string::npos;
}

std::uint32_t publish(mortise_handle where, const mortise_publish* message) {
  if (message == nullptr) return MORTISE_E_NULL;
  if (message->struct_size != sizeof *message) return MORTISE_E_SIZE;
  if (message->qos > 2 || message->retain > 1 || message->reserved != 0) return MORTISE_E_INVALID;
  if (message->topic.size > MORTISE_MAX_TOPIC_BYTES) return MORTISE_E_RANGE;
  if (message->property_count > MORTISE_MAX_PROPERTIES) return MORTISE_E_RANGE;
  if (!is_topic_name(message->topic)) return MORTISE_E_INVALID;
  Published published{string_of(message->topic), string_of(message->payload), message->qos,
                      message->retain == 1,      message->message_expiry_s,   {}};
  for (std::uint32_t i = 0; i < message->property_count; ++i) {
    published.properties.emplace_back(string_of(message->properties[i].key), string_of(message->properties[i].value));
  }
  Intent intent;
  intent.publish = std::move(published);
  const std::lock_guard lock(world().mutex);
  return queue(where, std::move(intent));
}

std::uint32_t disconnect(mortise_handle where, const mortise_disconnect* client) {
  if (client == nullptr) return MORTISE_E_NULL;
  if (client->struct_size != sizeof *client) return MORTISE_E_SIZE;
  if (client->reason_code != 0 && (client->reason_code < 0x80 || client->reason_code > 0xFF)) return MORTISE_E_INVALID;
  ClientIntent target{string_of(client->name_space), string_of(client->client_id), client->reason_code};
  const std::lock_guard lock(world().mutex);
  if (client->principal != 0) {
    Entry* entry = nullptr;
    const Status status = world().find(client->principal, entry);
    if (status != Status::ok) return code(status);
    if (entry->shown->kind != MORTISE_KIND_PRINCIPAL) return MORTISE_E_WRONG_KIND;
    target.name_space = entry->shown->fields.at(MORTISE_FIELD_PRINCIPAL_NAME_SPACE).bytes;
    target.client_id = entry->shown->fields.at(MORTISE_FIELD_PRINCIPAL_CLIENT_ID).bytes;
  }
  Intent intent;
  intent.disconnect = std::move(target);
  return queue(where, std::move(intent));
}

std::uint32_t invalidate(mortise_handle where, mortise_bytes name_space, mortise_bytes client_id) {
  Intent intent;
  intent.invalidate = ClientIntent{string_of(name_space), string_of(client_id), 0};
  const std::lock_guard lock(world().mutex);
  return queue(where, std::move(intent));
}

std::uint32_t set_timer(mortise_handle where, std::uint64_t delay_ms, std::uint64_t id) {
  const std::lock_guard lock(world().mutex);
  FakeHost::State* host = nullptr;
  Scope* scope = nullptr;
  const Status status = world().find_actor(where, host, scope);
  if (status != Status::ok) return code(status);
  if (host->plugin->on_timer == nullptr) return MORTISE_E_UNSUPPORTED;
  Intent intent;
  intent.timer = {id, delay_ms};
  return queue(where, std::move(intent));
}

std::uint32_t cancel_timer(mortise_handle where, std::uint64_t id) {
  Intent intent;
  intent.cancelled_timer = id;
  const std::lock_guard lock(world().mutex);
  return queue(where, std::move(intent));
}

std::uint32_t emit(mortise_handle call, mortise_bytes records) {
  const std::lock_guard lock(world().mutex);
  Scope* scope = nullptr;
  const Status status = world().find_call(call, scope);
  if (status != Status::ok) return code(status);
  const std::uint32_t kind = world().entries.at(call).shown->kind;
  if (kind != MORTISE_KIND_STORE_LOAD && kind != MORTISE_KIND_STORE_FETCH) return MORTISE_E_WRONG_KIND;
  if (records.data == nullptr && records.size != 0) return MORTISE_E_NULL;
  scope->emitted.append(records.data, records.size);
  return MORTISE_OK;
}

}  // namespace

const mortise_intent_v1& intent_table() {
  static const mortise_intent_v1 table = {
      sizeof(mortise_intent_v1), 0, publish, disconnect, invalidate, set_timer, cancel_timer};
  return table;
}

const mortise_store_v1& store_table() {
  static const mortise_store_v1 table = {sizeof(mortise_store_v1), 0, emit};
  return table;
}

const void* service_table(const std::string& name) {
  static const std::map<std::string, const void*> tables = {
      {MORTISE_SERVICE_CORE, &core_table()},         {MORTISE_SERVICE_VIEW, &view_table()},
      {MORTISE_SERVICE_DECISION, &decision_table()}, {MORTISE_SERVICE_TOKEN, &token_table()},
      {MORTISE_SERVICE_INTENT, &intent_table()},     {MORTISE_SERVICE_STORE, &store_table()}};
  const auto found = tables.find(name);
  return found == tables.end() ? nullptr : found->second;
}

}  // namespace mortise::testing

void mortise::testing::FakeHost::State::carry_out(Intent& intent) {
  if (intent.publish) published.push_back(std::move(*intent.publish));
  if (intent.disconnect) disconnected.push_back(std::move(*intent.disconnect));
  if (intent.invalidate) invalidated.push_back(std::move(*intent.invalidate));
  if (intent.timer) timers[intent.timer->first] = intent.timer->second;
  if (intent.cancelled_timer) timers.erase(*intent.cancelled_timer);
}
