#pragma once

#include <cstddef>

// ASan poisoning is an extra on top of the poison bytes: it names the instruction, but only in an instrumented plugin.
#if defined(__SANITIZE_ADDRESS__)
#define MORTISE_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MORTISE_HAS_ASAN 1
#endif
#endif

#if defined(MORTISE_HAS_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace mortise::plugin_host {

inline void forbid_access([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t size) noexcept {
#if defined(MORTISE_HAS_ASAN)
  __asan_poison_memory_region(memory, size);
#endif
}

inline void allow_access([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t size) noexcept {
#if defined(MORTISE_HAS_ASAN)
  __asan_unpoison_memory_region(memory, size);
#endif
}

}  // namespace mortise::plugin_host
