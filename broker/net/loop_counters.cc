#include "broker/net/loop_counters.h"

namespace mortise::net {

LoopTotals& LoopTotals::operator+=(const LoopTotals& other) noexcept {
  accepted += other.accepted;
  refused += other.refused;
  strangers += other.strangers;
  handshakes += other.handshakes;
  failed_handshakes += other.failed_handshakes;
  open += other.open;
  bytes_read += other.bytes_read;
  bytes_written += other.bytes_written;
  reads += other.reads;
  writes += other.writes;
  iterations += other.iterations;
  sleeps += other.sleeps;
  wake_ups_sent += other.wake_ups_sent;
  paused_accepts += other.paused_accepts;
  slowed_accepts += other.slowed_accepts;
  credits_exhausted += other.credits_exhausted;
  overlong_partials += other.overlong_partials;
  unfinished_farewells += other.unfinished_farewells;
  return *this;
}

LoopTotals LoopCounters::totals() const noexcept {
  return {accepted.get(),
          refused.get(),
          strangers.get(),
          handshakes.get(),
          failed_handshakes.get(),
          open.get(),
          bytes_read.get(),
          bytes_written.get(),
          reads.get(),
          writes.get(),
          iterations.get(),
          sleeps.get(),
          wake_ups_sent.get(),
          paused_accepts.get(),
          slowed_accepts.get(),
          credits_exhausted.get(),
          overlong_partials.get(),
          unfinished_farewells.get()};
}

}  // namespace mortise::net
