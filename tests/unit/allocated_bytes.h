#pragma once

#include <malloc.h>

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MORTISE_TEST_HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MORTISE_TEST_HAS_SANITIZER 1
#endif
#endif

#if defined(MORTISE_TEST_HAS_SANITIZER)
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace mortise::testing {

/// Bytes that this process has allocated and not freed, as the allocator counts them: exact, unlike resident memory.
inline std::size_t allocated_bytes() {
#if defined(MORTISE_TEST_HAS_SANITIZER)
  return __sanitizer_get_current_allocated_bytes();
#else
  const struct mallinfo2 information = ::mallinfo2();
  return information.uordblks + information.hblkhd;
#endif
}

#if defined(__SANITIZE_THREAD__)
#define MORTISE_TEST_ROUNDS_SIZES 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MORTISE_TEST_ROUNDS_SIZES 1
#endif
#endif

/// How much more is allocated than when this was made.
class Growth {
 public:
  Growth() : before_(allocated_bytes()) {}
  std::ptrdiff_t bytes() const {
    const auto grown = static_cast<std::ptrdiff_t>(allocated_bytes() - before_);
#if defined(MORTISE_TEST_ROUNDS_SIZES)
    return grown - grown / 10;  // ThreadSanitizer counts in its size classes
#else
    return grown;
#endif
  }

 private:
  const std::size_t before_;
};

}  // namespace mortise::testing
