#include "broker/base/time.h"

namespace mortise {

SteadyTime steady_now() noexcept { return std::chrono::steady_clock::now(); }

WallTime wall_now() noexcept {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

Now now() noexcept { return {steady_now(), wall_now()}; }

}  // namespace mortise
