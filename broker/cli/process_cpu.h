#pragma once

#include <chrono>

#include "broker/base/result.h"

namespace mortise::cli {

/// The CPU time a process and its threads used so far, user and system: exact, not in clock ticks, so that a short or a
/// quiet run can be measured. Errors: there is no such process.
Result<std::chrono::nanoseconds> cpu_of(int pid);

/// Raises the number of descriptors this process may open to what it is allowed to raise it to. Returns that number.
std::size_t raise_descriptor_limit();

}  // namespace mortise::cli
