#include "broker/base/random.h"

#include <sodium.h>

#include "broker/base/check.h"

namespace mortise {

void random_bytes(void* out, std::size_t size) {
  CHECK(sodium_init() >= 0);
  randombytes_buf(out, size);
}

}  // namespace mortise
