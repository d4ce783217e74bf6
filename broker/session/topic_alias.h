#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/mqtt/reason_code.h"

namespace mortise::session {

/// The Topic Aliases a client set on one connection (5.0 section 3.3.2.3.4). Bounded by the Topic Alias Maximum that
/// CONNACK announced. Unsynchronised; ends with the connection (MQTT-3.3.2-7).
class TopicAliases {
 public:
  /// The Topic Name that a PUBLISH means: sets the alias when both are given, looks it up when the topic is empty.
  /// `alias` 0: none was sent. Errors: Topic Alias Invalid (0 or above the maximum, MQTT-3.3.2-8, MQTT-3.3.2-9),
  /// Protocol Error (neither, or unknown). The result views into `topic` or into this table.
  Result<std::string_view, mqtt::Refusal> resolve(std::string_view topic, bool has_alias, std::uint32_t alias,
                                                  std::uint16_t maximum);

 private:
  std::vector<std::string> topics_;  // by alias - 1; empty: not set
};

}  // namespace mortise::session
