#include <algorithm>
#include <array>

#include "broker/base/log.h"
#include "broker/base/time.h"
#include "broker/plugin_host/handle_check.h"
#include "broker/plugin_host/plugin_bytes.h"
#include "broker/plugin_host/services.h"

// mortise.core/1: log, clocks, counters, owned handles.
namespace mortise::plugin_host {

namespace {

constexpr std::size_t kLog = function_index(MORTISE_SERVICE_CORE, "log");
constexpr std::size_t kFail = function_index(MORTISE_SERVICE_CORE, "fail");
constexpr std::size_t kRetain = function_index(MORTISE_SERVICE_CORE, "retain");
constexpr std::size_t kRelease = function_index(MORTISE_SERVICE_CORE, "release");
constexpr std::size_t kCounterAdd = function_index(MORTISE_SERVICE_CORE, "counter_add");

/// Text of a plugin's as part of a log line: control characters and what is not UTF-8 are escaped.
std::string escaped(std::string_view text) {
  std::string line = quoted(text, MORTISE_MAX_LOG_BYTES);
  line.erase(0, 1);
  if (line.ends_with('"')) line.pop_back();
  return line;
}

std::uint32_t log(mortise_handle where, std::uint32_t level, mortise_bytes text) noexcept {
  const Caller caller = resolve_where(where, kLog);
  if (caller.status != MORTISE_OK) return caller.status;
  if (level < MORTISE_LOG_DEBUG || level > MORTISE_LOG_ERROR) return MORTISE_E_INVALID;
  if (text.data == nullptr && text.size != 0) return MORTISE_E_NULL;
  const auto broker_level = static_cast<LogLevel>(level - MORTISE_LOG_DEBUG);
  if (!is_logged(broker_level)) return MORTISE_OK;
  std::uint64_t held_back = 0;
  if (!caller.instance->log_limit().admit(held_back)) return caller.instance->refuse_more(Quota::kLogLines);
  std::string line = caller.instance->name();
  if (caller.frame != nullptr) {
    line.append(" ").append(label_of(caller.frame->point()));
    if (!caller.frame->client().empty()) line.append(" client ").append(quoted(caller.frame->client(), 64));
  }
  line.append(": ").append(escaped(text_of(text, MORTISE_MAX_LOG_BYTES)));
  if (held_back != 0) line.append(" (").append(std::to_string(held_back)).append(" lines before it were dropped)");
  log_line(broker_level, "plugin", "%s", line.c_str());
  return MORTISE_OK;
}

std::uint32_t fail(mortise_handle call, mortise_bytes text) noexcept {
  if (call == 0) return MORTISE_E_NULL;
  if (!is_right_thread<kFail>()) {
    return refuse(MORTISE_E_WRONG_THREAD, kFail, "was called outside of on_start, on_config and on_stop");
  }
  const Borrowed found = resolve_call(call, MORTISE_KIND_CONFIG, kFail);
  if (found.status != MORTISE_OK) return found.status;
  if (text.data == nullptr && text.size != 0) return MORTISE_E_NULL;
  if (found.frame->failure != nullptr) *found.frame->failure = escaped(text_of(text, MORTISE_MAX_LOG_BYTES));
  return MORTISE_OK;
}

/// A counted pointer to what a borrowed handle stands for; null for kinds that cannot be retained.
std::shared_ptr<const void> counted(const Borrowed& found) {
  const void* source = found.frame->counted_object;
  switch (found.kind) {
    case MORTISE_KIND_CONNECT_REQUEST:
      return *static_cast<const hooks::ConnectRequestPtr*>(source);
    case MORTISE_KIND_ACCESS_REQUEST:
      return *static_cast<const hooks::AccessRequestPtr*>(source);
    case MORTISE_KIND_BIND_REQUEST:
      return *static_cast<const hooks::BindRequestPtr*>(source);
    case MORTISE_KIND_EVENT:
      return std::make_shared<const hooks::Event>(*static_cast<const hooks::Event*>(found.object));
    case MORTISE_KIND_PRINCIPAL:
      if (kCallPoints[found.frame->point()].kind == MORTISE_KIND_ACCESS_REQUEST) {
        return (*static_cast<const hooks::AccessRequestPtr*>(source))->principal;
      }
      return (*static_cast<const hooks::BindRequestPtr*>(source))->principal;
    default:
      return nullptr;
  }
}

std::uint32_t retain(mortise_handle handle, mortise_handle* owned) noexcept {
  if (owned == nullptr) return MORTISE_E_NULL;
  *owned = 0;
  if (handle == 0) return MORTISE_E_NULL;
  if (!is_right_thread<kRetain>()) return refuse(MORTISE_E_WRONG_THREAD, kRetain, "was called outside of a call");
  const Borrowed found = resolve_borrowed(handle, kRetain);
  if (found.status != MORTISE_OK) return found.status;
  if (!abi::find_kind(found.kind)->is_retainable) {
    return refuse(MORTISE_E_WRONG_KIND, kRetain, "was given a handle that cannot be retained");
  }
  Instance& instance = found.frame->instance();
  const std::uint32_t status = instance.owned().add(found.kind, counted(found), *owned);
  return status == MORTISE_E_QUOTA ? instance.refuse_more(Quota::kHandles) : status;
}

std::uint32_t release(mortise_handle self, mortise_handle owned) noexcept {
  const Caller caller = resolve_self(self, kRelease);
  if (caller.status != MORTISE_OK) return caller.status;
  if (owned == 0) return MORTISE_E_NULL;
  const std::uint32_t kind = handle::kind_of(owned);
  if (!handle::is_owned(owned) || kind == MORTISE_KIND_TOKEN || kind == MORTISE_KIND_INSTANCE) {
    return refuse(MORTISE_E_WRONG_KIND, kRelease, "was given a handle that is not retained");
  }
  std::size_t overruns = 0;
  const std::uint32_t status = caller.instance->owned().release(owned, overruns);
  if (status != MORTISE_OK) return refuse(status, kRelease, "was given an owned handle that is not there");
  if (overruns != 0) {
    caller.instance->violated(Violations::kOverrun, kCallPoints.size(),
                              "wrote outside of what a retained handle showed", overruns);
  }
  return MORTISE_OK;
}

std::uint32_t now_wall_ms(std::uint64_t* out) noexcept {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = static_cast<std::uint64_t>(wall_now().time_since_epoch().count());
  return MORTISE_OK;
}

std::uint32_t now_steady_ms(std::uint64_t* out) noexcept {
  if (out == nullptr) return MORTISE_E_NULL;
  *out = static_cast<std::uint64_t>(std::chrono::duration_cast<Millis>(steady_now().time_since_epoch()).count());
  return MORTISE_OK;
}

std::uint32_t counter_add(mortise_handle where, mortise_bytes name, std::uint64_t delta) noexcept {
  const Caller caller = resolve_where(where, kCounterAdd);
  if (caller.status != MORTISE_OK) return caller.status;
  if (const std::uint32_t status = check_bytes(name, MORTISE_MAX_COUNTER_NAME_BYTES); status != MORTISE_OK)
    return status;
  const std::string_view text = text_of(name);
  const bool is_name = !text.empty() && std::all_of(text.begin(), text.end(), [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_';
  });
  return is_name ? caller.instance->add_to_counter(text, delta) : MORTISE_E_INVALID;
}

}  // namespace

constinit const mortise_core_v1 kCoreService = {
    sizeof(mortise_core_v1), 0, log, fail, retain, release, now_wall_ms, now_steady_ms, counter_add};

}  // namespace mortise::plugin_host
