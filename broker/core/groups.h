#pragma once

#include <string>
#include <string_view>

#include "broker/core/deliver.h"
#include "broker/core/shard_state.h"

/// Shared subscriptions: a group on its home loop gives each message to one of its members.
namespace mortise::core {

std::string group_key(std::string_view share_name, std::string_view routed_filter);
LoopIndex group_home(const Shared& shared, std::string_view key) noexcept;

/// A member joined, left, came or went.
void membership_changed(ShardState& state, const GroupMembership& membership, Now now);

/// Makes the choice of every group among the targets and keeps it in `passing`; returns how many chosen members live on
/// other loops and must add a piece to the message's durable group.
std::uint32_t choose_members(ShardState& state, std::span<const routing::MatchEntry> targets, PassingView& passing);
/// Gives the message to the member that was chosen, or queues it when nobody is online.
void deliver_to_group(ShardState& state, const routing::MatchEntry& entry, PassingView& passing, Phase phase, Now now);
/// A message for a member here, or returned to its group.
void group_delivery(ShardState& state, const GroupDelivery& delivery, Now now);
/// The stored queue of a group, whose members may have come back before it or not.
void recover_group_queue(ShardState& state, const std::string& key, const RecoveredQueue& queue, Now now);
/// Removes the stored queues that no member came back to.
void remove_orphaned_queues(ShardState& state);
/// Hands out what waited while nobody was online, as far as members have credit.
void drain_group(ShardState& state, SharedGroup& group, Now now);

}  // namespace mortise::core
