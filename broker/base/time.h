#pragma once

#include <chrono>
#include <cstdint>

namespace mortise {

using namespace std::chrono_literals;
using SteadyTime = std::chrono::steady_clock::time_point;
/// Milliseconds since 1970; what must survive a restart is kept in it.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;
using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

inline constexpr SteadyTime kNever = SteadyTime::max();
inline constexpr WallTime kNeverWall = WallTime::max();

/// The time as an argument: the core reads no clock. One per loop iteration.
struct Now {
  SteadyTime steady{};
  WallTime wall{};
};

/// For the layers that do I/O only.
SteadyTime steady_now() noexcept;
WallTime wall_now() noexcept;
Now now() noexcept;

}  // namespace mortise
