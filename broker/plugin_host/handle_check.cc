#include "broker/plugin_host/handle_check.h"

#include <string>

#include "broker/base/log.h"

namespace mortise::plugin_host {

namespace {

std::string name_of_function(std::size_t function) {
  const abi::FunctionRow& row = abi::kFunctions[function];
  std::string_view service = row.service;
  service.remove_prefix(std::string_view("mortise.").size());
  return std::string(service.substr(0, service.find('/'))) + "." + std::string(row.name);
}

/// Charges the instance a handle was given to, when it can be told; else the one that runs here; else nobody.
void charge(std::uint32_t status, const std::optional<CallOrigin>& origin, const std::string& what) {
  const CallFrame* frame = CallerThread::current_frame();
  if (frame != nullptr) {
    frame->instance().violated(status, frame->point(), what);
    return;
  }
  const auto instance = origin ? Instance::find(origin->instance) : nullptr;
  if (instance != nullptr) {
    instance->violated(status, origin->point, what + " (on a thread of its own)");
  } else {
    unattributed_violations().record(status, "a plugin's own thread: " + what);
  }
}

bool runs_further_out(std::uint64_t serial) noexcept {
  for (const CallFrame* frame = CallerThread::current_frame(); frame != nullptr; frame = frame->outer()) {
    if (frame->serial() == serial) return true;
  }
  return false;
}

std::uint32_t status_of(const CallerThread::Finding& finding, std::uint64_t serial) noexcept {
  if (runs_further_out(serial)) return MORTISE_E_OUTER_SCOPE;
  switch (finding.serial) {
    case CallerThread::Serial::kNeverGiven:
      return MORTISE_E_FORGED;
    case CallerThread::Serial::kEnded:
      return MORTISE_E_EXPIRED;
    case CallerThread::Serial::kRunsHere:
      return MORTISE_E_OUTER_SCOPE;
    case CallerThread::Serial::kRunsElsewhere:
      return MORTISE_E_WRONG_THREAD;
  }
  return MORTISE_E_FORGED;
}

/// The slow path of a borrowed handle that is not of the innermost call.
std::uint32_t classify(mortise_handle handle, std::size_t function) {
  const std::uint64_t serial = handle::serial_of(handle);
  const CallerThread::Finding finding = CallerThread::find(serial);
  const std::uint32_t status = status_of(finding, serial);
  std::string what = name_of_function(function) + " was given a handle that ";
  switch (status) {
    case MORTISE_E_EXPIRED:
      what += "expired: it was of ";
      what += finding.origin
                  ? label_of(finding.origin->point) + ", " + std::to_string(finding.age) + " call(s) ago on that thread"
                  : "a call that ended long ago";
      break;
    case MORTISE_E_WRONG_THREAD:
      what += "belongs to a call on another thread";
      break;
    case MORTISE_E_OUTER_SCOPE:
      what += "belongs to a call further out";
      break;
    default:
      what += "was never given";
      break;
  }
  charge(status, finding.origin, what);
  return status;
}

/// A handle with the innermost call's serial that is not the call handle: a child of it, or made up.
Borrowed resolve_child(CallFrame& frame, mortise_handle handle, std::size_t function) {
  const CallPoint& point = kCallPoints[frame.point()];
  const auto slot = static_cast<std::uint32_t>(handle::slot_of(handle));
  const std::size_t field = kChildField[point.kind];
  if (slot == 0 || field == abi::kNowhere || handle::kind_of(handle) != abi::kFields[field].child_kind ||
      slot - 1 >= kFieldReaders[field].count(frame.object())) {
    return {refuse(MORTISE_E_FORGED, function, "was given a handle that was never given"), 0, nullptr, nullptr, 0};
  }
  return {MORTISE_OK, abi::kFields[field].child_kind, kFieldReaders[field].child(frame.object(), slot - 1), &frame,
          slot};
}

}  // namespace

std::uint32_t refuse(std::uint32_t status, std::size_t function, std::string_view why) {
  charge(status, std::nullopt, name_of_function(function) + " " + std::string(why));
  return status;
}

Borrowed resolve_slowly(mortise_handle handle, std::size_t function) {
  Borrowed result;
  if (handle == 0) {
    result.status = MORTISE_E_NULL;
    return result;
  }
  if (handle::is_owned(handle)) {
    result.status = refuse(MORTISE_E_WRONG_KIND, function, "takes no owned handle");
    return result;
  }
  CallFrame* frame = CallerThread::current_frame();
  if (frame != nullptr && frame->serial() == handle::serial_of(handle)) return resolve_child(*frame, handle, function);
  result.status = classify(handle, function);
  return result;
}

Borrowed resolve_call(mortise_handle handle, std::uint32_t kind, std::size_t function) {
  Borrowed call = resolve_borrowed(handle, function);
  if (call.status != MORTISE_OK) return call;
  if (call.kind != kind || call.slot != 0) {
    call.status = refuse(MORTISE_E_WRONG_KIND, function, "was given a handle of a kind it does not take");
  }
  return call;
}

Caller resolve_self(mortise_handle self, std::size_t function) {
  Caller caller;
  CallFrame* frame = CallerThread::current_frame();
  if (self == 0) {
    caller.status = MORTISE_E_NULL;
  } else if (frame != nullptr && frame->instance().self() == self) {
    caller.status = MORTISE_OK;
    caller.instance = &frame->instance();
  } else if (!handle::is_owned(self) || handle::kind_of(self) != MORTISE_KIND_INSTANCE) {
    caller.status = refuse(MORTISE_E_WRONG_KIND, function, "wants the instance's own handle");
  } else if (!Instance::was_given(handle::index_of(self)) || Instance::self_of(handle::index_of(self)) != self) {
    caller.status = refuse(MORTISE_E_FORGED, function, "was given an instance handle that was never given");
  } else if (frame != nullptr) {
    caller.status = refuse(MORTISE_E_FOREIGN, function, "was given another plugin's instance handle");
  } else {
    caller.keeps = Instance::find(handle::index_of(self));
    caller.instance = caller.keeps.get();
    caller.status = caller.instance == nullptr || caller.instance->is_stopped() ? MORTISE_E_CLOSED : MORTISE_OK;
  }
  return caller;
}

Caller resolve_where(mortise_handle where, std::size_t function) {
  if (where == 0 || handle::is_owned(where)) return resolve_self(where, function);
  const Borrowed call = resolve_borrowed(where, function);
  Caller caller;
  caller.status = call.status;
  if (call.status != MORTISE_OK) return caller;
  if (call.slot != 0) {
    caller.status = refuse(MORTISE_E_WRONG_KIND, function, "wants the running call, not a child of it");
    return caller;
  }
  caller.instance = &call.frame->instance();
  caller.frame = call.frame;
  return caller;
}

Caller resolve_owner(mortise_handle owned, std::size_t function) {
  Caller caller;
  const std::uint32_t kind = handle::kind_of(owned);
  const abi::KindRow* row = abi::find_kind(kind);
  if (kind == MORTISE_KIND_TOKEN || kind == MORTISE_KIND_INSTANCE) {
    caller.status = refuse(MORTISE_E_WRONG_KIND, function, "was given a token or an instance");
    return caller;
  }
  const std::uint32_t owner = HandleSlots::owner_of(handle::index_of(owned));
  CallFrame* frame = CallerThread::current_frame();
  if (row == nullptr || owner == 0) {
    const std::uint32_t status = row == nullptr ? MORTISE_E_FORGED : classify_owned_elsewhere(handle::index_of(owned));
    caller.status = refuse(status, function, "was given an owned handle that is not there");
    return caller;
  }
  if (frame != nullptr && frame->instance().ordinal() != owner) {
    caller.status = refuse(MORTISE_E_FOREIGN, function, "was given another plugin's handle");
    return caller;
  }
  if (frame != nullptr) {
    caller.instance = &frame->instance();
  } else {
    caller.keeps = Instance::find(owner);
    caller.instance = caller.keeps.get();
  }
  caller.status = caller.instance == nullptr || caller.instance->is_stopped() ? MORTISE_E_CLOSED : MORTISE_OK;
  return caller;
}

}  // namespace mortise::plugin_host
