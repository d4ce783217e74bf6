#pragma once

#include "broker/core/shard_state.h"
#include "broker/mqtt/packets.h"

namespace mortise::core {

/// PUBACK, PUBREC, PUBREL or PUBCOMP from the Client.
Result<void, mqtt::Refusal> acknowledgement_received(ShardState& state, Connection& connection,
                                                     const mqtt::AcknowledgementView& packet, Now now);

}  // namespace mortise::core
