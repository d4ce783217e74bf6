#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "broker/base/keyed_hash.h"
#include "broker/base/time.h"
#include "broker/core/ban_list.h"
#include "broker/core/inspect.h"
#include "broker/core/mail.h"
#include "broker/core/outbox.h"
#include "broker/core/shared_group.h"
#include "broker/hooks/chain.h"
#include "broker/routing/retained_index.h"
#include "broker/routing/subscription_index.h"
#include "broker/session/journal.h"
#include "broker/session/limits.h"

namespace mortise::core {

using hooks::ConnectionId;

/// Bytes of PUBLISH packets that one iteration puts into outboxes before it stops reading; the packet that passes it is
/// still delivered to everybody. Large enough that a fan-out to 10,000 writes several small messages at once.
inline constexpr std::size_t kSaidPerIteration = 4u << 20;

/// What all shards share. Set before the first shard and alive until the last is gone.
struct Shared {
  std::size_t loops = 1;
  KeyedHash home_hash;  // session key -> home loop
  routing::SubscriptionIndex* subscriptions = nullptr;
  routing::RetainedIndex* retained = nullptr;
  GroupDirectory* groups = nullptr;
  session::MqttLimits mqtt;
  session::SessionLimits session;
  routing::MatchCache::Limits match_cache;
  /// Of the retained index, for new subscriptions: so many nodes are looked at, whatever they hold. 256 of them take
  /// about 0.1 ms with what is said; who has only a few to look at does not wait long for who has a million.
  struct ReplayLimits {
    std::size_t nodes_per_page = 256;  // for one session, before another has its turn
    std::size_t nodes_per_iteration = 1024;
  } replay;
  bool has_store = false;
  enum class StoreFailure : std::uint8_t {
    kRefusePersistent,
    kStopAcks,
    kMemoryOnly
  } on_store_failure = StoreFailure::kRefusePersistent;
};

/// How short of memory the broker is (node.memory_budget): each does what those before it do, too.
enum class MemoryStage : std::uint8_t {
  kEnough,
  kRefusing,     // nobody connects any more
  kHoldingBack,  // nobody who publishes or subscribes is read
  kShedding,     // who does not take what it is told loses QoS 0 early, or its connection
};

/// How a connection ends from our side.
enum class Farewell : std::uint8_t {
  kFlush,  // write what is in the outbox (bounded by a few seconds), then close
  kAbort,  // close at once
};

/// What a shard wants its loop to do, collected during an iteration and taken at its end.
struct Actions {
  struct Close {
    ConnectionId connection;
    Farewell farewell;
  };
  struct Move {
    ConnectionId connection;  // ends here with take_outbox; the loop calls no closed() for it
    LoopIndex to;
    std::unique_ptr<Arrival> arrival;  // its stream is set by the loop
  };
  std::vector<ConnectionId> talkative;  // their outboxes got something to say (each once per iteration)
  std::vector<Close> closes;
  std::vector<Move> moves;
  std::vector<ConnectionId> resumed;    // read and offer bytes again: receive() had left some, or reading was stopped
  std::vector<std::vector<Mail>> mail;  // by loop, this one included
};

/// What one loop counted. Read from other threads through snapshots the loop publishes.
struct ShardCounters;
/// What one shard holds now.
struct ShardHoldings;

/// One loop's part of the broker: its connections and the sessions whose home it is. No I/O, no clock, no thread:
/// called with bytes and time, answers with Actions. Unsynchronised (loop-owned).
class Shard {
 public:
  Shard(LoopIndex loop, const Shared& shared, session::Journal* journal);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // ---- What the loop tells ----------------------------------------------------------------------------------------
  /// A socket was accepted here. The Client has connect_timeout to send CONNECT.
  ConnectionId accepted(PeerInfo peer, Now now);
  /// What is known of the peer, for the loop to complete; null once CONNECT was answered, or when the connection is
  /// gone.
  PeerInfo* peer(ConnectionId connection) noexcept;
  /// An authenticated client moved here. Its leftover bytes are offered by receive() next.
  ConnectionId arrived(Arrival arrival, Now now);
  /// Offers unconsumed bytes of the stream, all that there are; returns how many were consumed. The rest (part of a
  /// packet, or held back) is offered again with more behind it, or after `resumed`.
  std::size_t receive(ConnectionId connection, ByteView bytes, Now now);
  /// False: stop reading this socket until `resumed` names it.
  bool wants_bytes(ConnectionId connection) const noexcept;
  /// The peer closed, or the socket failed. The id is dead afterwards. Not called after `closes` or `moves` named it.
  void closed(ConnectionId connection, Now now);
  /// The bytes to write; null when the connection is gone. Borrowed until the next call of the shard. An outbox named
  /// in `closes` with kFlush is handed over by take_outbox.
  Outbox* outbox(ConnectionId connection) noexcept;
  /// Ends the id: called exactly once for every connection that `closes` (either farewell) or `moves` named, when the
  /// loop performs it; until then the index is not given to another connection. The result is what kFlush still has to
  /// write; empty when there is nothing.
  Outbox take_outbox(ConnectionId connection);
  /// The socket took some of the outbox, or failed and the outbox was emptied; told after each write. Cheap where
  /// nothing waited for it.
  void writable(ConnectionId connection, Now now);
  /// What is kept of the mail is taken out of it; the rest is better freed by the thread that made it.
  void handle(Mail&& mail, Now now);
  /// Mail that this shard sent and another has handled: takes out what it uses again, and frees the rest.
  void take_back(std::vector<Mail>& mail);
  /// Enough is in the outboxes: sockets, or mail, wait for the next iteration.
  bool has_said_enough() const noexcept;
  /// Something else has its turn in this iteration: it may fill outboxes as much as what came before it did.
  void next_turn() noexcept;
  /// Before the loop performs the actions of an iteration: hands the journal over; who was put off is named in
  /// `resumed`.
  void end_of_iteration();
  /// Runs what is due. `next_deadline` says when to call again.
  void run_timers(Now now);
  SteadyTime next_deadline() const noexcept;
  /// Whether publishers may be read: set by the loop from the credits of its mailboxes. From false to true fills
  /// `resumed`.
  void set_mail_credit(bool has_credit);
  /// What was found when memory was last looked at. Told each time while it is kShedding: each time the connections
  /// that keep the most waiting are closed.
  void set_memory_stage(MemoryStage stage, Now now);

  Actions& actions() noexcept;

  // ---- Start, reload, stop ----------------------------------------------------------------------------------------
  void set_dispatch(hooks::DispatchPtr dispatch);
  /// From now on these hold. Those that CONNACK announced must be as they were: Clients rely on them.
  void set_limits(const session::MqttLimits& mqtt, const session::SessionLimits& session);
  /// Rights may be others now: asks again about the sessions in so many slots from `from` on, whose Clients are
  /// connected; the others' are asked about when they come back. Returns the slot to go on from; 0: that was all.
  std::uint32_t invalidate(std::uint32_t from, std::size_t slots, Now now);
  /// A stored session, before the listeners open.
  struct Recovered {
    session::SessionRecord session;
    std::vector<session::SubscriptionRecord> subscriptions;
    std::vector<mqtt::PacketId> inbound;
    session::QueueSummary queue;
    mqtt::MessagePtr will;
    WallTime will_due_at = kNeverWall;
  };
  void recover(Recovered recovered, Now now);
  /// All stored sessions are there: tells each loop what the others' mean to it (members of its groups) before anything
  /// is published. Before the loops run.
  static void all_recovered(std::span<const std::unique_ptr<Shard>> shards, Now now);
  /// Says Server shutting down to everybody and closes; Wills are published, since nobody said DISCONNECT
  /// (MQTT-3.1.2-8).
  void shut_down(Now now);

  const ShardCounters& counters() const noexcept;
  ShardHoldings holdings() const noexcept;

  // ---- What an operator asks (inspect.h) --------------------------------------------------------------------------
  /// Sessions from slot `from` on, as far as `limits` go.
  SessionPage sessions(const SessionQuery& query, std::uint32_t from, PageLimits limits);
  /// Nothing: there is no such session here.
  std::optional<SessionReport> session(std::string_view name_space, std::string_view client_id);
  /// The same for its subscriptions behind the filter `after`.
  std::optional<SubscriptionPage> subscriptions(std::string_view name_space, std::string_view client_id,
                                                const std::optional<std::string>& after, PageRoom room);
  Dismissed dismiss(std::string_view name_space, std::string_view client_id, const Dismissal& dismissal, Now now);
  /// From now on these may not connect, and who of them is connected is disconnected with the next timers, a part in
  /// each iteration. Null: all may.
  void set_bans(BanListPtr bans);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The loop a session lives on. Thread: any.
LoopIndex home_loop(const Shared& shared, std::string_view name_space, std::string_view client_id) noexcept;
/// The loop a stored session, or the queue of a shared subscription's group, is recovered on.
LoopIndex home_loop(const Shared& shared, const session::SessionRecord& record) noexcept;
/// The namespace and client id as one key that no other pair has.
std::string session_key(std::string_view name_space, std::string_view client_id);

}  // namespace mortise::core
