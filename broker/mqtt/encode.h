#pragma once

#include <cstdint>
#include <span>

#include "broker/mqtt/packets.h"

/// Appends whole packets to `out`. What a version does not have is left out (properties and Reason Codes before 5.0).
/// Precondition: the packet is one that decode() accepts; no other checks are made.
namespace mortise::mqtt {

void encode(ByteBuffer& out, const ConnectView& packet);
void encode(ByteBuffer& out, const ConnackView& packet, ProtocolVersion version);
void encode(ByteBuffer& out, const PublishView& packet, ProtocolVersion version);
/// Short forms (no Reason Code, no Property Length) where the specification has them.
void encode(ByteBuffer& out, const AcknowledgementView& packet, ProtocolVersion version);
void encode(ByteBuffer& out, const SubscribeView& packet, ProtocolVersion version);
void encode(ByteBuffer& out, const SubscriptionAcknowledgementView& packet, ProtocolVersion version);
void encode(ByteBuffer& out, const UnsubscribeView& packet, ProtocolVersion version);
void encode(ByteBuffer& out, const PingreqView& packet, ProtocolVersion version);
void encode(ByteBuffer& out, const PingrespView& packet, ProtocolVersion version);
void encode(ByteBuffer& out, const DisconnectView& packet, ProtocolVersion version);
void encode(ByteBuffer& out, const AuthView& packet, ProtocolVersion version);
void encode(ByteBuffer& out, const ControlPacketView& packet, ProtocolVersion version);

/// What a delivery adds to a message's own properties (5.0 section 3.3.2.3).
struct DeliveryPropertiesView {
  std::span<const std::uint32_t> subscription_identifiers;
  std::uint32_t message_expiry_interval = 0;
  bool has_message_expiry = false;
  std::uint16_t topic_alias = 0;  // 0: none
};

/// Appends a PUBLISH up to, but not including, its payload of `packet.payload.size()` bytes: small payloads are
/// appended by the caller, large ones referenced. `packet.properties` are the message's own; `delivery` is added before
/// them. Returns the offset in `out` of the Packet Identifier (0 when there is none), so that one encoding serves many
/// receivers with the id patched.
std::size_t encode_publish_head(ByteBuffer& out, const PublishView& packet, const DeliveryPropertiesView& delivery,
                                ProtocolVersion version);

/// The size in bytes that encode_publish_head and the payload will take: for the receiver's Maximum Packet Size.
std::size_t publish_size(const PublishView& packet, const DeliveryPropertiesView& delivery,
                         ProtocolVersion version) noexcept;

}  // namespace mortise::mqtt
