#include "broker/core/group_member.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "broker/core/subscribe.h"

namespace mortise::core {

// ---- Credit ---------------------------------------------------------------------------------------------------------

std::uint16_t group_credit(ShardState& state, const ResidentSession& session) {
  const Connection* connection = state.connection_of(session);
  if (connection == nullptr) return 0;
  return std::min({GroupMember::kCredit, connection->receive_maximum, state.shared.session.max_inflight});
}

void tell_readiness(ShardState& state, ResidentSession& session, Now now) {
  if (session.taken_of_groups == 0) return;
  const std::uint16_t credit = group_credit(state, session);
  const Connection* connection = state.connection_of(session);
  const bool is_ready = connection != nullptr && session.taken_of_groups >= (credit + 1) / 2 &&
                        session.outbound.messages() <= credit / 2u && !connection->is_choked;
  if (!is_ready) return;
  announce_to_groups(state, session, GroupMembership::Change::kReady, now);
  session.taken_of_groups = 0;
}

// ---- What goes back -------------------------------------------------------------------------------------------------

namespace {

/// Sends them to their groups; in the journal one change with what `change` appends.
template <class Change>
void hand_back(ShardState& state, session::Durably durably, std::vector<GroupDelivery> unfinished, Change change) {
  const std::uint64_t piece = durably && !unfinished.empty() ? durably.journal->new_group() : 0;
  if (piece != 0) durably.journal->begin_piece(piece, static_cast<std::uint32_t>(1 + unfinished.size()));
  change();
  if (piece != 0) durably.journal->end_piece();
  for (GroupDelivery& delivery : unfinished) {
    delivery.group_piece = piece;
    state.counters.group_handed_back += 1;
    const LoopIndex home = delivery.group.loop;
    state.mail_to(home, std::move(delivery));
  }
}

void add_unfinished(ShardState& state, std::uint64_t share_tag, const mqtt::MessagePtr& message,
                    std::vector<GroupDelivery>& unfinished) {
  const mqtt::SessionId group = state.shared.groups->find(share_tag);
  if (!group) return;
  GroupDelivery& delivery = unfinished.emplace_back();
  delivery.message = message;
  delivery.group = group;
}

}  // namespace

void hand_back_unfinished(ShardState& state, const ResidentSession& session) {
  const session::Durably durably = session.durably(state.journal);
  std::vector<GroupDelivery> unfinished;
  session.outbound.visit_unfinished_shared([&](std::uint64_t share_tag, const mqtt::MessagePtr& message) {
    add_unfinished(state, share_tag, message, unfinished);
  });
  hand_back(state, durably, std::move(unfinished), [&] {
    if (durably) durably.journal->session_remove(durably.number);
  });
}

void hand_back_unsent(ShardState& state, ResidentSession& session) {
  const session::Durably durably = session.durably(state.journal);
  const auto has_left = [&](std::uint64_t share_tag) {
    return session.groups.empty() ||
           std::none_of(session.groups->begin(), session.groups->end(),
                        [&](const JoinedGroup& joined) { return joined.share_tag == share_tag; });
  };
  std::vector<GroupDelivery> unfinished;
  session.outbound.visit_unsent_shared([&](std::uint64_t share_tag, const mqtt::MessagePtr& message) {
    if (has_left(share_tag)) add_unfinished(state, share_tag, message, unfinished);
  });
  hand_back(state, durably, std::move(unfinished),
            [&] { session.outbound.remove_unsent_shared_if(has_left, durably); });
}

}  // namespace mortise::core
