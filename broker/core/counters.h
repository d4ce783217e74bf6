#pragma once

#include <cstddef>
#include <cstdint>

namespace mortise::core {

/// What one shard counted since it began. Written by its loop alone.
struct ShardCounters {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connects_accepted = 0;
  std::uint64_t connects_refused = 0;
  std::uint64_t connects_without_memory = 0;  // refused: node.memory_budget
  std::uint64_t connects_timed_out = 0;       // no CONNECT within mqtt.connect_timeout
  std::uint64_t take_overs = 0;
  std::uint64_t protocol_errors = 0;
  std::uint64_t packets_received = 0;
  std::uint64_t packets_sent = 0;  // all but PUBLISH
  std::uint64_t publishes_received = 0;
  std::uint64_t publish_bytes_received = 0;  // of their payloads
  std::uint64_t publishes_denied = 0;
  std::uint64_t publishes_over_quota = 0;      // told Quota exceeded: somebody's queue was full, and rejects
  std::uint64_t authorization_cache_full = 0;  // a session's started anew
  std::uint64_t subscribes_denied = 0;
  std::uint64_t subscribes_over_quota = 0;  // max_subscriptions, subscriptions.max_bytes
  std::uint64_t publishes_sent = 0;
  std::uint64_t publish_bytes_sent = 0;  // of their payloads
  std::uint64_t topics_left_out = 0;     // of PUBLISH packets sent, for a Topic Alias
  std::uint64_t sessions_expired = 0;    // their Session Expiry Interval passed
  std::uint64_t wills_published = 0;
  std::uint64_t dropped_outbox_full = 0;  // QoS 0 for a subscriber that stopped reading
  std::uint64_t dropped_queue_full = 0;
  std::uint64_t dropped_no_inverse = 0;  // the subscriber's affix has no inverse for the topic
  std::uint64_t dropped_too_large = 0;   // above the Client's Maximum Packet Size
  std::uint64_t dropped_expired = 0;
  std::uint64_t dropped_held = 0;      // QoS 0 of a message not durable yet, beyond what is held
  std::uint64_t dropped_hops = 0;      // publishes of plugins that went round
  std::uint64_t dropped_revoked = 0;   // queued messages whose subscription is not allowed any more
  std::uint64_t retained_refused = 0;  // the retained store is full
  std::uint64_t replay_pages = 0;      // of the retained index, looked through for new subscriptions
  std::uint64_t late_answers = 0;      // of plugins, for questions nobody waits for any more
  std::uint64_t store_refusals = 0;    // connections closed because the store fails
  std::uint64_t group_queue_dropped = 0;
  std::uint64_t group_handed_back = 0;      // messages that a session did not finish, for another member
  std::uint64_t group_queues_orphaned = 0;  // stored queues that no member came back to
  std::uint64_t shed_connections = 0;       // closed for what they did not take: node.memory_budget
  // Times reading of a connection stopped, by what was full.
  std::uint64_t held_back_outbox = 0;      // it does not take what it is told
  std::uint64_t held_back_parked = 0;      // its acknowledgements that wait for the store
  std::uint64_t held_back_credit = 0;      // of the mailboxes, or of the store
  std::uint64_t held_back_read_ahead = 0;  // behind a plugin's pending answer
  std::uint64_t held_back_rate = 0;        // its listener's client_rate
  std::uint64_t held_back_iteration = 0;   // what one iteration says: it goes on with the next one

  ShardCounters& operator+=(const ShardCounters& other) noexcept;
};

/// What one shard holds now. Without clients, and when every session has expired, all of it is 0 but `timers`, which
/// is 1 on the loop that sweeps the retained messages.
struct ShardHoldings {
  std::size_t connections = 0;
  std::size_t sessions = 0;
  std::size_t online = 0;           // of them, those with a connection
  std::size_t session_names = 0;    // keys and numbers that lead to a session
  std::size_t queued_messages = 0;  // of sessions and groups, also where only the store has them; each in each queue
  std::size_t queued_bytes = 0;     // as session.queue.max_bytes counts them
  std::size_t groups = 0;
  std::size_t group_names = 0;
  std::size_t attaching = 0;
  std::size_t timers = 0;
  std::size_t parked = 0;     // answers to connections that wait for the journal
  std::size_t awaited = 0;    // acknowledgements that wait for other loops
  std::size_t held = 0;       // deliveries and sessions that wait for the journal
  std::size_t ending = 0;     // connections to be erased or refused with the next timers
  std::size_t replaying = 0;  // sessions that wait for their turn to be sent what is retained
  std::size_t stalled_publishers = 0;

  ShardHoldings& operator+=(const ShardHoldings& other) noexcept;
};

}  // namespace mortise::core
