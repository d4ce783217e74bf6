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

/// Asks about the review's subscriptions from where it stands; false while an answer is pending.
bool advance_review(ShardState& state, Connection& connection, SubscriptionReview& review,
                    const mqtt::PrincipalPtr& principal, Now now);
/// Takes the answer about the one it stands at.
void settle_review(SubscriptionReview& review, const hooks::AccessDecision& decision);
/// All subscriptions of a session, routed under `affix`.
SubscriptionReview review_of(const ResidentSession& session, const hooks::AffixPtr& affix);

/// Gives a session the affix of its connection, and its subscriptions what a review decided (null: nothing was asked):
/// those that are not allowed any more, or do not fit the affix, end; queued messages nobody may see any more are
/// dropped and counted.
void rebind(ShardState& state, ResidentSession& session, const hooks::AffixPtr& affix, SubscriptionReview* review,
            Now now);

/// Enters a subscription into the index, or tells its group. With `replays` the result is the sequence number up to
/// which retained messages are to be replayed; later ones are delivered.
std::uint64_t enter_subscription(ShardState& state, const ResidentSession& session,
                                 const SubscriptionState& subscription, bool replays, Now now);
void leave_subscription(ShardState& state, const ResidentSession& session, const SubscriptionState& subscription,
                        Now now);
void remove_all_subscriptions(ShardState& state, ResidentSession& session, Now now);
/// A stored subscription, at start.
void recover_subscription(ShardState& state, ResidentSession& session, const session::SubscriptionRecord& record,
                          Now now);

/// Tells the groups of the session's shared subscriptions that it came or went.
void announce_to_groups(ShardState& state, const ResidentSession& session, GroupMembership::Change change, Now now);

}  // namespace mortise::core
