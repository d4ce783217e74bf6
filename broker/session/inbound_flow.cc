#include "broker/session/inbound_flow.h"

namespace mortise::session {

bool InboundFlow::receive(mqtt::PacketId packet_id, Durably durably) {
  const auto at = std::lower_bound(packet_ids_->begin(), packet_ids_->end(), packet_id);
  if (at != packet_ids_->end() && *at == packet_id) return false;
  packet_ids_->insert(at, packet_id);
  if (durably) durably.journal->inbound_put(durably.number, packet_id);
  return true;
}

bool InboundFlow::release(mqtt::PacketId packet_id, Durably durably) {
  if (packet_ids_.empty()) return false;
  const auto at = std::lower_bound(packet_ids_->begin(), packet_ids_->end(), packet_id);
  if (at == packet_ids_->end() || *at != packet_id) return false;
  packet_ids_->erase(at);
  if (durably) durably.journal->inbound_remove(durably.number, packet_id);
  return true;
}

void InboundFlow::restore(const std::vector<mqtt::PacketId>& packet_ids) {
  packet_ids_.clear();
  if (packet_ids.empty()) return;
  *packet_ids_ = packet_ids;
  std::sort(packet_ids_->begin(), packet_ids_->end());
  packet_ids_->erase(std::unique(packet_ids_->begin(), packet_ids_->end()), packet_ids_->end());
}

}  // namespace mortise::session
