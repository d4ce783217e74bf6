#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace mortise::net {

/// What one read or write came to.
struct Transfer {
  enum class Status : std::uint8_t {
    kDone,        // `bytes` moved, at least one
    kWouldBlock,  // nothing now
    kEnded,       // reading: the peer said its last byte
    kFailed,      // the connection is gone; `error` says why
  };
  Status status = Status::kWouldBlock;
  std::size_t bytes = 0;
  int error = 0;
};

/// One recv() of a non-blocking socket; repeated when a signal interrupted it. Thread: any.
Transfer receive_bytes(int socket, std::span<std::uint8_t> into) noexcept;
/// One gathering send of a non-blocking socket, without SIGPIPE; repeated when a signal interrupted it. Thread: any.
Transfer send_vectors(int socket, std::span<const iovec> vectors) noexcept;

}  // namespace mortise::net
