#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/registry.h"
#include "broker/base/ring.h"
#include "broker/core/connection.h"
#include "broker/core/counters.h"
#include "broker/core/encoded_layouts.h"
#include "broker/core/session_table.h"
#include "broker/core/shard.h"
#include "broker/core/shared_group.h"
#include "broker/core/timers.h"
#include "broker/hooks/affixed_topics.h"

/// What the operations of one shard work on. One file per operation: connect, attach, publish, deliver, acknowledge,
/// subscribe, disconnect, expire, ...; each is a few functions over this state. Unsynchronised (loop-owned).
namespace mortise::core {

/// Clients with the same session key attach one at a time; of those that wait only the newest stays.
struct AttachQueue {
  ConnectionId active;
  ConnectionId waiting;
};

/// A QoS 0 delivery of a message that may not be passed on before it is durable.
struct HeldDelivery {
  std::uint64_t position = 0;
  mqtt::SessionId session;
  mqtt::MessagePtr message;
  bool retain = false;
  std::vector<std::uint32_t> subscription_identifiers;
};

/// A connection with a parked packet, and the position that it waits for.
struct ParkedConnection {
  std::uint64_t position = 0;
  ConnectionId connection;
};

/// An acknowledgement that waits until all who were asked have said whether there was room for its message (room.h).
struct AwaitedRoom {
  ConnectionId connection;
  mqtt::PacketType type = mqtt::PacketType::kPuback;
  mqtt::PacketId packet_id = 0;
  std::uint32_t loops = 0;   // that have not answered
  std::int64_t members = 0;  // whom groups gave it to, and that have not answered; below 0 when they were faster
  bool has_room = true;
  bool is_over() const noexcept { return loops == 0 && members == 0; }
};

/// The stored queue of a shared subscription's group.
struct RecoveredQueue {
  session::SessionNumber number = 0;
  session::QueueSummary summary;
};

/// Everybody who was connected when bans changed is looked at once: all slots that there were then, from wherever the
/// walk stands; bans that change meanwhile make it longer, not another. Who came later was looked at by CONNECT.
struct BanWalk {
  std::uint32_t slot = 0;  // the next
  std::uint32_t end = 0;   // where it goes on at the first
  std::uint32_t slots_left = 0;
};

struct ShardState {
  ShardState(LoopIndex loop_index, const Shared& all, session::Journal* loop_journal);

  const LoopIndex loop;
  Shared shared;                    // a copy of its own: a reload changes the limits loop by loop
  session::Journal* const journal;  // null without a store

  hooks::DispatchPtr dispatch;
  BanListPtr bans;  // null: nobody is banned
  BanWalk ban_walk;
  bool has_authorize = false;  // of the dispatch
  bool has_events = false;

  session::QueueScope queues;  // of sessions and groups
  Registry<Connection, hooks::ConnectionTag> connections;
  SessionTable sessions;
  std::unordered_map<session::SessionNumber, mqtt::SessionId>
      sessions_by_number;                                   // durable ones: for pages of the store
  std::unordered_map<mqtt::SessionId, SharedGroup> groups;  // whose home loop this is
  std::unordered_map<std::string, mqtt::SessionId> groups_by_key;
  std::unordered_map<session::SessionNumber, mqtt::SessionId> groups_by_number;
  std::unordered_map<std::string, RecoveredQueue> recovered_queues;  // of groups whose members have not come back yet
  std::unordered_map<std::string, AttachQueue> attaching;
  /// Sessions that ended, by key, until the store has removed them: with the position of the journal that says so.
  std::unordered_map<std::string, std::uint64_t> ending;

  OutboxPool outbox_buffers;
  SpareBundles spare_bundles;
  hooks::RecentAffixes affixes;
  routing::MatchCache matches;
  EncodedLayouts layouts;  // of the message that passes
  Timers timers;
  Ring<HeldDelivery> held_deliveries;
  Ring<ParkedConnection> parked_connections;   // by position
  Ring<AwaitedRoom> awaited_rooms;             // by number, those that are over in between included
  std::uint64_t first_awaited_room = 1;        // the number of the front
  Ring<mqtt::SessionId> replaying;             // wait for their turn, each once
  std::vector<mqtt::SessionId> held_sessions;  // their next message waits for the journal
  std::vector<ConnectionId> gone;              // ended without the loop, erased with the next timers
  std::vector<ConnectionId> unserved;          // wait for a store that fails: refused with the next timers
  std::vector<ConnectionId> stalled_publishers;
  std::vector<ConnectionId> put_off;  // to the next iteration
  std::size_t said = 0;               // bytes of PUBLISH packets put into outboxes in this iteration
  bool is_match_lent = false;
  bool has_mail_credit = true;
  bool may_publish = true;  // has_mail_credit, and memory
  MemoryStage memory_stage = MemoryStage::kEnough;
  std::size_t outbox_maximum;  // bytes: session.outbox_max_bytes, or less
  bool is_store_failing = false;
  bool is_shutting_down = false;
  std::uint64_t next_epoch = 1;
  std::uint64_t next_exchange = 1;
  std::size_t online = 0;     // sessions with a connection
  std::string topic_scratch;  // for rewriting
  hooks::AffixedTopics affixed_topics;

  ShardCounters counters;
  Actions actions;

  /// Whoever an operator banned may not connect, whatever plugins say.
  bool is_banned(std::string_view client_id, const std::optional<std::string>& user_name, std::string_view peer_address,
                 Now now) const {
    return bans && bans->find(client_id, user_name, peer_address, now.wall) != nullptr;
  }
  Connection* connection_of(const ResidentSession& session) { return connections.find(session.connection); }
  ResidentSession* session_of(const Connection& connection) { return sessions.find(connection.session.slot); }
  ResidentSession* find_session(mqtt::SessionId id) { return id.loop == loop ? sessions.find(id.slot) : nullptr; }
  /// Publishers may be read: there is memory, and credit in the mailboxes and in the store.
  bool accepts_publishes() const { return may_publish && (journal == nullptr || journal->has_credit()); }
  /// What is in the outboxes leaves before more is read: one read of small messages can be a hundred times as much for
  /// a thousand subscribers.
  bool has_said_enough() const { return said >= kSaidPerIteration; }
  /// Behind what is there for that loop already, in the same bundle where there is one.
  void mail_packet_to(LoopIndex to, const mqtt::MessageView& fields, const ReceivedView& received);
  void mail_to(LoopIndex to, Mail mail) { actions.mail[to].push_back(std::move(mail)); }
  hooks::Ticket next_ticket(Connection& connection) {
    connection.question = (connection.question + 1) & ~kExchangeQuestion;
    return current_ticket(connection);
  }
  hooks::Ticket current_ticket(const Connection& connection) const {
    return {loop, connection.id, connection.question};
  }
  /// The chains for who is, or was, connected by this listener.
  const hooks::DispatchPtr& dispatch_for(const SharedBytes& listener) const {
    return hooks::dispatch_for(dispatch, listener.text());
  }
  /// True as well when nothing has to wait (no store, or it fails and the policy is memory_only).
  bool is_durable(std::uint64_t position) const;
  /// Before another entry: leaves out those of connections and sessions that are gone when they are the most.
  void make_room_in_timers();
  void arm(Connection& connection, SteadyTime at);
  void arm(ResidentSession& session, WallTime due, Now now);
  /// The store fails, and those who would wait for it are refused.
  bool refuses_to_wait() const {
    return is_store_failing && shared.on_store_failure == Shared::StoreFailure::kRefusePersistent;
  }
  /// The store fails, and nobody waits for it.
  bool is_memory_only() const {
    return is_store_failing && shared.on_store_failure == Shared::StoreFailure::kMemoryOnly;
  }
  session::Durably durably(session::SessionNumber number) const { return {journal, number, !is_memory_only()}; }
  void emit(hooks::EventKind kind, const mqtt::PrincipalPtr& principal, Now now, std::string_view topic = {},
            mqtt::ReasonCode reason = mqtt::ReasonCode::kSuccess, mqtt::QoS qos = mqtt::QoS::kAtMostOnce) {
    if (has_events) [[unlikely]]
      emit_to_wanting(kind, principal, now, topic, reason, qos);
  }

 private:
  void emit_to_wanting(hooks::EventKind kind, const mqtt::PrincipalPtr& principal, Now now, std::string_view topic,
                       mqtt::ReasonCode reason, mqtt::QoS qos);
};

}  // namespace mortise::core
