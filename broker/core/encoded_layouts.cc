#include "broker/core/encoded_layouts.h"

#include <algorithm>

#include "broker/core/outbox.h"

namespace mortise::core {

namespace {

using mqtt::QoS;

std::uint32_t remaining_lifetime(const mqtt::MessageView& message, WallTime now) {
  const auto left = std::max<std::int64_t>((message.expires_at - now).count(), 0);
  return static_cast<std::uint32_t>(std::min<std::int64_t>((left + 999) / 1000, 0xFFFFFFFF));
}

mqtt::DeliveryPropertiesView delivery_properties(const mqtt::MessageView& message, std::span<const std::uint32_t> ids,
                                                 WallTime now) {
  mqtt::DeliveryPropertiesView properties;
  properties.subscription_identifiers = ids;
  properties.has_message_expiry = message.has_expiry();
  if (properties.has_message_expiry) properties.message_expiry_interval = remaining_lifetime(message, now);
  return properties;
}

mqtt::PublishView publish_view(const mqtt::MessageView& message, std::string_view topic, QoS qos, bool retain) {
  mqtt::PublishView packet;
  packet.topic = topic;
  packet.qos = qos;
  packet.retain = retain;
  packet.packet_id = qos == QoS::kAtMostOnce ? 0 : 1;  // patched
  packet.properties = message.properties;
  packet.payload = message.payload;
  return packet;
}

}  // namespace

void EncodedLayouts::encode_into(Encoded& encoded, const mqtt::MessageView& message, const Layout& layout,
                                 std::string_view topic, const mqtt::DeliveryPropertiesView& properties) {
  encoded.head.clear();
  encoded.packet_id_at =
      mqtt::encode_publish_head(encoded.head, publish_view(message, topic, layout.qos, layout.retain), properties,
                                layout.is_v5 ? mqtt::ProtocolVersion::k5 : mqtt::ProtocolVersion::k311);
  encoded.size = encoded.head.size() + message.payload.size();
  encoded.has_payload = message.payload.size() < Outbox::kReferenceFrom;
  if (encoded.has_payload) encoded.head.append(as_text(message.payload));
}

EncodedLayouts::EncodedView EncodedLayouts::encode(const mqtt::MessageView& message, const Layout& layout,
                                                   std::string_view topic, WallTime now) {
  for (std::size_t i = 0; i < std::min(used_, slots_.size()); ++i) {
    if (slots_[i].layout == layout) return slots_[i].encoded.view();
  }
  Slot& slot = slots_[used_++ % slots_.size()];
  slot.layout = layout;
  encode_into(slot.encoded, message, layout, topic, delivery_properties(message, {}, now));
  return slot.encoded.view();
}

EncodedLayouts::EncodedView EncodedLayouts::encode_alone(const mqtt::MessageView& message, const Layout& layout,
                                                         std::string_view topic,
                                                         std::span<const std::uint32_t> subscription_identifiers,
                                                         WallTime now, std::uint16_t alias) {
  mqtt::DeliveryPropertiesView properties = delivery_properties(message, subscription_identifiers, now);
  properties.topic_alias = alias;
  encode_into(alone_, message, layout, topic, properties);
  return alone_.view();
}

}  // namespace mortise::core
