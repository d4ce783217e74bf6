#include "fixed_random.h"

#include <atomic>
#include <cstdint>

#include "broker/base/random.h"

// This definition is linked instead of the one in broker/base/random.cc, which is in an archive of its own object.

namespace mortise {

namespace {

std::atomic<std::uint64_t> drawn{0};

}  // namespace

void random_bytes(void* out, std::size_t size) {
  auto* bytes = static_cast<std::uint8_t*>(out);
  for (std::size_t i = 0; i < size; ++i) {
    // splitmix64
    std::uint64_t mixed = drawn.fetch_add(1, std::memory_order_relaxed) * 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    bytes[i] = static_cast<std::uint8_t>((mixed ^ (mixed >> 31)) >> 56);
  }
}

namespace testing {

void restart_random_bytes() noexcept { drawn.store(0, std::memory_order_relaxed); }

}  // namespace testing
}  // namespace mortise
