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
  count(packet_id);
  if (durably) durably.journal->inbound_remove(durably.number, packet_id);
  return true;
}

void InboundFlow::restart() {
  of_earlier_connections_.clear();
  if (!packet_ids_.empty()) *of_earlier_connections_ = *packet_ids_;
}

bool InboundFlow::is_counted(mqtt::PacketId packet_id) {
  return of_earlier_connections_.empty() ||
         !std::binary_search(of_earlier_connections_->begin(), of_earlier_connections_->end(), packet_id);
}

void InboundFlow::count(mqtt::PacketId packet_id) {
  if (is_counted(packet_id)) return;
  of_earlier_connections_->erase(
      std::lower_bound(of_earlier_connections_->begin(), of_earlier_connections_->end(), packet_id));
  if (of_earlier_connections_.empty()) of_earlier_connections_.clear();
}

void InboundFlow::restore(const std::vector<mqtt::PacketId>& packet_ids) {
  packet_ids_.clear();
  if (packet_ids.empty()) return;
  *packet_ids_ = packet_ids;
  std::sort(packet_ids_->begin(), packet_ids_->end());
  packet_ids_->erase(std::unique(packet_ids_->begin(), packet_ids_->end()), packet_ids_->end());
}

}  // namespace mortise::session
