#include "tests/conformance/packet_dump.h"

#include <limits>

namespace mortise::mqtt {
namespace {

std::string show(std::string_view text) { return quoted(text, std::numeric_limits<std::size_t>::max()); }
std::string show(ByteView bytes) { return show(as_text(bytes)); }
template <class Enum>
requires std::is_enum_v<Enum> std::string show(Enum value) { return std::to_string(static_cast<unsigned>(value)); }
std::string show(unsigned value) { return std::to_string(value); }

std::string show(const PropertiesView& properties) {
  std::string out = "[";
  properties.for_each([&](const PropertyView& property) {
    out += " " + show(property.id) + ":" + show(property.number) + show(property.text) + show(property.value);
  });
  return out + " ]";
}

std::string show(const WillView& will) {
  return "qos " + show(will.qos) + (will.retain ? " retain" : "") + " " + show(will.properties) + show(will.topic) +
         show(will.payload);
}

std::string dump_packet(const ConnectView& packet) {
  std::string out = "CONNECT version " + show(packet.version) + (packet.clean_start ? " clean" : "") + " keep alive " +
                    show(packet.keep_alive) + " " + show(packet.properties) + show(packet.client_id);
  if (packet.will) out += " will " + show(*packet.will);
  if (packet.user_name) out += " user name " + show(*packet.user_name);
  if (packet.password) out += " password " + show(*packet.password);
  return out;
}

std::string dump_packet(const ConnackView& packet) {
  return std::string("CONNACK") + (packet.session_present ? " present " : " ") + show(packet.code) +
         show(packet.properties);
}

std::string dump_packet(const PublishView& packet) {
  return std::string("PUBLISH") + (packet.dup ? " dup" : "") + (packet.retain ? " retain" : "") + " qos " +
         show(packet.qos) + " id " + show(packet.packet_id) + " " + show(packet.topic) + show(packet.properties) +
         show(packet.payload);
}

std::string dump_packet(const AcknowledgementView& packet) {
  return "acknowledgement " + show(packet.type) + " id " + show(packet.packet_id) + " " + show(packet.reason) +
         show(packet.properties);
}

std::string dump_packet(const SubscribeView& packet) {
  std::string out = "SUBSCRIBE id " + show(packet.packet_id) + " " + show(packet.properties);
  for (const SubscriptionRequestView& request : packet.requests) {
    out += " " + show(request.filter) + " qos " + show(request.options.maximum_qos) +
           (request.options.no_local ? " no local" : "") +
           (request.options.retain_as_published ? " retain as published" : "") + " retain handling " +
           show(request.options.retain_handling);
  }
  return out;
}

std::string dump_packet(const SubscriptionAcknowledgementView& packet) {
  return "subscription acknowledgement " + show(packet.type) + " id " + show(packet.packet_id) + " " +
         show(packet.properties) + show(packet.codes);
}

std::string dump_packet(const UnsubscribeView& packet) {
  std::string out = "UNSUBSCRIBE id " + show(packet.packet_id) + " " + show(packet.properties);
  for (const std::string_view filter : packet.filters) out += " " + show(filter);
  return out;
}

std::string dump_packet(const PingreqView&) { return "PINGREQ"; }
std::string dump_packet(const PingrespView&) { return "PINGRESP"; }
std::string dump_packet(const DisconnectView& packet) {
  return "DISCONNECT " + show(packet.reason) + show(packet.properties);
}
std::string dump_packet(const AuthView& packet) { return "AUTH " + show(packet.reason) + show(packet.properties); }

}  // namespace

std::string dump(const ControlPacketView& packet) {
  return std::visit([](const auto& any) { return dump_packet(any); }, packet);
}

}  // namespace mortise::mqtt
