#pragma once

#include <cstddef>

namespace mortise {

/// Fills `out` from the system's random source. Whatever is random comes from here: a test that links its own one
/// (tests/unit/core/fixed_random.h) repeats itself. Thread: any.
void random_bytes(void* out, std::size_t size);

}  // namespace mortise
