#pragma once

#include "broker/core/shard_state.h"

/// Several subscriptions on their way through authorization: of one SUBSCRIBE, of a stored session that is resumed, of
/// a session whose rights or topics changed.
namespace mortise::core {

/// Asks about the review's subscriptions from where it stands; false while an answer is pending.
bool advance_review(ShardState& state, Connection& connection, SubscriptionReview& review,
                    const mqtt::PrincipalPtr& principal, Now now);
/// Takes the answer about the one it stands at.
void settle_review(SubscriptionReview& review, const hooks::AccessDecision& decision);
/// All subscriptions of a session, routed under `affix`.
SubscriptionReview review_of(const ResidentSession& session, const hooks::AffixPtr& affix);
/// Makes a finished review one of the subscriptions that the session has now; true when some of them were not asked
/// about.
bool renew_review(const ResidentSession& session, const hooks::AffixPtr& affix, SubscriptionReview& review);

/// Gives a session the affix of its connection, and its subscriptions what a review decided (null: nothing was asked):
/// those that are not allowed any more, or do not fit the affix, end; queued and retained messages nobody may see any
/// more are dropped and counted.
void rebind(ShardState& state, ResidentSession& session, const hooks::AffixPtr& affix, SubscriptionReview* review,
            Now now);
/// A page of the store was appended to the queue: drops what was queued under rights that are gone.
void drop_revoked(ShardState& state, ResidentSession& session);

}  // namespace mortise::core
