#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "broker/base/on_demand.h"
#include "broker/mqtt/types.h"
#include "broker/session/outbound_flow.h"

namespace mortise::session {

/// The Packet Identifiers of QoS 2 messages that a client sent and has not released yet. Bounded by the Server's
/// Receive Maximum where the Client knows one (5.0), else by there being 65,535 of them: two bytes each, and as much
/// for those of an earlier connection. Unsynchronised.
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

  // 5.0 section 4.9: the Receive Maximum counts what is sent on one connection.
  /// The client is back: what is in use was sent on another connection.
  void restart();
  /// Whether what is in use under this Packet Identifier was sent on this connection.
  bool is_counted(mqtt::PacketId packet_id);
  /// It was sent again.
  void count(mqtt::PacketId packet_id);
  std::size_t size() const noexcept { return packet_ids_.size(); }

 private:
  OnDemand<std::vector<mqtt::PacketId>> packet_ids_;              // sorted
  OnDemand<std::vector<mqtt::PacketId>> of_earlier_connections_;  // sorted; of packet_ids_, not sent on this one
};

}  // namespace mortise::session
