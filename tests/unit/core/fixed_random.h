#pragma once

/// Programs that link fixed_random.cc have no other randomness: mortise::random_bytes gives the same bytes after each
/// call of this. For tests.
namespace mortise::testing {

void restart_random_bytes() noexcept;

}  // namespace mortise::testing
