#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/mqtt/property.h"

/// What writing and reading packets as words have in common.
namespace mortise::conformance {

/// "7" or "0x07".
std::optional<std::uint32_t> number(std::string_view text);

/// "Session Expiry Interval" -> "SessionExpiryInterval".
std::string compact(std::string_view name);

/// Null when there is none.
const mqtt::PropertyRow* property_named(std::string_view compact_name);

inline constexpr std::pair<std::string_view, mqtt::PacketType> kAcknowledgements[] = {
    {"PUBACK", mqtt::PacketType::kPuback},
    {"PUBREC", mqtt::PacketType::kPubrec},
    {"PUBREL", mqtt::PacketType::kPubrel},
    {"PUBCOMP", mqtt::PacketType::kPubcomp}};

}  // namespace mortise::conformance
