#include "broker/core/packet_bundle.h"

#include "broker/base/check.h"

namespace mortise::core {

/// Stands before each packet; behind it the routed topic, where it is not the packet's own, then the packet. Places are
/// offsets into the packet.
struct PacketBundle::Head {
  std::uint64_t properties_present = 0;
  WallTime received_at{};
  std::uint64_t origin = 0;
  std::uint16_t routed_topic_size = 0;  // 0: it is the packet's own
  std::uint16_t packet_size = 0;
  std::uint16_t topic_at = 0;
  std::uint16_t topic_size = 0;
  std::uint16_t properties_at = 0;
  std::uint16_t properties_size = 0;
  std::uint16_t payload_at = 0;
  bool is_v5 = false;
};

void PacketBundle::add(const mqtt::MessageView& fields, const ReceivedView& received) {
  CHECK(suits(received) && fields.qos == mqtt::QoS::kAtMostOnce && !fields.retain && !fields.has_expiry());
  const auto place = [&](const void* part) {
    return static_cast<std::uint16_t>(static_cast<const char*>(part) - received.packet.data());
  };
  Head head;
  head.properties_present = fields.properties.present();
  head.received_at = fields.received_at;
  head.origin = fields.origin;
  const bool is_own = fields.topic.data() == received.topic.data();
  head.routed_topic_size = static_cast<std::uint16_t>(is_own ? 0 : fields.topic.size());
  head.packet_size = static_cast<std::uint16_t>(received.packet.size());
  head.topic_at = place(received.topic.data());
  head.topic_size = static_cast<std::uint16_t>(received.topic.size());
  const ByteView properties = fields.properties.encoded();
  head.properties_at = properties.empty() ? std::uint16_t{0} : place(properties.data());
  head.properties_size = static_cast<std::uint16_t>(properties.size());
  head.payload_at = static_cast<std::uint16_t>(received.packet.size() - fields.payload.size());
  head.is_v5 = received.is_v5;

  const std::size_t size = sizeof head + head.routed_topic_size + received.packet.size();
  if (bytes_.capacity() - bytes_.size() < size) bytes_.reserve(packets_ == 0 ? size : kMaximumPackets * size);
  bytes_.append(reinterpret_cast<const char*>(&head), sizeof head);
  if (!is_own) bytes_.append(fields.topic);
  bytes_.append(received.packet);
  ++packets_;
}

std::size_t PacketBundle::read(std::size_t at, mqtt::MessageView& fields, ReceivedView& received) const {
  Head head;
  std::memcpy(&head, bytes_.data() + at, sizeof head);
  at += sizeof head;
  const std::string_view routed(bytes_.data() + at, head.routed_topic_size);
  at += head.routed_topic_size;
  const std::string_view packet(bytes_.data() + at, head.packet_size);
  const std::string_view topic = packet.substr(head.topic_at, head.topic_size);
  const std::string_view payload = packet.substr(head.payload_at);
  received.packet = packet;
  received.topic = topic;
  received.naming = ReceivedView::Naming::kUnknown;
  received.is_v5 = head.is_v5;
  received.payload_size = static_cast<std::uint32_t>(payload.size());
  fields.topic = routed.empty() ? topic : routed;
  fields.payload = as_bytes(payload);
  fields.properties = {};
  if (head.properties_size != 0) {
    fields.properties = mqtt::PropertiesView::of_checked(
        as_bytes(packet.substr(head.properties_at, head.properties_size)), head.properties_present);
  }
  fields.received_at = head.received_at;
  fields.origin = head.origin;
  return at + head.packet_size;
}

}  // namespace mortise::core
