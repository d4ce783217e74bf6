#pragma once

#include <mortise/abi.h>

#include <cstdint>

/// What the probe plugin does, set by a test in the same process (symbol `mortise_probe` of the library). Without a
/// function each hook answers NEXT, or OK.
struct Probe {
  /// `point`: a MORTISE_HOOK_..., or one of kProbe... below.
  std::uint32_t (*call)(void* context, std::uint32_t point, mortise_handle call, mortise_handle self) = nullptr;
  void* context = nullptr;
};

inline constexpr std::uint32_t kProbeStart = 1;
inline constexpr std::uint32_t kProbeStop = 2;
inline constexpr std::uint32_t kProbeTimer = 3;
