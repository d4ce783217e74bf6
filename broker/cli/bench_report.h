#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "broker/cli/bench_options.h"
#include "broker/cli/latency_histogram.h"

namespace mortise::cli {

/// What a bench measured.
struct BenchReport {
  std::uint64_t sent = 0;
  std::uint64_t unsent = 0;    // with a rate: due, and never taken by the server
  std::uint64_t expected = 0;  // deliveries, of what was unsent too
  std::uint64_t delivered = 0;
  std::uint64_t lost = 0;                              // expected and never seen whole
  std::uint64_t order_errors = 0;                      // after a later one, and not seen before
  std::uint64_t duplicates = 0;                        // a number again
  std::uint64_t damaged = 0;                           // checksum wrong, not a payload of ours, or for somebody else
  std::uint64_t stalls = 0;                            // times the window was given up because nothing came any more
  std::chrono::nanoseconds elapsed{};                  // from the first message sent to the last delivered
  std::optional<std::chrono::nanoseconds> broker_cpu;  // with --pid
  std::chrono::nanoseconds own_cpu{};
  LatencyHistogram latency;

  double per_second() const;
  /// Of the broker, for each delivered message; 0 when not measured.
  double cpu_us_per_message() const;
  /// Nothing lost, damaged, out of order or there twice.
  bool is_clean() const { return lost == 0 && order_errors == 0 && duplicates == 0 && damaged == 0; }
};

/// For people, on several lines, or as one JSON object.
std::string format(const BenchReport& report, const BenchOptions& options);

}  // namespace mortise::cli
