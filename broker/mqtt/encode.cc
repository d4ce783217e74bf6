#include "broker/mqtt/encode.h"

#include <type_traits>

#include "broker/mqtt/wire.h"

namespace mortise::mqtt {
namespace {

constexpr std::size_t kMaximumFixedHeader = 5;

constexpr std::uint8_t first_byte(PacketType type) {
  const bool has_fixed_flag =
      type == PacketType::kPubrel || type == PacketType::kSubscribe || type == PacketType::kUnsubscribe;
  return static_cast<std::uint8_t>((static_cast<unsigned>(type) << 4) | (has_fixed_flag ? 2u : 0u));
}

/// Appends one packet: room for the longest fixed header, then what `body` appends, then the header put right.
template <class Body>
void encode_packet(ByteBuffer& out, PacketType type, Body&& body) {
  const std::size_t start = out.size();
  out.append(kMaximumFixedHeader, '\0');
  body();
  const std::size_t length = out.size() - start - kMaximumFixedHeader;
  ByteBuffer header;
  append_byte(header, first_byte(type));
  append_variable_byte_integer(header, length);
  out.replace(start, kMaximumFixedHeader, header);
}

void append_properties(ByteBuffer& out, const PropertiesView& properties, ProtocolVersion version) {
  if (version != ProtocolVersion::k5) return;
  append_variable_byte_integer(out, properties.encoded().size());
  out.append(as_text(properties.encoded()));
}

unsigned connect_flags(const ConnectView& packet) {
  unsigned flags = packet.clean_start ? 0x02u : 0u;
  if (packet.will) {
    flags |= 0x04u | (static_cast<unsigned>(packet.will->qos) << 3) | (packet.will->retain ? 0x20u : 0u);
  }
  return flags | (packet.password ? 0x40u : 0u) | (packet.user_name ? 0x80u : 0u);
}

unsigned option_bits(const SubscriptionOptions& options, ProtocolVersion version) {
  const auto qos = static_cast<unsigned>(options.maximum_qos);
  if (version != ProtocolVersion::k5) return qos;
  return qos | (options.no_local ? 4u : 0u) | (options.retain_as_published ? 8u : 0u) |
         (static_cast<unsigned>(options.retain_handling) << 4);
}

}  // namespace

void encode(ByteBuffer& out, const ConnectView& packet) {
  encode_packet(out, PacketType::kConnect, [&] {
    append_text(out, packet.version == ProtocolVersion::k31 ? "MQIsdp" : "MQTT");
    append_byte(out, static_cast<unsigned>(packet.version));
    append_byte(out, connect_flags(packet));
    append_two_bytes(out, packet.keep_alive);
    append_properties(out, packet.properties, packet.version);
    append_text(out, packet.client_id);
    if (packet.will) {
      append_properties(out, packet.will->properties, packet.version);
      append_text(out, packet.will->topic);
      append_text(out, as_text(packet.will->payload));
    }
    if (packet.user_name) append_text(out, *packet.user_name);
    if (packet.password) append_text(out, as_text(*packet.password));
  });
}

void encode(ByteBuffer& out, const ConnackView& packet, ProtocolVersion version) {
  encode_packet(out, PacketType::kConnack, [&] {
    append_byte(out, packet.session_present && version != ProtocolVersion::k31 ? 1u : 0u);
    append_byte(out, packet.code);
    append_properties(out, packet.properties, version);
  });
}

void encode(ByteBuffer& out, const AcknowledgementView& packet, ProtocolVersion version) {
  const bool is_short = version != ProtocolVersion::k5 || packet.properties.empty();
  if (is_short) {
    const bool has_code = version == ProtocolVersion::k5 && packet.reason != ReasonCode::kSuccess;
    append_byte(out, first_byte(packet.type));
    append_byte(out, has_code ? 3u : 2u);
    append_two_bytes(out, packet.packet_id);
    if (has_code) append_byte(out, static_cast<unsigned>(packet.reason));
    return;
  }
  encode_packet(out, packet.type, [&] {
    append_two_bytes(out, packet.packet_id);
    append_byte(out, static_cast<unsigned>(packet.reason));
    append_properties(out, packet.properties, version);
  });
}

void encode(ByteBuffer& out, const SubscribeView& packet, ProtocolVersion version) {
  encode_packet(out, PacketType::kSubscribe, [&] {
    append_two_bytes(out, packet.packet_id);
    append_properties(out, packet.properties, version);
    for (const SubscriptionRequestView& request : packet.requests) {
      append_text(out, request.filter);
      append_byte(out, option_bits(request.options, version));
    }
  });
}

void encode(ByteBuffer& out, const SubscriptionAcknowledgementView& packet, ProtocolVersion version) {
  encode_packet(out, packet.type, [&] {
    append_two_bytes(out, packet.packet_id);
    append_properties(out, packet.properties, version);
    if (version == ProtocolVersion::k5) {
      out.append(as_text(packet.codes));
    } else if (packet.type == PacketType::kSuback) {
      for (const std::uint8_t code : packet.codes) append_byte(out, code < 0x80 ? code : 0x80u);
    }
  });
}

void encode(ByteBuffer& out, const UnsubscribeView& packet, ProtocolVersion version) {
  encode_packet(out, PacketType::kUnsubscribe, [&] {
    append_two_bytes(out, packet.packet_id);
    append_properties(out, packet.properties, version);
    for (const std::string_view filter : packet.filters) append_text(out, filter);
  });
}

void encode(ByteBuffer& out, const PingreqView&, ProtocolVersion) {
  append_byte(out, first_byte(PacketType::kPingreq));
  append_byte(out, 0);
}

void encode(ByteBuffer& out, const PingrespView&, ProtocolVersion) {
  append_byte(out, first_byte(PacketType::kPingresp));
  append_byte(out, 0);
}

void encode(ByteBuffer& out, const DisconnectView& packet, ProtocolVersion version) {
  encode_packet(out, PacketType::kDisconnect, [&] {
    const bool is_bare = packet.reason == ReasonCode::kSuccess && packet.properties.empty();
    if (version != ProtocolVersion::k5 || is_bare) return;
    append_byte(out, static_cast<unsigned>(packet.reason));
    if (!packet.properties.empty()) append_properties(out, packet.properties, version);
  });
}

void encode(ByteBuffer& out, const AuthView& packet, ProtocolVersion version) {
  encode_packet(out, PacketType::kAuth, [&] {
    if (packet.reason == ReasonCode::kSuccess && packet.properties.empty()) return;
    append_byte(out, static_cast<unsigned>(packet.reason));
    append_properties(out, packet.properties, version);
  });
}

void encode(ByteBuffer& out, const ControlPacketView& packet, ProtocolVersion version) {
  std::visit(
      [&](const auto& any) {
        if constexpr (std::is_same_v<decltype(any), const ConnectView&>) {
          encode(out, any);  // it carries its version
        } else {
          encode(out, any, version);
        }
      },
      packet);
}

}  // namespace mortise::mqtt
