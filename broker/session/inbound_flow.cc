#include "broker/session/inbound_flow.h"

#include <algorithm>

namespace mortise::session {

bool InboundFlow::receive(mqtt::PacketId packet_id, Durably durably) {
  if (std::find(packet_ids_.begin(), packet_ids_.end(), packet_id) != packet_ids_.end()) return false;
  packet_ids_.push_back(packet_id);
  if (durably) durably.journal->inbound_put(durably.number, packet_id);
  return true;
}

bool InboundFlow::release(mqtt::PacketId packet_id, Durably durably) {
  const auto at = std::find(packet_ids_.begin(), packet_ids_.end(), packet_id);
  if (at == packet_ids_.end()) return false;
  *at = packet_ids_.back();
  packet_ids_.pop_back();
  if (durably) durably.journal->inbound_remove(durably.number, packet_id);
  return true;
}

}  // namespace mortise::session
