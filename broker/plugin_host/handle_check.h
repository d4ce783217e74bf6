#pragma once

#include <mortise/abi.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "broker/plugin_host/call_frame.h"
#include "broker/plugin_host/fields.h"

/// What a handle that a plugin passes stands for, or which status it deserves (R4). A wrong one is logged and counted
/// where it is found.
namespace mortise::plugin_host {

/// The index in abi::kFunctions of a function, for its thread tags; a compile error when there is none.
consteval std::size_t function_index(std::string_view service, std::string_view name) {
  for (std::size_t i = 0; i < abi::kFunctions.size(); ++i) {
    if (abi::kFunctions[i].service == service && abi::kFunctions[i].name == name) return i;
  }
  throw "no such function";
}

/// Whether the function may be called on this thread now (R15).
template <std::size_t kFunction>
bool is_right_thread() noexcept {
  constexpr std::uint32_t kTags = abi::kFunctions[kFunction].thread_tags;
  if constexpr ((kTags & abi::kAny) != 0) return true;
  const CallFrame* frame = CallerThread::current_frame();
  return frame != nullptr && (kCallPoints[frame->point()].thread_tag & kTags) != 0;
}

/// What a borrowed handle of the innermost call stands for.
struct Borrowed {
  std::uint32_t status = MORTISE_E_FORGED;
  std::uint32_t kind = 0;
  const void* object = nullptr;
  CallFrame* frame = nullptr;
  std::uint32_t slot = 0;
};

/// Cost: a compare for the call handle itself. Errors: E_NULL, E_EXPIRED, E_WRONG_THREAD, E_OUTER_SCOPE, E_FORGED,
/// E_WRONG_KIND (owned).
Borrowed resolve_slowly(mortise_handle handle, std::size_t function);
inline Borrowed resolve_borrowed(mortise_handle handle, std::size_t function) {
  CallFrame* frame = CallerThread::current_frame();
  if (frame != nullptr && frame->handle() == handle) [[likely]]
    return {MORTISE_OK, kCallPoints[frame->point()].kind, frame->object(), frame, 0};
  return resolve_slowly(handle, function);
}

/// The call handle itself, of this kind. Errors: as resolve_borrowed, and E_WRONG_KIND for another kind or a child.
Borrowed resolve_call(mortise_handle handle, std::uint32_t kind, std::size_t function);

/// The instance behind `self`, or behind the running call (`where`). `frame` is null for self.
struct Caller {
  std::uint32_t status = MORTISE_E_FORGED;
  std::shared_ptr<Instance> keeps;  // of self used outside of the instance's calls
  Instance* instance = nullptr;
  CallFrame* frame = nullptr;
};
/// Errors: E_NULL, E_WRONG_KIND, E_FORGED, E_FOREIGN, E_CLOSED (stopped).
Caller resolve_self(mortise_handle self, std::size_t function);
/// Errors: those of resolve_self and of resolve_borrowed.
Caller resolve_where(mortise_handle where, std::size_t function);

/// The instance that an owned handle belongs to. Errors: E_FORGED, E_FOREIGN, E_RELEASED, E_CLOSED, E_WRONG_KIND (self,
/// a token).
Caller resolve_owner(mortise_handle owned, std::size_t function);

/// Logs and counts a wrong use by the running call's instance, or by nobody known; returns `status`.
std::uint32_t refuse(std::uint32_t status, std::size_t function, std::string_view why);

}  // namespace mortise::plugin_host
