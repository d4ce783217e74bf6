#pragma once

#include "broker/core/shard_state.h"
#include "broker/mqtt/packets.h"

/// Subscriptions: granted, replaced, reviewed, ended.
namespace mortise::core {

Result<void, mqtt::Refusal> subscribe(ShardState& state, Connection& connection, const mqtt::SubscribeView& packet,
                                      Now now);
Result<void, mqtt::Refusal> unsubscribe(ShardState& state, Connection& connection, const mqtt::UnsubscribeView& packet,
                                        Now now);
/// The pending SUBSCRIBE has been through authorization.
void subscribe_reviewed(ShardState& state, Connection& connection, Now now);

/// Writes a subscription of a durable session down.
void put_subscription(ShardState& state, const ResidentSession& session, const std::string& filter,
                      const SubscriptionState& subscription);

/// Counts what the session keeps of it against subscriptions.max_bytes.
void charge(ShardState& state, std::string_view filter, SubscriptionState& subscription);
/// Enters a subscription into the index, or tells its group. With `replays` the result is the sequence number up to
/// which retained messages are to be replayed; later ones are delivered.
std::uint64_t enter_subscription(ShardState& state, ResidentSession& session, const SubscriptionState& subscription,
                                 bool replays, Now now);
void leave_subscription(ShardState& state, ResidentSession& session, const SubscriptionState& subscription, Now now);
void remove_all_subscriptions(ShardState& state, ResidentSession& session, Now now);
/// A stored subscription, at start.
void recover_subscription(ShardState& state, ResidentSession& session, const session::SubscriptionRecord& record,
                          Now now);

/// Tells the groups of the session's shared subscriptions that it came or went.
void announce_to_groups(ShardState& state, ResidentSession& session, GroupMembership::Change change, Now now);

}  // namespace mortise::core
