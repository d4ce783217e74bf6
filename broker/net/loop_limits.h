#pragma once

#include <cstddef>

#include "broker/base/time.h"

namespace mortise::net {

/// How one event loop shares its time and memory between its sockets. Immutable once filled.
struct LoopLimits {
  std::size_t read_buffer = 64u << 10;        // bytes; one per loop
  std::size_t read_per_socket = 64u << 10;    // bytes of one socket in one iteration; then it is the others' turn
  std::size_t read_per_iteration = 1u << 20;  // bytes; then what they caused is written before more is read
  std::size_t mail_per_iteration = 1u << 20;  // bytes of credit of other loops' mail, for the same reason
  std::size_t partial_max = 2u << 20;  // bytes one socket may hold unconsumed: above max_packet_size and the read-ahead
  std::size_t accepts_per_iteration = 64;
  std::size_t handshakes_per_iteration = 4;  // steps of them; a signature takes as long as a thousand messages
  Millis accept_pause{100};                  // out of descriptors: try again after this
  Millis farewell{5000};                     // for the last bytes of a connection
};

}  // namespace mortise::net
