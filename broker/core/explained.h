#pragma once

#include <string_view>
#include <type_traits>

#include "broker/core/connection.h"
#include "broker/mqtt/encode.h"
#include "broker/session/limits.h"

/// Packets that say no, and why.
namespace mortise::core {

/// Whether the Client takes a Reason String in this kind of packet (`mqtt.reason_strings`, MQTT-3.1.2-29).
template <class Packet>
bool takes_reason_string(const Connection& connection) noexcept {
  constexpr bool is_end = std::is_same_v<Packet, mqtt::ConnackView> || std::is_same_v<Packet, mqtt::DisconnectView>;
  return connection.is_v5() && (is_end ? connection.takes_reason_of_end : connection.takes_reason_of_answer);
}

/// The packet, which has no property yet, with `why` as its Reason String: a literal for the client, of nothing that
/// is nobody's business outside. Left out where it is not wanted, and where the packet would be above the Client's
/// Maximum Packet Size (MQTT-3.2.2-19, MQTT-3.4.2-2 and their like for the other packets). `reference`: the Server
/// Reference, of CONNACK and DISCONNECT, which goes before it.
template <class Packet>
mqtt::ByteBuffer encode_explained(const Connection& connection, Packet packet, std::string_view why,
                                  std::string_view reference = {}) {
  if (!takes_reason_string<Packet>(connection)) why = {};
  if (!connection.is_v5()) reference = {};
  for (;;) {
    mqtt::PropertyWriter properties;
    if (!reference.empty()) properties.put(mqtt::PropertyId::kServerReference, reference);
    if (!why.empty()) properties.put(mqtt::PropertyId::kReasonString, why);
    packet.properties = properties.view();
    mqtt::ByteBuffer encoded;
    mqtt::encode(encoded, packet, connection.version);
    if (properties.empty() || fits(connection, encoded.size())) return encoded;
    (why.empty() ? reference : why) = {};
  }
}

/// What a CONNACK or DISCONNECT with this Reason Code refers to (5.0 section 4.11); empty for all but two.
inline std::string_view reference_for(const session::MqttLimits& limits, mqtt::ReasonCode reason) noexcept {
  const bool sends_away = reason == mqtt::ReasonCode::kUseAnotherServer || reason == mqtt::ReasonCode::kServerMoved;
  return sends_away ? std::string_view(limits.server_reference) : std::string_view();
}

}  // namespace mortise::core
