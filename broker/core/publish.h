#pragma once

#include "broker/core/deliver.h"
#include "broker/core/shard_state.h"
#include "broker/mqtt/decode.h"

/// From a PUBLISH (of a client, a Will, a plugin) to everybody who gets it.
namespace mortise::core {

/// PUBLISH from a Client, its topic not yet checked: `packet` is what `frame` was decoded to. Errors: what the
/// specification has the connection closed for.
Result<void, mqtt::Refusal> publish(ShardState& state, Connection& connection, const mqtt::FrameView& frame,
                                    const mqtt::PublishView& packet, Now now);
/// Goes on with what authorization decided about the pending PUBLISH.
void publish_authorized(ShardState& state, Connection& connection, const hooks::AccessDecision& decision, Now now);

/// Whether a payload is UTF-8 if its Payload Format Indicator says so (5.0 sections 3.3.2.3.2 and 3.1.3.2.3).
bool is_as_said(const mqtt::PropertiesView& properties, ByteView payload) noexcept;

struct RouteOptions {
  /// The publisher's session, when something of it must become durable together with the message: its QoS 2 Packet
  /// Identifier, or, when the message is its Will, that it was published.
  mqtt::SessionId publisher;
  mqtt::PacketId inbound_packet_id = 0;
  /// Nothing is passed on before it is durable.
  bool is_held = false;
};
struct Routed {
  bool has_subscribers = false;
  std::uint64_t position = 0;  // of the journal, that an acknowledgement must wait for; 0: nothing to wait for
};
/// Stores a retained message, finds the subscribers and delivers to them, here and on other loops.
Routed route(ShardState& state, PassingView& passing, const RouteOptions& options, Now now);

}  // namespace mortise::core
