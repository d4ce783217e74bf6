#pragma once

#include <cstdint>
#include <utility>

#include "broker/mqtt/message.h"
#include "broker/mqtt/principal.h"
#include "broker/session/authorization_cache.h"
#include "broker/session/inbound_flow.h"
#include "broker/session/origin.h"
#include "broker/session/outbound_flow.h"

namespace mortise::session {

/// Session Expiry Interval that never ends (5.0 section 3.1.2.11.2).
inline constexpr std::uint32_t kExpiryNever = 0xFFFFFFFF;

/// What the store holds as the due time of a Will whose client is connected: the delay is known again after a crash,
/// when the connection has ended without anybody seeing it.
/// Not kNeverWall itself, for an interval of 0 either: for the lifetime of a Will that means none.
inline WallTime due_while_connected(std::uint32_t delay_interval) {
  return kNeverWall - Millis(1) - Seconds(delay_interval);
}
inline bool is_due_while_connected(WallTime due_at) { return due_at > kNeverWall - Seconds(std::int64_t{1} << 33); }
inline std::uint32_t delay_while_connected(WallTime due_at) {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<Seconds>(kNeverWall - due_at).count());
}

/// A Will Message that waits: for the connection to end, and then for its delay.
struct PendingWill {
  mqtt::MessagePtr message;          // null: none; its topic is routed
  std::uint32_t delay_interval = 0;  // seconds
  WallTime due_at = kNeverWall;      // set when the connection has ended
};

/// What the broker knows of one client, whether it is connected or not: outlives connections. Unsynchronised: belongs
/// to its home loop; everybody else names it by SessionId.
struct Session {
  Session(mqtt::SessionId session_id, mqtt::PrincipalPtr owner, QueueScope& queues)
      : id(session_id),
        origin(origin_of(*owner)),
        principal(std::move(owner)),
        outbound(queues),
        authorization(queues.limits.authorization_cache_entries) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const mqtt::SessionId id;
  const std::uint64_t origin;  // of what the client publishes

  mqtt::PrincipalPtr principal;       // of the latest connection; its namespace and client id name the session
  SessionNumber number = 0;           // in the store; 0: not durable
  std::uint32_t expiry_interval = 0;  // seconds
  WallTime expires_at = kNeverWall;   // set when the connection has ended
  PendingWill will;
  OutboundFlow outbound;
  InboundFlow inbound;
  AuthorizationCache authorization;

  bool is_persistent() const noexcept { return expiry_interval > 0; }
};

}  // namespace mortise::session
