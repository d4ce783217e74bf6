#include "broker/core/recover.h"

#include <algorithm>

#include "broker/base/log.h"
#include "broker/core/disconnect.h"
#include "broker/core/groups.h"
#include "broker/core/subscribe.h"

namespace mortise::core {

namespace {

/// Whoever was connected when the broker ended is not any more, and nobody saw the connection end.
void settle_times(ResidentSession& session, Shard::Recovered& recovered, Now now) {
  session.expires_at = recovered.session.expires_at;
  if (session.expires_at == kNeverWall && session.expiry_interval != session::kExpiryNever) {
    session.expires_at = now.wall + Seconds(session.expiry_interval);
  }
  if (!recovered.will) return;
  session.will.message = std::move(recovered.will);
  session.will.due_at = recovered.will_due_at;
  if (session::is_due_while_connected(recovered.will_due_at)) {
    session.will.delay_interval = session::delay_while_connected(recovered.will_due_at);
    // 5.0 section 3.1.3.2.2: at the end of the session at the latest, which may still wait for the store.
    session.will.due_at = now.wall + Seconds(std::min(session.will.delay_interval, session.expiry_interval));
  }
}

/// Or the next restart would begin its intervals anew, and one after another keep it for ever.
void note_times(ShardState& state, const ResidentSession& session) {
  if (session.expires_at != kNeverWall) put_session(state, session);
  const session::Durably durably = session.durably(state.journal);
  if (durably && session.will.message && session.will.delay_interval > 0)
    durably.journal->will_put(durably.number, session.will.due_at, session.will.message);
}

}  // namespace

void recover(ShardState& state, Shard::Recovered recovered, Now now) {
  if (!recovered.session.share_group.empty()) {
    return recover_group_queue(state, recovered.session.share_group, {recovered.session.number, recovered.queue}, now);
  }
  const mqtt::Principal& principal = *recovered.session.principal;
  if (state.sessions.find(principal.name_space, principal.client_id) != nullptr) {
    MORTISE_LOG(kWarning, "core", "store: client %s has two sessions; number %llu is left out",
                quoted(principal.client_id).c_str(), static_cast<unsigned long long>(recovered.session.number));
    return;
  }
  ResidentSession& session = state.sessions.emplace(state.loop, recovered.session.principal, state.queues);
  session.number = recovered.session.number;
  session.expiry_interval = recovered.session.expiry_interval;
  state.sessions_by_number[session.number] = session.id;
  session.inbound.restore(recovered.inbound);
  session.outbound.restore(recovered.queue, recovered.session.sent_until);
  if (const auto& affix = recovered.session.affix) {
    if (auto made = hooks::Affix::make(affix->prefix, affix->suffix, affix->operations, affix->rule_version))
      session.affix = state.affixes.shared(*made);
  }
  for (const session::SubscriptionRecord& record : recovered.subscriptions)
    recover_subscription(state, session, record, now);
  const bool was_connected = recovered.session.expires_at == kNeverWall;
  settle_times(session, recovered, now);
  if (was_connected) note_times(state, session);
  const WallTime next = std::min(session.expires_at, session.will.message ? session.will.due_at : kNeverWall);
  if (next != kNeverWall) state.arm(session, next, now);
}

}  // namespace mortise::core
