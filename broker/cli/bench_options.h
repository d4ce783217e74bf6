#pragma once

#include <cstdint>
#include <string>

#include "broker/cli/client.h"

namespace mortise::cli {

/// Who talks to whom.
enum class BenchPattern : std::uint8_t {
  kPairs,   // N publishers, each with a subscriber and a topic of its own
  kFanIn,   // N publishers to one subscriber, one topic
  kFanOut,  // one publisher to N subscribers, one topic
};

/// What `mortise bench` is to do.
struct BenchOptions {
  ClientOptions client;  // where and how to connect
  BenchPattern pattern = BenchPattern::kPairs;
  std::size_t clients = 10;
  double seconds = 5;
  std::uint64_t messages = 0;  // of all publishers together; 0: `seconds` decides
  std::size_t size = 64;       // of a payload
  mqtt::QoS qos = mqtt::QoS::kAtMostOnce;
  double rate = 0;           // messages a second of all publishers together; 0: as fast as they are delivered
  std::size_t window = 256;  // without a rate: of one publisher, sent and not yet delivered; 0: no bound
  int pid = 0;               // of the broker, to measure its CPU; 0: not measured
  bool verifies = false;
  bool json = false;

  std::size_t publishers() const { return pattern == BenchPattern::kFanOut ? 1 : clients; }
  std::size_t subscribers() const { return pattern == BenchPattern::kFanIn ? 1 : clients; }
  /// How many subscribers get one message.
  std::size_t fan_out() const { return pattern == BenchPattern::kFanOut ? clients : 1; }
};

}  // namespace mortise::cli
