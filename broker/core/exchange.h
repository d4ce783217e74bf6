#pragma once

#include "broker/core/shard_state.h"
#include "broker/mqtt/decode.h"

/// Enhanced authentication (5.0 section 4.12): CONNECT with an Authentication Method, AUTH packets, and the same again
/// for a connected client. Each step is asked of the auth chain; what the plugin keeps between steps it finds by the
/// exchange's number. A re-authentication changes nothing until it has succeeded, and never who the client is.
namespace mortise::core {

/// A CONNECT with an Authentication Method: its first step, with the time that is left of the CONNECT time-out.
void begin_exchange(ShardState& state, Connection& connection, hooks::ConnectRequestPtr connect,
                    std::optional<ByteView> authentication_data, Now now);
/// Between CONNECT and CONNACK: an AUTH or a DISCONNECT is expected.
bool awaits_auth(const Connection& connection) noexcept;
/// A packet while awaits_auth(). Anything else than those two ends the connection (MQTT-3.1.2-30).
void receive_step(ShardState& state, Connection& connection, const mqtt::FrameView& frame, Now now);
/// No packet at all, while awaits_auth().
void refuse_step(ShardState& state, Connection& connection, const mqtt::Refusal& refusal);
/// AUTH from a connected client whose CONNECT had an Authentication Method.
Result<void, mqtt::Refusal> auth_received(ShardState& state, Connection& connection, const mqtt::AuthView& packet,
                                          Now now);

/// A plugin's answer to a question of an exchange; false: nobody waits for it.
bool exchange_answered(ShardState& state, Connection& connection, const Completion& completion, Now now);
/// When an exchange is to be looked at; kNever without one.
SteadyTime exchange_due_at(const Connection& connection) noexcept;
void exchange_due(ShardState& state, Connection& connection, Now now);
/// The connection ends: the plugin is told that an exchange that goes on is over.
void end_exchange(ShardState& state, Connection& connection);

}  // namespace mortise::core
