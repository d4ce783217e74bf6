#include "broker/core/mail.h"

#include "broker/base/log.h"
#include "broker/core/attach.h"
#include "broker/core/deliver.h"
#include "broker/core/disconnect.h"
#include "broker/core/group_member.h"
#include "broker/core/groups.h"
#include "broker/core/handle_mail.h"
#include "broker/core/publish.h"
#include "broker/core/questions.h"
#include "broker/core/receive.h"
#include "broker/core/review.h"
#include "broker/core/room.h"
#include "broker/core/talk.h"

namespace mortise::core {

namespace {

constexpr std::size_t kMailOverhead = 128;
constexpr std::uint8_t kMaximumHops = 4;
constexpr Seconds kPageAgainAfter{1};

/// Every kind of mail has its function.
struct Handling {
  ShardState& state;
  Now now;

  template <class Kind>
  void operator()(Boxed<Kind>& mail) const {
    (*this)(*mail);
  }

  void operator()(const PacketBundle& bundle) const { deliver_mail(state, bundle, now); }
  void operator()(const Delivery& delivery) const { deliver_mail(state, delivery, nullptr, now); }
  void operator()(const AskingDelivery& asking) const {
    RoomInquiry inquiry{asking.question};
    deliver_mail(state, asking.delivery, &inquiry, now);
    answer_for_loop(state, inquiry);
  }
  void operator()(const RoomAnswer& answer) const { room_answered(state, answer); }
  void operator()(const GroupDelivery& delivery) const { group_delivery(state, delivery, now); }
  void operator()(const GroupMembership& membership) const { membership_changed(state, membership, now); }

  /// The loop takes arrivals out of its mail and calls Shard::arrived itself: it has the stream.
  void operator()(const Arrival&) const { CHECK(false); }

  void operator()(const Completion& completion) const { answered(state, completion, now); }

  void operator()(const PluginIntent& mail) const {
    if (const auto* publish = std::get_if<hooks::PublishIntent>(&mail.intent)) {
      if (publish->message->hops() >= kMaximumHops) {
        ++state.counters.dropped_hops;
        MORTISE_LOG(kWarning, "core", "publish of plugin %s to %s dropped: it went round plugins %d times",
                    mail.plugin.c_str(), quoted(publish->message->topic()).c_str(), int{publish->message->hops()});
        return;
      }
      PassingView passing(state, publish->message);
      route(state, passing, RouteOptions{}, now);
    } else if (const auto* kick = std::get_if<hooks::DisconnectIntent>(&mail.intent)) {
      ResidentSession* session = state.sessions.find(kick->name_space, kick->client_id);
      Connection* connection = session != nullptr ? state.connection_of(*session) : nullptr;
      const std::string why = "disconnected by plugin " + mail.plugin;
      if (connection != nullptr) disconnect(state, *connection, kick->reason, now, why.c_str());
    } else if (const auto* changed = std::get_if<hooks::InvalidateIntent>(&mail.intent)) {
      invalidate(state, changed->name_space, changed->client_id, now);
    }
  }

  void operator()(const Durable&) const {
    std::erase_if(state.ending, [this](const auto& ended) { return state.is_durable(ended.second); });
    release_parked(state, now);
    release_held(state, now);
    if (state.accepts_publishes()) resume_publishers(state);
  }

  void operator()(QueuePage& page) const {
    if (const auto group = state.groups_by_number.find(page.session); group != state.groups_by_number.end()) {
      SharedGroup& shared_group = state.groups.at(group->second);
      if (page.failed) return shared_group.queue.page_failed();
      shared_group.queue.append_page(std::move(page.records), page.is_last);
      return drain_group(state, shared_group, now);
    }
    const auto at = state.sessions_by_number.find(page.session);
    ResidentSession* session = at != state.sessions_by_number.end() ? state.sessions.find(at->second.slot) : nullptr;
    if (session == nullptr) return;
    if (page.failed) {
      // Asked for again a little later, not at once: the store is in trouble as it is.
      session->outbound.page_failed();
      return state.arm(*session, now.wall + kPageAgainAfter, now);
    }
    session->outbound.append_page(std::move(page.records), page.is_last);
    drop_revoked(state, *session);
    hand_back_unsent(state, *session);
    pump(state, *session, now);
  }

  void operator()(const StoreState& store) const {
    state.is_store_failing = store.is_failing;
    if (!store.is_failing) return;
    using Policy = Shared::StoreFailure;
    if (state.shared.on_store_failure == Policy::kMemoryOnly) return (*this)(Durable{});
    if (state.shared.on_store_failure != Policy::kRefusePersistent) return;
    // What is parked is never acknowledged: the clients that wait for it are told by the close.
    state.connections.for_each([&](Connection& connection) { refuse_unserved(state, connection, now); });
  }
};

}  // namespace

std::size_t cost_of(const Mail& mail) noexcept {
  if (const auto* delivery = std::get_if<Delivery>(&mail)) return kMailOverhead + delivery->message->cost();
  if (const auto* packets = std::get_if<PacketMail>(&mail)) return kMailOverhead + (*packets)->cost();
  if (const auto* asking = std::get_if<Boxed<AskingDelivery>>(&mail))
    return kMailOverhead + (*asking)->delivery.message->cost();
  if (const auto* delivery = std::get_if<Boxed<GroupDelivery>>(&mail)) {
    return kMailOverhead + (*delivery)->message->cost();
  }
  const bool is_counted =
      std::holds_alternative<Boxed<GroupMembership>>(mail) || std::holds_alternative<Boxed<Arrival>>(mail);
  return is_counted ? kMailOverhead : 0;
}

void handle_mail(ShardState& state, Mail&& mail, Now now) { std::visit(Handling{state, now}, mail); }

void resume_publishers(ShardState& state) {
  if (!state.may_publish || state.stalled_publishers.empty()) return;
  for (const ConnectionId id : std::exchange(state.stalled_publishers, {})) {
    Connection* connection = state.connections.find(id);
    if (connection == nullptr) continue;
    connection->is_stalled = false;
    resume_reading(state, *connection);
  }
}

}  // namespace mortise::core
