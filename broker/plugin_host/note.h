#pragma once

#include <mortise/abi.h>

#include <optional>

namespace mortise::plugin_host {

/// The Mortise note of a mapped shared object (its PT_NOTE segments, bounds-checked); nothing when it has none, or a
/// damaged one. `address`: anything inside the object. Thread: control.
std::optional<mortise_note> find_note(const void* address);

}  // namespace mortise::plugin_host
