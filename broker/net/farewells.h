#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "broker/base/time.h"
#include "broker/core/outbox.h"
#include "broker/net/loop_counters.h"
#include "broker/net/poller.h"
#include "broker/net/stream_socket.h"

namespace mortise::net {

/// Sockets whose connection is over and whose last bytes are not written yet. Each gets a bounded time: its outbox is
/// written, then writing is shut down, then what the peer still sends is read and thrown away until it closes too.
/// (Closing a socket with unread bytes makes the kernel send a reset, and a reset may destroy the last packet on its
/// way: [MQTT-3.14.1] would be said to nobody.) Unsynchronised (loop-owned).
class Farewells {
 public:
  Farewells(Poller& poller, LoopCounters& counters, Millis time_limit)
      : poller_(poller), counters_(counters), time_limit_(time_limit) {}

  /// Takes over the stream, registered with the poller, and its last bytes. `has_ended`: the peer's end was read
  /// already.
  void add(Stream stream, core::Outbox outbox, bool has_ended, SteadyTime now);
  /// The poller reported the farewell with this index.
  void on_event(std::uint32_t index);
  /// Closes what took too long.
  void expire(SteadyTime now);
  /// When `expire` has something to do; kNever without.
  SteadyTime next_deadline() const noexcept { return order_.empty() ? kNever : order_.front().deadline; }
  std::size_t size() const noexcept { return size_; }

 private:
  struct Farewell {
    Stream stream;
    core::Outbox outbox;
    bool has_ended = false;      // the peer closed
    bool has_said = false;       // what its layer says at the end
    bool has_shut_down = false;  // everything is written, and the peer knows
    std::size_t discarded = 0;   // bytes
    std::uint64_t serial = 0;
  };
  struct Due {
    SteadyTime deadline;
    std::uint32_t index;
    std::uint64_t serial;
  };
  /// False: it is over and the socket can be closed.
  bool go_on(Farewell& farewell);
  Transfer write_last(Farewell& farewell);
  bool discard_input(Farewell& farewell);
  std::uint32_t keep(Farewell farewell);
  void end(std::uint32_t index);
  bool is_over(const Due& due) const noexcept;

  Poller& poller_;
  LoopCounters& counters_;
  const Millis time_limit_;
  std::vector<std::unique_ptr<Farewell>> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t size_ = 0;
  std::uint64_t last_serial_ = 0;
  std::deque<Due> order_;  // by deadline; the first one is not over
};

}  // namespace mortise::net
