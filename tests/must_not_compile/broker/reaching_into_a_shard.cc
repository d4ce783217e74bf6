// Who runs shards sees ids and bytes; connections and sessions have not even a name there.
#include "broker/core/shard.h"
#include "broker/net/event_loop.h"
#include "broker/net/loop_group.h"

void use(mortise::core::Shard& shard, mortise::hooks::ConnectionId id) {
  (void)shard.outbox(id);
#if BREAK == 1
  // error: no type named 'Connection'|no member named 'Connection'|.Connection. is not a member of
  mortise::core::Connection* kept = nullptr;
#elif BREAK == 2
  // error: no type named 'ResidentSession'|no member named 'ResidentSession'|.ResidentSession. is not a member of
  mortise::core::ResidentSession* kept = nullptr;
#elif BREAK == 3
  // error: private
  (void)shard.state_;
#elif BREAK == 4
  // error: deleted (function|constructor|copy constructor).*Shard
  mortise::core::Shard copy = shard;
#endif
}
