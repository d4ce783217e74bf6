#include "broker/core/counters.h"

#include <array>

namespace mortise::core {

namespace {

constexpr std::array kCounters = {&ShardCounters::connections_accepted,   &ShardCounters::connects_accepted,
                                  &ShardCounters::connects_refused,       &ShardCounters::connects_without_memory,
                                  &ShardCounters::connects_timed_out,     &ShardCounters::take_overs,
                                  &ShardCounters::protocol_errors,        &ShardCounters::packets_received,
                                  &ShardCounters::packets_sent,           &ShardCounters::publishes_received,
                                  &ShardCounters::publish_bytes_received, &ShardCounters::publishes_denied,
                                  &ShardCounters::publishes_over_quota,   &ShardCounters::authorization_cache_full,
                                  &ShardCounters::subscribes_denied,      &ShardCounters::subscribes_over_quota,
                                  &ShardCounters::publishes_sent,         &ShardCounters::publish_bytes_sent,
                                  &ShardCounters::topics_left_out,        &ShardCounters::sessions_expired,
                                  &ShardCounters::wills_published,        &ShardCounters::dropped_outbox_full,
                                  &ShardCounters::dropped_queue_full,     &ShardCounters::dropped_no_inverse,
                                  &ShardCounters::dropped_too_large,      &ShardCounters::dropped_expired,
                                  &ShardCounters::dropped_held,           &ShardCounters::dropped_hops,
                                  &ShardCounters::dropped_revoked,        &ShardCounters::retained_refused,
                                  &ShardCounters::replay_pages,           &ShardCounters::late_answers,
                                  &ShardCounters::store_refusals,         &ShardCounters::group_queue_dropped,
                                  &ShardCounters::group_queues_orphaned,  &ShardCounters::group_handed_back,
                                  &ShardCounters::shed_connections,       &ShardCounters::held_back_outbox,
                                  &ShardCounters::held_back_parked,       &ShardCounters::held_back_credit,
                                  &ShardCounters::held_back_read_ahead,   &ShardCounters::held_back_rate,
                                  &ShardCounters::held_back_iteration};
static_assert(kCounters.size() * sizeof(std::uint64_t) == sizeof(ShardCounters));

constexpr std::array kHoldings = {&ShardHoldings::connections,
                                  &ShardHoldings::sessions,
                                  &ShardHoldings::online,
                                  &ShardHoldings::session_names,
                                  &ShardHoldings::queued_messages,
                                  &ShardHoldings::queued_bytes,
                                  &ShardHoldings::groups,
                                  &ShardHoldings::group_names,
                                  &ShardHoldings::attaching,
                                  &ShardHoldings::timers,
                                  &ShardHoldings::parked,
                                  &ShardHoldings::awaited,
                                  &ShardHoldings::held,
                                  &ShardHoldings::ending,
                                  &ShardHoldings::replaying,
                                  &ShardHoldings::stalled_publishers};
static_assert(kHoldings.size() * sizeof(std::uint64_t) == sizeof(ShardHoldings));

template <class Of, class Members>
Of& add(Of& to, const Of& other, const Members& members) noexcept {
  for (const auto member : members) to.*member += other.*member;
  return to;
}

}  // namespace

ShardCounters& ShardCounters::operator+=(const ShardCounters& other) noexcept { return add(*this, other, kCounters); }
ShardHoldings& ShardHoldings::operator+=(const ShardHoldings& other) noexcept { return add(*this, other, kHoldings); }

}  // namespace mortise::core
