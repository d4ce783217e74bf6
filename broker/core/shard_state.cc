#include "broker/core/shard_state.h"

#include <algorithm>

namespace mortise::core {

ShardState::ShardState(LoopIndex loop_index, const Shared& all, session::Journal* loop_journal)
    : loop(loop_index),
      shared(all),
      journal(loop_journal),
      dispatch(std::make_shared<const hooks::Dispatch>()),
      queues{shared.session},
      sessions(all.home_hash),
      matches(*all.subscriptions, all.match_cache),
      outbox_maximum(all.session.outbox_max_bytes) {
  actions.mail.resize(all.loops);
}

void ShardState::mail_packet_to(LoopIndex to, const mqtt::MessageView& fields, const ReceivedView& received) {
  std::vector<Mail>& mail = actions.mail[to];
  auto* last = mail.empty() ? nullptr : std::get_if<PacketMail>(&mail.back());
  if (last == nullptr || !(*last)->has_room()) last = &std::get<PacketMail>(mail.emplace_back(spare_bundles.take()));
  (*last)->add(fields, received);
}

bool ShardState::is_durable(std::uint64_t position) const {
  if (position == 0 || journal == nullptr) return true;
  if (is_memory_only()) return true;
  return journal->is_durable(position);
}

void ShardState::make_room_in_timers() {
  // One entry is the newest of each; so a look at all of them leaves out half or more, and costs a constant per entry.
  const std::size_t alive = connections.size() + sessions.size();
  if (timers.size() < 4 * alive + Timers::kKeepAtLeast) return;
  timers.compact([this](const Timers::Entry& entry) {
    if (entry.kind == Timers::Kind::kRetained || entry.kind == Timers::Kind::kOrphans) return true;
    if (entry.kind == Timers::Kind::kConnection) {
      const Connection* connection = connections.find({entry.index, entry.generation});
      return connection != nullptr && connection->armed_for == entry.at;
    }
    const ResidentSession* session = sessions.find({entry.index, entry.generation});
    return session != nullptr && session->armed_for == entry.at;
  });
}

void ShardState::arm(Connection& connection, SteadyTime at) {
  if (at >= connection.armed_for) return;
  make_room_in_timers();
  connection.armed_for = at;
  timers.arm({at, connection.id.index, connection.id.generation, Timers::Kind::kConnection});
}

void ShardState::arm(ResidentSession& session, WallTime due, Now now) {
  const SteadyTime at = now.steady + Millis(std::max<std::int64_t>((due - now.wall).count(), 0));
  if (at >= session.armed_for) return;
  make_room_in_timers();
  session.armed_for = at;
  timers.arm({at, session.id.slot.index, session.id.slot.generation, Timers::Kind::kSession});
}

void ShardState::emit_to_wanting(hooks::EventKind kind, const mqtt::PrincipalPtr& principal, Now now,
                                 std::string_view topic, mqtt::ReasonCode reason, mqtt::QoS qos) {
  for (const hooks::EventEntry& entry : dispatch->event) {
    if (!entry.hooks || !entry.hooks->wants(kind)) continue;
    hooks::Event event;
    event.kind = kind;
    event.at = now.wall;
    event.principal = principal;
    event.topic = topic;
    event.reason = reason;
    event.qos = qos;
    entry.hooks->emit(std::move(event));
  }
}

}  // namespace mortise::core
