#pragma once

#include <cstdint>
#include <string_view>

#include "broker/mqtt/principal.h"

namespace mortise::session {

/// The Client as a number, for No Local (MQTT-3.8.3-3): of its namespace and client id, so the same in each of its
/// sessions and after a restart; never 0. A hash without a secret: whoever finds another Client's number hides nothing
/// but his own messages from it.
std::uint64_t origin_of(const mqtt::Principal& principal);

/// A shared subscription's group as a number, of "$share/{ShareName}/{routed filter}": the same after a restart, never
/// 0. Whoever finds a group by it checks that the group's filter matches.
std::uint64_t share_tag_of(std::string_view group_key);

}  // namespace mortise::session
