/// mortise.core/1 and mortise.view/1 of the fake host.

#include <cstring>

#include "state.h"

namespace mortise::testing {
namespace {

std::uint32_t code(Status status) { return static_cast<std::uint32_t>(status); }

std::uint32_t log(mortise_handle where, std::uint32_t level, mortise_bytes text) {
  const std::lock_guard lock(world().mutex);
  FakeHost::State* host = nullptr;
  Scope* scope = nullptr;
  const Status status = world().find_actor(where, host, scope);
  if (status != Status::ok) return code(status);
  if (level < MORTISE_LOG_DEBUG || level > MORTISE_LOG_ERROR) return MORTISE_E_INVALID;
  host->log.push_back({level, string_of(text)});
  return MORTISE_OK;
}

std::uint32_t fail(mortise_handle call, mortise_bytes text) {
  const std::lock_guard lock(world().mutex);
  Scope* scope = nullptr;
  const Status status = world().find_call(call, scope);
  if (status != Status::ok) return code(status);
  scope->failure = string_of(text);
  return MORTISE_OK;
}

std::uint32_t retain(mortise_handle handle, mortise_handle* owned) {
  if (owned == nullptr) return MORTISE_E_NULL;
  *owned = 0;
  const std::lock_guard lock(world().mutex);
  Entry* entry = nullptr;
  const Status status = world().find(handle, entry);
  if (status != Status::ok) return code(status);
  const std::uint32_t kind = entry->shown->kind;
  if (kind == MORTISE_KIND_CONFIG || kind == MORTISE_KIND_TIMER || kind >= MORTISE_KIND_STORE_OPEN ||
      kind == MORTISE_KIND_EVENT_BATCH) {
    return MORTISE_E_WRONG_KIND;
  }
  if (entry->host->owned_handles >= entry->host->limits.owned_handles) return MORTISE_E_QUOTA;
  auto copy = std::make_shared<Shown>(*entry->shown);
  copy->children.clear();
  const Entry made{entry->host, std::move(copy), nullptr, std::make_shared<Arena>()};
  *owned = world().make(kind) | std::uint64_t{1} << 63;
  ++made.host->owned_handles;
  world().entries[*owned] = made;
  return MORTISE_OK;
}

std::uint32_t release(mortise_handle self, mortise_handle owned) {
  const std::lock_guard lock(world().mutex);
  FakeHost::State* host = nullptr;
  Status status = world().find_instance(self, host);
  if (status != Status::ok) return code(status);
  Entry* entry = nullptr;
  status = world().find(owned, entry);
  if (status != Status::ok) return code(status);
  if (entry->scope != nullptr || entry->shown->kind == MORTISE_KIND_INSTANCE) return MORTISE_E_WRONG_KIND;
  if (entry->host != host) return MORTISE_E_FOREIGN;
  --host->owned_handles;
  world().entries.erase(owned);
  world().ended[owned] = Status::e_released;
  return MORTISE_OK;
}

std::uint32_t now_wall_ms(std::uint64_t* out) {
  if (out == nullptr) return MORTISE_E_NULL;
  const std::lock_guard lock(world().mutex);
  *out = world().wall_ms;
  return MORTISE_OK;
}

std::uint32_t now_steady_ms(std::uint64_t* out) {
  if (out == nullptr) return MORTISE_E_NULL;
  const std::lock_guard lock(world().mutex);
  *out = world().steady_ms;
  return MORTISE_OK;
}

std::uint32_t counter_add(mortise_handle where, mortise_bytes name, std::uint64_t delta) {
  const std::lock_guard lock(world().mutex);
  FakeHost::State* host = nullptr;
  Scope* scope = nullptr;
  const Status status = world().find_actor(where, host, scope);
  if (status != Status::ok) return code(status);
  const std::string text = string_of(name);
  const bool is_name =
      !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
  if (!is_name) return MORTISE_E_INVALID;
  host->counters[text] += delta;
  return MORTISE_OK;
}

/// The field of a handle, if it is of a type that the function reads.
Status find_value(mortise_handle handle, std::uint32_t field, std::initializer_list<Value::Type> types, Entry*& entry,
                  const Value*& value) {
  const Status status = world().find(handle, entry);
  if (status != Status::ok) return status;
  const auto found = entry->shown->fields.find(field);
  if (found == entry->shown->fields.end()) {
    return entry->shown->children.count(field) != 0 ? Status::e_wrong_type : Status::e_no_field;
  }
  value = &found->second;
  bool is_readable = false;
  for (const Value::Type type : types) is_readable = is_readable || type == value->type;
  if (!is_readable) return Status::e_wrong_type;
  return value->is_there ? Status::ok : Status::e_absent;
}

Arena& arena_of(Entry& entry) { return entry.scope != nullptr ? entry.scope->arena : *entry.arena; }

std::uint32_t get_u64(mortise_handle handle, std::uint32_t field, std::uint64_t* out) {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = 0;
  const std::lock_guard lock(world().mutex);
  Entry* entry = nullptr;
  const Value* value = nullptr;
  const Status status = find_value(handle, field, {Value::Type::kNumber}, entry, value);
  if (status == Status::ok) *out = value->number;
  return code(status);
}

std::uint32_t get_bytes(mortise_handle handle, std::uint32_t field, mortise_bytes* out) {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = {"", 0};
  const std::lock_guard lock(world().mutex);
  Entry* entry = nullptr;
  const Value* value = nullptr;
  const Status status = find_value(handle, field, {Value::Type::kBytes}, entry, value);
  if (status == Status::ok) *out = arena_of(*entry).show(value->bytes);
  return code(status);
}

std::uint32_t get_count(mortise_handle handle, std::uint32_t field, std::uint64_t* out) {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = 0;
  const std::lock_guard lock(world().mutex);
  Entry* entry = nullptr;
  const Value* value = nullptr;
  const Status status = find_value(handle, field, {Value::Type::kPairs}, entry, value);
  if (status == Status::ok) return *out = value->pairs.size(), MORTISE_OK;
  if (status != Status::e_wrong_type || value != nullptr) return code(status);
  *out = entry->shown->children.at(field).size();
  return MORTISE_OK;
}

std::uint32_t get_pair(mortise_handle handle, std::uint32_t field, std::uint64_t index, mortise_bytes* key,
                       mortise_bytes* value_out) {
  if (key == nullptr || value_out == nullptr) return MORTISE_E_NULL;
  *key = *value_out = {"", 0};
  const std::lock_guard lock(world().mutex);
  Entry* entry = nullptr;
  const Value* value = nullptr;
  const Status status = find_value(handle, field, {Value::Type::kPairs}, entry, value);
  if (status != Status::ok) return code(status);
  if (index >= value->pairs.size()) return MORTISE_E_RANGE;
  *key = arena_of(*entry).show(value->pairs[index].first);
  *value_out = arena_of(*entry).show(value->pairs[index].second);
  return MORTISE_OK;
}

std::uint32_t get_child(mortise_handle handle, std::uint32_t field, std::uint64_t index, mortise_handle* out) {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = 0;
  const std::lock_guard lock(world().mutex);
  Entry* entry = nullptr;
  const Status status = world().find(handle, entry);
  if (status != Status::ok) return code(status);
  const auto found = entry->shown->children.find(field);
  if (found == entry->shown->children.end()) {
    return entry->shown->fields.count(field) != 0 ? MORTISE_E_WRONG_TYPE : MORTISE_E_NO_FIELD;
  }
  if (index >= found->second.size()) return MORTISE_E_RANGE;
  Scope& scope = *entry->scope;
  *out = world().add(scope, found->second[index]);
  return MORTISE_OK;
}

std::uint32_t copy(mortise_handle handle, std::uint32_t field, std::uint64_t offset, void* buffer, std::uint64_t size,
                   std::uint64_t* copied) {
  if (buffer == nullptr || copied == nullptr) return MORTISE_E_NULL;
  *copied = 0;
  const std::lock_guard lock(world().mutex);
  Entry* entry = nullptr;
  const Value* value = nullptr;
  const Status status = find_value(handle, field, {Value::Type::kBytes, Value::Type::kPayload}, entry, value);
  if (status != Status::ok) return code(status);
  if (offset > value->bytes.size()) return MORTISE_E_RANGE;
  *copied = std::min<std::uint64_t>(size, value->bytes.size() - offset);
  if (*copied != 0) std::memcpy(buffer, value->bytes.data() + offset, *copied);
  return MORTISE_OK;
}

std::uint32_t map(mortise_handle handle, std::uint32_t field, mortise_bytes* out) {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = {"", 0};
  const std::lock_guard lock(world().mutex);
  Entry* entry = nullptr;
  const Value* value = nullptr;
  const Status status = find_value(handle, field, {Value::Type::kBytes, Value::Type::kPayload}, entry, value);
  if (status == Status::ok) *out = arena_of(*entry).show(value->bytes);
  return code(status);
}

/// The part of the configuration a JSON Pointer names.
Status find_config(mortise_handle call, mortise_bytes pointer, Scope*& scope, const nlohmann::json*& part) {
  const Status status = world().find_call(call, scope);
  if (status != Status::ok) return status;
  const Shown& shown = *world().entries.at(call).shown;
  if (shown.kind != MORTISE_KIND_CONFIG) return Status::e_wrong_kind;
  nlohmann::json::json_pointer path;
  try {
    path = nlohmann::json::json_pointer(string_of(pointer));
    if (!shown.config.contains(path)) return Status::e_absent;
  } catch (const nlohmann::json::exception&) {
    return Status::e_invalid;
  }
  part = &shown.config.at(path);
  return Status::ok;
}

std::uint32_t config_get(mortise_handle call, mortise_bytes pointer, mortise_bytes* out) {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = {"", 0};
  const std::lock_guard lock(world().mutex);
  Scope* scope = nullptr;
  const nlohmann::json* part = nullptr;
  const Status status = find_config(call, pointer, scope, part);
  if (status != Status::ok) return code(status);
  if (part->is_null()) return MORTISE_E_ABSENT;
  if (part->is_structured()) return MORTISE_E_WRONG_TYPE;
  *out = scope->arena.show(part->is_string() ? part->get<std::string>() : part->dump());
  return MORTISE_OK;
}

std::uint32_t config_count(mortise_handle call, mortise_bytes pointer, std::uint64_t* out) {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = 0;
  const std::lock_guard lock(world().mutex);
  Scope* scope = nullptr;
  const nlohmann::json* part = nullptr;
  const Status status = find_config(call, pointer, scope, part);
  if (status != Status::ok) return code(status);
  if (part->is_null()) return MORTISE_E_ABSENT;
  if (!part->is_structured()) return MORTISE_E_WRONG_TYPE;
  *out = part->size();
  return MORTISE_OK;
}

std::uint32_t config_key(mortise_handle call, mortise_bytes pointer, std::uint64_t index, mortise_bytes* out) {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = {"", 0};
  const std::lock_guard lock(world().mutex);
  Scope* scope = nullptr;
  const nlohmann::json* part = nullptr;
  const Status status = find_config(call, pointer, scope, part);
  if (status != Status::ok) return code(status);
  if (part->is_null()) return MORTISE_E_ABSENT;
  if (!part->is_object()) return MORTISE_E_WRONG_TYPE;
  if (index >= part->size()) return MORTISE_E_RANGE;
  *out = scope->arena.show(std::next(part->begin(), static_cast<std::ptrdiff_t>(index)).key());
  return MORTISE_OK;
}

}  // namespace

const mortise_core_v1& core_table() {
  static const mortise_core_v1 table = {sizeof(mortise_core_v1), 0,          log, fail, retain, release, now_wall_ms,
                                        now_steady_ms,           counter_add};
  return table;
}

const mortise_view_v1& view_table() {
  static const mortise_view_v1 table = {sizeof(mortise_view_v1),
                                        0,
                                        get_u64,
                                        get_bytes,
                                        get_count,
                                        get_pair,
                                        get_child,
                                        copy,
                                        map,
                                        config_get,
                                        config_count,
                                        config_key};
  return table;
}

}  // namespace mortise::testing
