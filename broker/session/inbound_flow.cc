#include "broker/session/inbound_flow.h"

namespace mortise::session {

bool InboundFlow::receive(mqtt::PacketId packet_id, Durably durably) {
  if (!packet_ids_.insert(packet_id).second) return false;
  if (durably) durably.journal->inbound_put(durably.number, packet_id);
  return true;
}

bool InboundFlow::release(mqtt::PacketId packet_id, Durably durably) {
  if (packet_ids_.erase(packet_id) == 0) return false;
  if (durably) durably.journal->inbound_remove(durably.number, packet_id);
  return true;
}

}  // namespace mortise::session
