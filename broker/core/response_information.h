#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/mqtt/principal.h"

namespace mortise::core {

/// What a Client that asks for it is told to begin its Response Topics with (5.0 section 3.2.2.3.15): `pattern` with
/// the placeholders filled in. %c is the Client Identifier, %u the User Name, %n the namespace, %l host:port of the
/// listener, %% a percent sign. Nothing where a value is absent, empty though it is the whole level, or more than a
/// part of one level: the topic would be somebody else's.
std::optional<std::string> response_information(std::string_view pattern, const mqtt::Principal& principal);

}  // namespace mortise::core
