#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/page_room.h"
#include "broker/base/time.h"
#include "broker/mqtt/principal.h"
#include "broker/mqtt/reason_code.h"
#include "broker/mqtt/types.h"

/// What an operator sees of sessions, and may do to one. Everything is a copy.
namespace mortise::core {

/// One session at one moment.
struct SessionReport {
  mqtt::PrincipalPtr principal;
  bool is_connected = false;
  std::uint16_t keep_alive = 0;       // seconds, as enforced; 0: none, or nobody is connected
  std::uint32_t expiry_interval = 0;  // seconds
  WallTime expires_at = kNeverWall;   // set while nobody is connected
  std::size_t subscriptions = 0;
  std::size_t queued_messages = 0;  // unacknowledged ones included
  std::size_t queued_bytes = 0;
  std::size_t unwritten_bytes = 0;  // that wait for the socket
  bool is_durable = false;
  bool has_will = false;
  std::string topic_prefix, topic_suffix;  // of its affix
};

/// One subscription of a session, as its Client asked for it.
struct SubscriptionReport {
  std::string filter;
  std::string routed_filter;
  std::string share_name;  // empty: not shared
  mqtt::SubscriptionOptions options;
  std::uint32_t subscription_identifier = 0;
};

/// Which sessions are asked for. An empty text asks for all; `client_id` and `user_name` are parts of what they are.
struct SessionQuery {
  std::string client_id;
  std::string user_name;
  std::optional<std::string> name_space;
  std::string listener;
  std::string peer_address;
  std::optional<bool> is_connected;

  bool picks(const mqtt::Principal& principal, bool is_connected_now) const;
};

/// Some of a loop's sessions. A session that is there from the first page to the last is in exactly one.
struct SessionPage {
  std::vector<SessionReport> sessions;
  std::uint32_t next = 0;  // the slot to go on from
  bool is_last = true;
  PageRoom room_left;
};

/// One client's subscriptions, by filter.
struct SubscriptionPage {
  std::vector<SubscriptionReport> subscriptions;
  bool is_last = true;
};

/// How much one look may take.
struct PageLimits {
  PageRoom room;
  std::size_t slots = 4096;  // that are looked at, whoever is in them
};

/// How an operator ends a connection, and the session with it if it is to end.
struct Dismissal {
  mqtt::ReasonCode reason = mqtt::ReasonCode::kAdministrativeAction;
  std::string why;  // for the log
  bool ends_session = false;
};
struct Dismissed {
  bool was_connected = false;
  bool ended_session = false;
};

struct ShardState;

SessionPage sessions_page(ShardState& state, const SessionQuery& query, std::uint32_t from, PageLimits limits);
std::optional<SessionReport> session_report(ShardState& state, std::string_view name_space, std::string_view client_id);
std::optional<SubscriptionPage> subscriptions_page(ShardState& state, std::string_view name_space,
                                                   std::string_view client_id, const std::optional<std::string>& after,
                                                   PageRoom room);
Dismissed dismiss(ShardState& state, std::string_view name_space, std::string_view client_id,
                  const Dismissal& dismissal, Now now);
/// Disconnects whoever is banned now, as many sessions looked at as one iteration may.
void go_on_with_bans(ShardState& state, Now now);

}  // namespace mortise::core
