#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "broker/mqtt/types.h"
#include "broker/session/outbound_flow.h"

namespace mortise::session {

/// The Packet Identifiers of QoS 2 messages that a client sent and has not released yet. Bounded by the Server's
/// Receive Maximum. Unsynchronised.
class InboundFlow {
 public:
  /// False: this Packet Identifier is in use, so the PUBLISH is a duplicate (MQTT-4.3.3-10).
  bool receive(mqtt::PacketId packet_id, Durably durably);
  /// PUBREL; false: not in use.
  bool release(mqtt::PacketId packet_id, Durably durably);
  bool contains(mqtt::PacketId packet_id) const { return packet_ids_.contains(packet_id); }
  void restore(const std::vector<mqtt::PacketId>& packet_ids) { packet_ids_ = {packet_ids.begin(), packet_ids.end()}; }
  std::size_t size() const noexcept { return packet_ids_.size(); }

 private:
  std::unordered_set<mqtt::PacketId> packet_ids_;
};

}  // namespace mortise::session
