#pragma once

#include "broker/core/shard_state.h"
#include "broker/mqtt/decode.h"

/// CONNECT on the loop that accepted the socket: checked, authenticated, and sent to its home loop.
namespace mortise::core {

/// `packet`: the whole packet, fixed header included.
void connect(ShardState& state, Connection& connection, const mqtt::FrameView& frame, ByteView packet, Now now);
/// Takes over what a CONNECT packet (fixed header included, decoded before) says of its sender.
void note_client(const session::MqttLimits& limits, Connection& connection, std::string_view packet);
/// Goes on with what authentication decided.
void authenticated(ShardState& state, Connection& connection, const hooks::AuthDecision& decision, Now now);
/// Lets an authenticated client in: makes its Principal, and sends it to its home loop. `plugin`: who decided.
void admit(ShardState& state, Connection& connection, const hooks::ConnectRequest& request,
           const hooks::AuthDecision& decision, const std::string& plugin, Now now);
/// When what the decision granted is over; kNever when it does not say.
SteadyTime valid_until(const hooks::AuthDecision& decision, Now now);
/// What `plugin` noted of the client.
std::optional<mqtt::PrincipalNote> note_of(const hooks::AuthDecision& decision, const std::string& plugin);
/// In seconds; session::kExpiryNever when authentication says nothing.
std::uint32_t granted_expiry_maximum(const hooks::AuthDecision& decision);
/// CONNACK with a refusal, in the form the version has, then the close. `why` is for the log; `told`, a literal, for
/// the client that wants words (null: the name of the Reason Code).
void refuse_connect(ShardState& state, Connection& connection, mqtt::ReasonCode reason, const char* why,
                    const char* told = nullptr);
/// The same for one that comes while the broker shuts down.
void refuse_late(ShardState& state, Connection& connection);

}  // namespace mortise::core
