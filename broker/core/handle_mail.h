#pragma once

#include "broker/core/shard_state.h"

namespace mortise::core {

/// Does what a mail says. Precondition: not an Arrival.
void handle_mail(ShardState& state, Mail&& mail, Now now);
/// Publishers that waited for credit are read again.
void resume_publishers(ShardState& state);

}  // namespace mortise::core
