#include <cstring>

#include "broker/mqtt/encode.h"
#include "broker/mqtt/wire.h"

namespace mortise::mqtt {
namespace {

/// Writes into room that was measured before. Unsynchronised.
class FieldWriter {
 public:
  explicit FieldWriter(char* at) noexcept : at_(at) {}
  void byte(unsigned value) noexcept { *at_++ = static_cast<char>(value); }
  void two_bytes(std::uint16_t value) noexcept {
    byte(value >> 8);
    byte(value & 0xFF);
  }
  void four_bytes(std::uint32_t value) noexcept {
    two_bytes(static_cast<std::uint16_t>(value >> 16));
    two_bytes(static_cast<std::uint16_t>(value & 0xFFFF));
  }
  void variable_byte_integer(std::size_t value) noexcept {
    for (; value >= 128; value >>= 7) byte(static_cast<unsigned>(value & 0x7F) | 0x80u);
    byte(static_cast<unsigned>(value));
  }
  void bytes(std::string_view bytes) noexcept {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void property(PropertyId id) noexcept { byte(static_cast<unsigned>(id)); }
  const char* at() const noexcept { return at_; }

 private:
  char* at_;
};

struct PublishSizes {
  std::size_t properties = 0;  // what Property Length says
  std::size_t head = 0;        // up to the payload, fixed header left out
  std::size_t remaining = 0;   // what Remaining Length says
};

std::size_t delivery_properties_size(const DeliveryPropertiesView& delivery) noexcept {
  std::size_t size = (delivery.has_message_expiry ? 5u : 0u) + (delivery.topic_alias != 0 ? 3u : 0u);
  for (const std::uint32_t id : delivery.subscription_identifiers) size += 1 + variable_byte_integer_size(id);
  return size;
}

PublishSizes measure(const PublishView& packet, const DeliveryPropertiesView& delivery,
                     ProtocolVersion version) noexcept {
  PublishSizes sizes;
  sizes.head = 2 + packet.topic.size() + (packet.qos == QoS::kAtMostOnce ? 0u : 2u);
  if (version == ProtocolVersion::k5) {
    sizes.properties = packet.properties.encoded().size() + delivery_properties_size(delivery);
    sizes.head += variable_byte_integer_size(sizes.properties) + sizes.properties;
  }
  sizes.remaining = sizes.head + packet.payload.size();
  return sizes;
}

unsigned first_byte(const PublishView& packet) noexcept {
  return (static_cast<unsigned>(PacketType::kPublish) << 4) | (packet.dup ? 8u : 0u) |
         (static_cast<unsigned>(packet.qos) << 1) | (packet.retain ? 1u : 0u);
}

void write_delivery_properties(FieldWriter& to, const DeliveryPropertiesView& delivery) noexcept {
  for (const std::uint32_t id : delivery.subscription_identifiers) {
    to.property(PropertyId::kSubscriptionIdentifier);
    to.variable_byte_integer(id);
  }
  if (delivery.has_message_expiry) {
    to.property(PropertyId::kMessageExpiryInterval);
    to.four_bytes(delivery.message_expiry_interval);
  }
  if (delivery.topic_alias != 0) {
    to.property(PropertyId::kTopicAlias);
    to.two_bytes(delivery.topic_alias);
  }
}

}  // namespace

std::size_t encode_publish_head(ByteBuffer& out, const PublishView& packet, const DeliveryPropertiesView& delivery,
                                ProtocolVersion version) {
  const PublishSizes sizes = measure(packet, delivery, version);
  const std::size_t start = out.size();
  out.resize(start + 1 + variable_byte_integer_size(sizes.remaining) + sizes.head);
  FieldWriter to(out.data() + start);
  std::size_t packet_id_at = 0;
  to.byte(first_byte(packet));
  to.variable_byte_integer(sizes.remaining);
  to.two_bytes(static_cast<std::uint16_t>(packet.topic.size()));
  to.bytes(packet.topic);
  if (packet.qos != QoS::kAtMostOnce) {
    packet_id_at = static_cast<std::size_t>(to.at() - out.data());
    to.two_bytes(packet.packet_id);
  }
  if (version == ProtocolVersion::k5) {
    to.variable_byte_integer(sizes.properties);
    write_delivery_properties(to, delivery);
    to.bytes(as_text(packet.properties.encoded()));
  }
  return packet_id_at;
}

std::size_t publish_size(const PublishView& packet, const DeliveryPropertiesView& delivery,
                         ProtocolVersion version) noexcept {
  const std::size_t remaining = measure(packet, delivery, version).remaining;
  return 1 + variable_byte_integer_size(remaining) + remaining;
}

void encode(ByteBuffer& out, const PublishView& packet, ProtocolVersion version) {
  encode_publish_head(out, packet, {}, version);
  out.append(as_text(packet.payload));
}

}  // namespace mortise::mqtt
