#pragma once

#include "broker/mqtt/packets.h"

namespace mortise::cli {

/// How `mortise sub` prints a message.
struct PrintOptions {
  bool topic = false;
  bool no_newline = false;
  bool json = false;
};

/// A message as one line of JSON: topic, qos, retain, dup, payload (payload_base64 when it is not UTF-8) and its
/// properties.
std::string to_json(const mqtt::PublishView& message);

/// Prints to standard output; the caller flushes it.
void print(const mqtt::PublishView& message, const PrintOptions& options);

}  // namespace mortise::cli
