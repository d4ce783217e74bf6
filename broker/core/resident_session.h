#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/base/byte_charge.h"
#include "broker/base/flat_map.h"
#include "broker/base/on_demand.h"
#include "broker/core/connection.h"
#include "broker/hooks/affix.h"
#include "broker/routing/filter_rules.h"
#include "broker/routing/retained_index.h"
#include "broker/session/session.h"

namespace mortise::core {

/// One subscription of a session.
struct SubscriptionState {
  std::string share_name;  // empty: not shared
  std::string routed_filter;
  mqtt::SubscriptionOptions options;
  std::uint32_t subscription_identifier = 0;
  routing::FilterRulesPtr rules;
  std::uint64_t replay = 0;  // the number of what is due to it; 0: nothing is
  ByteCharge charge{};       // of all this, against subscriptions.max_bytes
};

/// A session's, by the filter the Client asked for.
using Subscriptions = FlatMap<std::string, SubscriptionState>;

/// Retained messages that a subscription is still to be sent.
struct DueReplay {
  std::string filter;  // of the subscription, as the Client asked for it
  std::uint64_t boundary = 0;
  routing::RetainedCursor cursor{};
  ByteCharge charge{};  // against subscriptions.max_bytes
};

/// A group of a shared subscription that a session is a member of.
struct JoinedGroup {
  mqtt::SessionId group;
  std::uint64_t share_tag = 0;
};

/// A session on its home loop, with what ties it to its connection, to routing and to the hooks. Unsynchronised
/// (loop-owned).
struct ResidentSession : session::Session {
  ResidentSession(Id<mqtt::SessionTag> slot, LoopIndex loop, mqtt::PrincipalPtr owner, session::QueueScope& queues)
      : Session({slot, loop}, std::move(owner), queues) {}

  ConnectionId connection;  // empty: nobody is connected
  hooks::AffixPtr affix;    // null: topics pass as they are
  Subscriptions subscriptions;
  OnDemand<std::map<std::uint64_t, DueReplay>> replays;  // by number: who asked first comes first
  OnDemand<std::vector<JoinedGroup>> groups;             // what one gives to who has left goes back to it
  bool is_replaying = false;                             // named in ShardState::replaying
  bool is_waiting_for_journal = false;                   // named in held_sessions
  bool has_unreviewed_pages = false;  // rights changed while part of the queue was in the store alone
  bool asked_for_expiry = false;      // the Session Expiry Interval in CONNECT was not zero, whatever was granted
  std::uint16_t taken_of_groups = 0;  // messages at QoS > 0 since it last told its groups that it is ready
  std::uint32_t expiry_interval_maximum = session::kExpiryNever;  // as CONNECT was granted
  SteadyTime armed_for = kNever;                                  // the earliest timer entry

  session::Durably durably(session::Journal* journal) const noexcept { return {journal, number}; }
};

}  // namespace mortise::core
