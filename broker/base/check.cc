#include "broker/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace mortise {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "mortise: internal error: CHECK(%s) failed at %s:%d\n", condition, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace mortise
