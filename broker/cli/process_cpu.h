#pragma once

#include <chrono>

#include "broker/base/result.h"

namespace mortise::cli {

/// The CPU time a process and its threads used so far, user and system, in steps of the kernel's clock tick.
/// Errors: there is no such process.
Result<std::chrono::microseconds> cpu_of(int pid);

/// Raises the number of descriptors this process may open to what it is allowed to raise it to. Returns that number.
std::size_t raise_descriptor_limit();

}  // namespace mortise::cli
