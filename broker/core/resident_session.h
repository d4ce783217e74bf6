#pragma once

#include <string>

#include "broker/base/byte_charge.h"
#include "broker/base/flat_map.h"
#include "broker/base/ring.h"
#include "broker/core/connection.h"
#include "broker/hooks/affix.h"
#include "broker/routing/filter_rules.h"
#include "broker/session/session.h"

namespace mortise::core {

/// One subscription of a session.
struct SubscriptionState {
  std::string share_name;  // empty: not shared
  std::string routed_filter;
  mqtt::SubscriptionOptions options;
  std::uint32_t subscription_identifier = 0;
  routing::FilterRulesPtr rules;
  ByteCharge charge{};  // of all this, against subscriptions.max_bytes
};

/// A session's, by the filter the Client asked for.
using Subscriptions = FlatMap<std::string, SubscriptionState>;

/// A retained message that is still to be replayed.
struct Replay {
  mqtt::MessagePtr message;
  mqtt::QoS effective_qos = mqtt::QoS::kAtMostOnce;
  std::uint32_t subscription_identifier = 0;
};

/// A session on its home loop, with what ties it to its connection, to routing and to the hooks. Unsynchronised
/// (loop-owned).
struct ResidentSession : session::Session {
  ResidentSession(Id<mqtt::SessionTag> slot, LoopIndex loop, mqtt::PrincipalPtr owner,
                  const session::SessionLimits& limits)
      : Session({slot, loop}, std::move(owner), limits) {}

  ConnectionId connection;  // empty: nobody is connected
  hooks::AffixPtr affix;    // null: topics pass as they are
  Subscriptions subscriptions;
  Ring<Replay> replay;
  bool is_waiting_for_journal = false;  // named in held_sessions
  bool owes_readiness = false;          // to groups that gave it something out of their queues
  bool has_unreviewed_pages = false;    // rights changed while part of the queue was in the store alone
  std::uint32_t expiry_interval_maximum = session::kExpiryNever;  // as CONNECT was granted
  SteadyTime armed_for = kNever;                                  // the earliest timer entry

  session::Durably durably(session::Journal* journal) const noexcept { return {journal, number}; }
};

}  // namespace mortise::core
