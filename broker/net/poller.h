#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "broker/base/result.h"
#include "broker/base/time.h"
#include "broker/net/descriptor.h"

namespace mortise::net {

/// What a registered descriptor stands for; an event brings it back. Streams carry the index and generation of their
/// ConnectionId, everything else generation 0 and a kind.
struct PollToken {
  enum class Kind : std::uint8_t { kStream, kWakeUp, kListener, kFarewell };
  Kind kind = Kind::kStream;
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
};

/// One event: a token, and what happened to its descriptor (EPOLLIN...).
struct PollEvent {
  PollToken token;
  std::uint32_t events = 0;
};

/// One loop's epoll. Unsynchronised (loop-owned).
class Poller {
 public:
  static constexpr std::uint32_t kStreamEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

  /// Errors: no descriptor is left.
  static Result<Poller> create();

  /// False: the kernel refused (out of memory or of watches).
  bool add(int descriptor, std::uint32_t events, PollToken token) noexcept;
  /// Changes the token of a stream and reports what is ready now as new.
  bool change(int descriptor, std::uint32_t events, PollToken token) noexcept;
  void remove(int descriptor) noexcept;

  /// Waits for events until `deadline` (rounded up to a millisecond); with a deadline not after `now` only looks.
  /// Returns the number of events to ask `event` for.
  std::size_t wait(SteadyTime now, SteadyTime deadline) noexcept;
  PollEvent event(std::size_t number) const noexcept;

 private:
  explicit Poller(Descriptor epoll) : epoll_(std::move(epoll)) {}

  Descriptor epoll_;
  std::array<epoll_event, 256> events_{};
};

}  // namespace mortise::net
