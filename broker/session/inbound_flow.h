#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "broker/base/on_demand.h"
#include "broker/mqtt/types.h"
#include "broker/session/outbound_flow.h"

namespace mortise::session {

/// The Packet Identifiers of QoS 2 messages that a client sent and has not released yet. Bounded by the Server's
/// Receive Maximum where the Client knows one (5.0), else by there being 65,535 of them: two bytes each.
/// Unsynchronised.
class InboundFlow {
 public:
  /// False: this Packet Identifier is in use, so the PUBLISH is a duplicate (MQTT-4.3.3-10).
  bool receive(mqtt::PacketId packet_id, Durably durably);
  /// PUBREL; false: not in use.
  bool release(mqtt::PacketId packet_id, Durably durably);
  bool contains(mqtt::PacketId packet_id) {
    return !packet_ids_.empty() && std::binary_search(packet_ids_->begin(), packet_ids_->end(), packet_id);
  }
  void restore(const std::vector<mqtt::PacketId>& packet_ids);
  std::size_t size() const noexcept { return packet_ids_.size(); }

 private:
  OnDemand<std::vector<mqtt::PacketId>> packet_ids_;  // sorted
};

}  // namespace mortise::session
