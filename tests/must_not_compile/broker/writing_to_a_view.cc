#include "broker/mqtt/packets.h"
#include "broker/plugin_host/subjects.h"

void use(const mortise::mqtt::PublishView& packet, const mortise::plugin_host::StoreCommitView& commit) {
#if BREAK == 1
  // error: read-only|not assignable|returns a const value
  packet.topic[0] = 'x';
#elif BREAK == 2
  // error: read-only|not assignable|returns a const value
  packet.payload[0] = 1;
#elif BREAK == 3
  // error: read-only|not assignable|returns a const value
  commit.batch[0] = 1;
#endif
  (void)packet.topic;
  (void)commit.batch;
}
