#pragma once

#include <atomic>
#include <cstdint>

namespace mortise::net {

/// A number that one thread counts and any thread reads. Cost: a plain addition.
class LoopCounter {
 public:
  void add(std::uint64_t amount = 1) noexcept { value_.store(get() + amount, std::memory_order_relaxed); }
  void subtract(std::uint64_t amount = 1) noexcept { value_.store(get() - amount, std::memory_order_relaxed); }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// What one loop counted, as a snapshot; sums with +=.
struct LoopTotals {
  std::uint64_t accepted = 0;           // connections
  std::uint64_t refused = 0;            // closed at accept: the listener's max_connections or max_handshakes
  std::uint64_t strangers = 0;          // closed at accept: not from one of the listener's proxies
  std::uint64_t handshakes = 0;         // of TLS, done
  std::uint64_t failed_handshakes = 0;  // of TLS
  std::uint64_t open = 0;               // now, those saying farewell included
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t reads = 0;   // calls
  std::uint64_t writes = 0;  // calls
  std::uint64_t iterations = 0;
  std::uint64_t sleeps = 0;                // iterations that began by waiting
  std::uint64_t wake_ups_sent = 0;         // to other loops
  std::uint64_t paused_accepts = 0;        // out of descriptors or memory
  std::uint64_t slowed_accepts = 0;        // pauses of a loop, because a listener's max_connect_rate was used up
  std::uint64_t credits_exhausted = 0;     // times a pair of loops ran out of credit
  std::uint64_t overlong_partials = 0;     // connections dropped: a partial packet beyond every limit
  std::uint64_t unfinished_farewells = 0;  // closed at the deadline with bytes unwritten

  LoopTotals& operator+=(const LoopTotals& other) noexcept;
};

/// The live counters. Written by the loop, read by any thread.
struct alignas(64) LoopCounters {
  LoopCounter accepted, refused, strangers, handshakes, failed_handshakes, open, bytes_read, bytes_written, reads,
      writes, iterations, sleeps, wake_ups_sent, paused_accepts, slowed_accepts, credits_exhausted, overlong_partials,
      unfinished_farewells;
  LoopTotals totals() const noexcept;
};

}  // namespace mortise::net
