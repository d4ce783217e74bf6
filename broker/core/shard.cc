#include "broker/core/shard.h"

#include <algorithm>

#include "broker/core/attach.h"
#include "broker/core/connect.h"
#include "broker/core/counters.h"
#include "broker/core/deliver.h"
#include "broker/core/disconnect.h"
#include "broker/core/exchange.h"
#include "broker/core/expire.h"
#include "broker/core/handle_mail.h"
#include "broker/core/questions.h"
#include "broker/core/receive.h"
#include "broker/core/recover.h"
#include "broker/core/shard_state.h"
#include "broker/core/short_of_memory.h"
#include "broker/core/talk.h"

namespace mortise::core {

struct Shard::State : ShardState {
  using ShardState::ShardState;
};

Shard::Shard(LoopIndex loop, const Shared& shared, session::Journal* journal)
    : state_(std::make_unique<State>(loop, shared, journal)) {
  if (loop == 0) state_->timers.arm({SteadyTime::min(), 0, 0, Timers::Kind::kRetained});
}

Shard::~Shard() = default;

ConnectionId Shard::accepted(PeerInfo peer, Now now) {
  ++state_->counters.connections_accepted;
  Connection& connection = state_->connections.emplace(std::move(peer), state_->outbox_buffers);
  connection.last_received = now.steady;
  connection.stage_deadline = now.steady + state_->shared.mqtt.connect_timeout;
  state_->arm(connection, connection.stage_deadline);
  return connection.id;
}

PeerInfo* Shard::peer(ConnectionId id) noexcept {
  Connection* connection = state_->connections.find(id);
  return connection == nullptr ? nullptr : connection->peer.get();
}

ConnectionId Shard::arrived(Arrival arrival, Now now) {
  Connection& connection = state_->connections.emplace(std::move(arrival.peer), state_->outbox_buffers);
  const ConnectionId id = connection.id;
  connection.last_received = now.steady;
  note_client(state_->shared.mqtt, connection, arrival.connect);
  connection.opening = std::make_unique<Opening>();
  connection.opening->connect = std::move(arrival.connect);
  connection.opening->principal = std::move(arrival.principal);
  connection.opening->has_assigned_client_id = arrival.has_assigned_client_id;
  connection.opening->session_expiry_maximum = arrival.session_expiry_maximum;
  connection.opening->authentication_data = std::move(arrival.authentication_data);
  connection.valid_until = arrival.valid_until;
  attach(*state_, connection, now);
  return id;
}

std::size_t Shard::receive(ConnectionId id, ByteView bytes, Now now) {
  Connection* connection = state_->connections.find(id);
  return connection == nullptr ? bytes.size() : core::receive(*state_, *connection, bytes, now);
}

bool Shard::wants_bytes(ConnectionId id) const noexcept {
  const Connection* connection = state_->connections.find(id);
  return connection != nullptr && core::wants_bytes(*state_, *connection);
}

void Shard::closed(ConnectionId id, Now now) {
  Connection* connection = state_->connections.find(id);
  if (connection == nullptr) return;
  // What stands behind a pending hook was sent before the end of the stream: a short-lived publisher loses nothing.
  if (connection->pending && connection->stage == Stage::kConnected) {
    connection->is_gone = true;
    end_exchange(*state_, *connection);
    return;
  }
  if (connection->stage != Stage::kEnded)
    connection_lost(*state_, *connection, mqtt::ReasonCode::kUnspecifiedError, now);
  connection->stage = Stage::kEnded;
  state_->connections.erase(id);
}

Outbox* Shard::outbox(ConnectionId id) noexcept {
  Connection* connection = state_->connections.find(id);
  if (connection == nullptr) return nullptr;
  connection->is_talkative = false;
  return &connection->outbox;
}

Outbox Shard::take_outbox(ConnectionId id) {
  Connection* connection = state_->connections.find(id);
  if (connection == nullptr) return {};
  Outbox outbox = std::move(connection->outbox);
  state_->connections.erase(id);
  return outbox;
}

void Shard::writable(ConnectionId id, Now now) {
  Connection* connection = state_->connections.find(id);
  if (connection == nullptr) return;
  if (connection->is_deaf && !is_outbox_full(*state_, *connection)) {
    connection->is_deaf = false;
    resume_reading(*state_, *connection);
  }
  if (!connection->is_choked) return;
  connection->is_choked = false;
  if (ResidentSession* session = state_->session_of(*connection)) pump(*state_, *session, now);
}

void Shard::handle(Mail&& mail, Now now) { handle_mail(*state_, std::move(mail), now); }

void Shard::take_back(std::vector<Mail>& mail) {
  for (Mail& one : mail) {
    if (auto* packets = std::get_if<PacketMail>(&one)) state_->spare_bundles.give_back(std::move(*packets));
  }
  mail.clear();
}

bool Shard::has_said_enough() const noexcept { return state_->has_said_enough(); }
void Shard::next_turn() noexcept { state_->said = 0; }

void Shard::end_of_iteration() {
  if (state_->journal != nullptr) state_->journal->flush();
  next_turn();
  if (!state_->put_off.empty()) go_on_with_put_off(*state_);
}

void Shard::run_timers(Now now) { core::run_timers(*state_, now); }

SteadyTime Shard::next_deadline() const noexcept {
  const bool is_idle =
      state_->gone.empty() && state_->unserved.empty() && state_->replaying.empty() && state_->ban_walk.slots_left == 0;
  return is_idle ? state_->timers.next() : SteadyTime::min();
}

void Shard::set_mail_credit(bool has_credit) {
  state_->has_mail_credit = has_credit;
  state_->may_publish = has_credit && state_->memory_stage < MemoryStage::kHoldingBack;
  resume_publishers(*state_);
}

void Shard::set_memory_stage(MemoryStage stage, Now now) {
  core::set_memory_stage(*state_, stage, now);
  set_mail_credit(state_->has_mail_credit);
}

Actions& Shard::actions() noexcept { return state_->actions; }

void Shard::set_dispatch(hooks::DispatchPtr dispatch) {
  state_->dispatch = std::move(dispatch);
  state_->has_authorize = state_->dispatch->has_authorize();
  state_->has_events = !state_->dispatch->event.empty();
}

void Shard::set_limits(const session::MqttLimits& mqtt, const session::SessionLimits& session) {
  state_->shared.mqtt = mqtt;
  state_->shared.session = session;
  renew_outbox_maximum(*state_);
}

std::uint32_t Shard::invalidate(std::uint32_t from, std::size_t slots, Now now) {
  if (from == 0) {
    // Whoever is attaching may have been asked about already, and may not have a session yet.
    for (const auto& [key, queue] : state_->attaching) {
      for (const ConnectionId id : {queue.active, queue.waiting}) {
        if (Connection* connection = state_->connections.find(id)) connection->wants_invalidation = true;
      }
    }
  }
  const std::uint32_t all = state_->sessions.slots();
  const auto end = static_cast<std::uint32_t>(std::min<std::size_t>(all, from + slots));
  for (std::uint32_t slot = from; slot < end; ++slot) {
    if (ResidentSession* session = state_->sessions.in_slot(slot)) core::invalidate(*state_, *session, now);
  }
  return end < all ? end : 0;
}

void Shard::recover(Recovered recovered, Now now) { core::recover(*state_, std::move(recovered), now); }

void Shard::all_recovered(std::span<const std::unique_ptr<Shard>> shards, Now now) {
  for (const auto& shard : shards) {
    for (std::size_t to = 0; to < shards.size(); ++to) {
      for (Mail& mail : std::exchange(shard->actions().mail[to], {})) shards[to]->handle(std::move(mail), now);
    }
  }
}

void Shard::shut_down(Now now) {
  state_->is_shutting_down = true;
  const bool is_elsewhere = !state_->shared.mqtt.server_reference.empty();
  state_->connections.for_each([&](Connection& connection) {
    if (connection.stage == Stage::kEnded) return;
    disconnect(*state_, connection,
               is_elsewhere && connection.is_v5() ? mqtt::ReasonCode::kUseAnotherServer
                                                  : mqtt::ReasonCode::kServerShuttingDown,
               now);
  });
}

const ShardCounters& Shard::counters() const noexcept { return state_->counters; }

ShardHoldings Shard::holdings() const noexcept {
  ShardHoldings holdings;
  holdings.connections = state_->connections.size();
  holdings.sessions = state_->sessions.size();
  holdings.online = state_->online;
  holdings.session_names = state_->sessions.names() + state_->sessions_by_number.size();
  holdings.queued_messages = state_->queues.messages;
  holdings.queued_bytes = state_->queues.bytes;
  for (const auto& [key, queue] : state_->recovered_queues) {
    holdings.queued_messages += queue.summary.messages;
    holdings.queued_bytes += queue.summary.bytes;
  }
  holdings.groups = state_->groups.size();
  holdings.group_names =
      state_->groups_by_key.size() + state_->groups_by_number.size() + state_->recovered_queues.size();
  holdings.attaching = state_->attaching.size();
  holdings.timers = state_->timers.size();
  holdings.parked = state_->parked_connections.size();
  holdings.awaited = state_->awaited_rooms.size();
  holdings.held = state_->held_deliveries.size() + state_->held_sessions.size();
  holdings.ending = state_->gone.size() + state_->unserved.size();
  holdings.replaying = state_->replaying.size();
  holdings.stalled_publishers = state_->stalled_publishers.size();
  return holdings;
}

SessionPage Shard::sessions(const SessionQuery& query, std::uint32_t from, PageLimits limits) {
  return sessions_page(*state_, query, from, limits);
}

std::optional<SessionReport> Shard::session(std::string_view name_space, std::string_view client_id) {
  return session_report(*state_, name_space, client_id);
}

std::optional<SubscriptionPage> Shard::subscriptions(std::string_view name_space, std::string_view client_id,
                                                     const std::optional<std::string>& after, PageRoom room) {
  return subscriptions_page(*state_, name_space, client_id, after, room);
}

Dismissed Shard::dismiss(std::string_view name_space, std::string_view client_id, const Dismissal& dismissal, Now now) {
  return core::dismiss(*state_, name_space, client_id, dismissal, now);
}

void Shard::set_bans(BanListPtr bans) {
  state_->bans = std::move(bans);
  state_->ban_walk.end = state_->sessions.slots();
  state_->ban_walk.slots_left = state_->bans ? state_->ban_walk.end : 0;
}

// ---- Keys -----------------------------------------------------------------------------------------------------------

std::string session_key(std::string_view name_space, std::string_view client_id) {
  std::string key = std::to_string(name_space.size());
  return key.append(":").append(name_space).append(client_id);
}

LoopIndex home_loop(const Shared& shared, std::string_view name_space, std::string_view client_id) noexcept {
  return static_cast<LoopIndex>(shared.home_hash(session_key(name_space, client_id)) % shared.loops);
}

LoopIndex home_loop(const Shared& shared, const session::SessionRecord& record) noexcept {
  if (!record.share_group.empty()) return static_cast<LoopIndex>(shared.home_hash(record.share_group) % shared.loops);
  return home_loop(shared, record.principal->name_space, record.principal->client_id);
}

}  // namespace mortise::core
