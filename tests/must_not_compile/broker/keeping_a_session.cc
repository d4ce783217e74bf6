#include <memory>

#include "broker/core/shard_state.h"

using mortise::core::ResidentSession;
using mortise::core::ShardState;

void use(ShardState& state, mortise::mqtt::SessionId id) {
  ResidentSession* session = state.find_session(id);
  if (session == nullptr) return;
#if BREAK == 1
  // error: deleted (function|constructor|copy constructor).*ResidentSession
  ResidentSession copy = *session;
#elif BREAK == 2
  // error: deleted (function|constructor|copy constructor).*ResidentSession
  ResidentSession moved = std::move(*session);
#elif BREAK == 3
  // error: deleted|cannot be assigned
  *session = std::move(*session);
#elif BREAK == 4
  // error: read-only|no viable overloaded|no match for|discards qualifiers|cannot assign|not assignable
  session->id = id;
#elif BREAK == 5
  // error: deleted|no matching function
  auto kept = std::make_shared<ResidentSession>(std::move(*session));
#endif
}
