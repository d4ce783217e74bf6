#pragma once

#include <cstdint>

#include "broker/mqtt/principal.h"

namespace mortise::session {

/// The Client as a number, for No Local (MQTT-3.8.3-3): of its namespace and client id, so the same in each of its
/// sessions and after a restart; never 0. A hash without a secret: whoever finds another Client's number hides nothing
/// but his own messages from it.
std::uint64_t origin_of(const mqtt::Principal& principal);

}  // namespace mortise::session
