#include <cstring>

#include "broker/plugin_host/config_document.h"
#include "broker/plugin_host/handle_check.h"
#include "broker/plugin_host/plugin_bytes.h"
#include "broker/plugin_host/services.h"

// mortise.view/1: fields are found in the ABI's own table and read through kFieldReaders.
namespace mortise::plugin_host {

namespace {

using abi::FieldType;

constexpr std::size_t kGetU64 = function_index(MORTISE_SERVICE_VIEW, "get_u64");
constexpr std::size_t kGetBytes = function_index(MORTISE_SERVICE_VIEW, "get_bytes");
constexpr std::size_t kGetCount = function_index(MORTISE_SERVICE_VIEW, "get_count");
constexpr std::size_t kGetPair = function_index(MORTISE_SERVICE_VIEW, "get_pair");
constexpr std::size_t kGetChild = function_index(MORTISE_SERVICE_VIEW, "get_child");
constexpr std::size_t kCopy = function_index(MORTISE_SERVICE_VIEW, "copy");
constexpr std::size_t kMap = function_index(MORTISE_SERVICE_VIEW, "map");
constexpr std::size_t kConfigGet = function_index(MORTISE_SERVICE_VIEW, "config_get");
constexpr std::size_t kConfigCount = function_index(MORTISE_SERVICE_VIEW, "config_count");
constexpr std::size_t kConfigKey = function_index(MORTISE_SERVICE_VIEW, "config_key");

constexpr bool is_bytes_or_payload(FieldType type) noexcept {
  return type == FieldType::kBytes || type == FieldType::kPayload;
}

/// A field's index, or a status. `accepts`: whether the calling function reads this type.
template <class Accepts>
std::uint32_t find_reader(std::uint32_t kind, std::uint32_t field, Accepts accepts, std::size_t& at) noexcept {
  at = abi::find_field(kind, field);
  if (at == abi::kNowhere) return MORTISE_E_NO_FIELD;
  return accepts(abi::kFields[at].type) ? MORTISE_OK : MORTISE_E_WRONG_TYPE;
}

ScratchKey key_of(std::uint32_t slot, std::uint32_t field, std::uint64_t index = 0) noexcept {
  return {slot << 16 | field, static_cast<std::uint32_t>(index)};
}

/// Copies bytes into the scope's memory, unless they are there already.
std::uint32_t show(Instance& instance, ScratchArena* arena, ScratchKey key, ByteView bytes, mortise_bytes& out) {
  if (arena == nullptr) return instance.refuse_more(Quota::kShownBytes);
  std::size_t size = 0;
  const char* shown = arena->find(key, size);
  if (shown == nullptr) {
    shown = arena->put(key, bytes);
    size = bytes.size();
  }
  if (shown == nullptr) return instance.refuse_more(Quota::kShownBytes);
  out = {shown, size};
  return MORTISE_OK;
}

/// Runs `read(kind, object, slot, arena, instance)` for a borrowed or an owned handle. The arena is made only when
/// asked for.
template <class Read>
std::uint32_t with_object(mortise_handle handle, std::size_t function, Read&& read) {
  if (!handle::is_owned(handle)) [[likely]] {
    const Borrowed found = resolve_borrowed(handle, function);
    if (found.status != MORTISE_OK) return found.status;
    return read(
        found.kind, found.object, found.slot, [&] { return found.frame->arena(); }, found.frame->instance());
  }
  const Caller owner = resolve_owner(handle, function);
  if (owner.status != MORTISE_OK) return owner.status;
  const std::uint32_t kind = handle::kind_of(handle);
  bool was_read = false;
  const std::uint32_t status = owner.instance->owned().read(handle, [&](const void* object, ScratchArena& arena) {
    was_read = true;
    return read(
        kind, object, 0, [&] { return &arena; }, *owner.instance);
  });
  return was_read ? status : refuse(status, function, "was given an owned handle that is not there");
}

/// A note is its writer's: to every other plugin it is absent.
bool is_of_another(std::uint32_t kind, std::uint32_t field, const void* object, const Instance& instance) noexcept {
  if (kind != MORTISE_KIND_PRINCIPAL || field != MORTISE_FIELD_PRINCIPAL_NOTE) [[likely]]
    return false;
  const mqtt::PrincipalNote* const note = static_cast<const mqtt::Principal*>(object)->note();
  return note != nullptr && note->plugin != instance.name();
}

void count_shown(std::uint64_t size) noexcept {
  if (CallFrame* frame = CallerThread::current_frame()) frame->lane().counters[frame->point()].bytes_shown.add(size);
}

// ---- Fields ---------------------------------------------------------------------------------------------------------

std::uint32_t get_u64(mortise_handle handle, std::uint32_t field, std::uint64_t* out) noexcept {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = 0;
  return with_object(handle, kGetU64, [&](std::uint32_t kind, const void* object, std::uint32_t, auto&&, Instance&) {
    std::size_t at = 0;
    const std::uint32_t status = find_reader(
        kind, field, [](FieldType type) { return type == FieldType::kU64; }, at);
    if (status != MORTISE_OK) return status;
    return kFieldReaders[at].number(object, *out) ? MORTISE_OK : MORTISE_E_ABSENT;
  });
}

/// get_bytes and map differ in which types they take and in the limit.
template <class Accepts>
std::uint32_t show_field(mortise_handle handle, std::uint32_t field, std::size_t function, Accepts accepts,
                         bool is_limited, mortise_bytes& out) {
  const auto read = [&](std::uint32_t kind, const void* object, std::uint32_t slot, auto&& arena, Instance& instance) {
    std::size_t at = 0;
    if (const std::uint32_t status = find_reader(kind, field, accepts, at); status != MORTISE_OK) return status;
    ByteView bytes;
    if (is_of_another(kind, field, object, instance)) return MORTISE_E_ABSENT;
    if (!kFieldReaders[at].bytes(object, bytes)) return MORTISE_E_ABSENT;
    if (is_limited && bytes.size() > instance.limits().map_bytes) return MORTISE_E_TOO_LARGE;
    return show(instance, arena(), key_of(slot, field), bytes, out);
  };
  const std::uint32_t status = with_object(handle, function, read);
  if (status == MORTISE_OK) count_shown(out.size);
  return status;
}

std::uint32_t get_bytes(mortise_handle handle, std::uint32_t field, mortise_bytes* out) noexcept {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = no_bytes();
  return show_field(
      handle, field, kGetBytes, [](FieldType type) { return type == FieldType::kBytes; }, false, *out);
}

std::uint32_t map(mortise_handle handle, std::uint32_t field, mortise_bytes* out) noexcept {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = no_bytes();
  return show_field(handle, field, kMap, is_bytes_or_payload, true, *out);
}

std::uint32_t copy(mortise_handle handle, std::uint32_t field, std::uint64_t offset, void* buffer, std::uint64_t size,
                   std::uint64_t* copied) noexcept {
  if (copied == nullptr || (buffer == nullptr && size != 0)) return MORTISE_E_NULL;
  *copied = 0;
  const auto read = [&](std::uint32_t kind, const void* object, std::uint32_t, auto&&, Instance& instance) {
    std::size_t at = 0;
    const std::uint32_t status = find_reader(kind, field, is_bytes_or_payload, at);
    if (status != MORTISE_OK) return status;
    ByteView bytes;
    if (is_of_another(kind, field, object, instance)) return MORTISE_E_ABSENT;
    if (!kFieldReaders[at].bytes(object, bytes)) return MORTISE_E_ABSENT;
    if (offset > bytes.size()) return MORTISE_E_RANGE;
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(size, bytes.size() - offset));
    if (part != 0) std::memcpy(buffer, bytes.data() + offset, part);
    *copied = part;
    return MORTISE_OK;
  };
  return with_object(handle, kCopy, read);
}

std::uint32_t get_count(mortise_handle handle, std::uint32_t field, std::uint64_t* out) noexcept {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = 0;
  return with_object(handle, kGetCount, [&](std::uint32_t kind, const void* object, std::uint32_t, auto&&, Instance&) {
    std::size_t at = 0;
    const auto accepts = [](FieldType type) { return type == FieldType::kPairs || type == FieldType::kChild; };
    const std::uint32_t status = find_reader(kind, field, accepts, at);
    if (status != MORTISE_OK) return status;
    const bool has_none = abi::kFields[at].type == FieldType::kChild && handle::is_owned(handle);
    *out = has_none ? 0 : kFieldReaders[at].count(object);
    return MORTISE_OK;
  });
}

std::uint32_t get_pair(mortise_handle handle, std::uint32_t field, std::uint64_t index, mortise_bytes* key,
                       mortise_bytes* value) noexcept {
  if (key == nullptr || value == nullptr) return MORTISE_E_NULL;
  *key = *value = no_bytes();
  const auto read = [&](std::uint32_t kind, const void* object, std::uint32_t slot, auto&& arena, Instance& instance) {
    std::size_t at = 0;
    const auto accepts = [](FieldType type) { return type == FieldType::kPairs; };
    if (const std::uint32_t status = find_reader(kind, field, accepts, at); status != MORTISE_OK) return status;
    if (index >= kFieldReaders[at].count(object)) return MORTISE_E_RANGE;
    std::string_view name;
    std::string_view text;
    kFieldReaders[at].pair(object, index, name, text);
    ScratchArena* memory = arena();
    std::uint32_t status = show(instance, memory, key_of(slot, field, 2 * index), as_bytes(name), *key);
    if (status == MORTISE_OK)
      status = show(instance, memory, key_of(slot, field, 2 * index + 1), as_bytes(text), *value);
    if (status != MORTISE_OK) *key = *value = no_bytes();
    return status;
  };
  const std::uint32_t status = with_object(handle, kGetPair, read);
  if (status == MORTISE_OK) count_shown(key->size + value->size);
  return status;
}

std::uint32_t get_child(mortise_handle handle, std::uint32_t field, std::uint64_t index, mortise_handle* out) noexcept {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = 0;
  if (handle == 0) return MORTISE_E_NULL;
  if (!is_right_thread<kGetChild>()) return refuse(MORTISE_E_WRONG_THREAD, kGetChild, "was called outside of a call");
  return with_object(handle, kGetChild, [&](std::uint32_t kind, const void* object, std::uint32_t, auto&&, Instance&) {
    std::size_t at = 0;
    const auto accepts = [](FieldType type) { return type == FieldType::kChild; };
    const std::uint32_t status = find_reader(kind, field, accepts, at);
    if (status != MORTISE_OK) return status;
    if (handle::is_owned(handle) || index >= kFieldReaders[at].count(object)) return MORTISE_E_RANGE;
    *out = handle::borrowed(abi::kFields[at].child_kind, index + 1, handle::serial_of(handle));
    return MORTISE_OK;
  });
}

// ---- Configuration --------------------------------------------------------------------------------------------------

struct ConfigQueryView {
  std::uint32_t status = MORTISE_OK;
  const ConfigDocument* document = nullptr;
  std::string_view pointer;
  CallFrame* frame = nullptr;
};

template <std::size_t kFunction>
ConfigQueryView begin_query(mortise_handle call, mortise_bytes pointer) {
  ConfigQueryView query;
  if (call == 0) {
    query.status = MORTISE_E_NULL;
    return query;
  }
  if (!is_right_thread<kFunction>()) {
    query.status = refuse(MORTISE_E_WRONG_THREAD, kFunction, "was called outside of on_start, on_config and on_stop");
    return query;
  }
  const Borrowed config = resolve_call(call, MORTISE_KIND_CONFIG, kFunction);
  query.status = config.status;
  if (config.status != MORTISE_OK) return query;
  query.status = check_bytes(pointer, MORTISE_MAX_TOPIC_BYTES);
  if (query.status == MORTISE_E_RANGE) query.status = MORTISE_E_INVALID;
  query.document = static_cast<const ConfigSubject*>(config.object)->document;
  query.pointer = text_of(pointer, MORTISE_MAX_TOPIC_BYTES);
  query.frame = config.frame;
  return query;
}

std::uint32_t show_text(const ConfigQueryView& query, const std::string& text, mortise_bytes& out) {
  ScratchArena* arena = query.frame->arena();
  const char* shown = arena == nullptr ? nullptr : arena->put({0, 0}, as_bytes(text));
  if (shown == nullptr) return query.frame->instance().refuse_more(Quota::kShownBytes);
  out = {shown, text.size()};
  return MORTISE_OK;
}

std::uint32_t config_get(mortise_handle call, mortise_bytes pointer, mortise_bytes* out) noexcept {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = no_bytes();
  const ConfigQueryView query = begin_query<kConfigGet>(call, pointer);
  if (query.status != MORTISE_OK) return query.status;
  std::string text;
  const std::uint32_t status = query.document->get(query.pointer, text);
  return status == MORTISE_OK ? show_text(query, text, *out) : status;
}

std::uint32_t config_count(mortise_handle call, mortise_bytes pointer, std::uint64_t* out) noexcept {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = 0;
  const ConfigQueryView query = begin_query<kConfigCount>(call, pointer);
  if (query.status != MORTISE_OK) return query.status;
  return query.document->count(query.pointer, *out);
}

std::uint32_t config_key(mortise_handle call, mortise_bytes pointer, std::uint64_t index, mortise_bytes* out) noexcept {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = no_bytes();
  const ConfigQueryView query = begin_query<kConfigKey>(call, pointer);
  if (query.status != MORTISE_OK) return query.status;
  std::string text;
  const std::uint32_t status = query.document->key(query.pointer, index, text);
  return status == MORTISE_OK ? show_text(query, text, *out) : status;
}

}  // namespace

constinit const mortise_view_v1 kViewService = {sizeof(mortise_view_v1),
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

}  // namespace mortise::plugin_host
