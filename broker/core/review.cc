#include "broker/core/review.h"

#include <algorithm>
#include <set>
#include <utility>

#include "broker/base/log.h"
#include "broker/core/replay.h"
#include "broker/core/subscribe.h"

namespace mortise::core {

bool advance_review(ShardState& state, Connection& connection, SubscriptionReview& review,
                    const mqtt::PrincipalPtr& principal, Now now) {
  for (; review.at < review.subscriptions.size(); ++review.at) {
    ReviewedSubscription& reviewed = review.subscriptions[review.at];
    if (!state.has_authorize) {
      reviewed.is_allowed = true;
      continue;
    }
    auto request = std::make_shared<hooks::AccessRequest>();
    request->principal = principal;
    request->action = hooks::Action::kSubscribe;
    request->topic = reviewed.routed_filter;
    request->original_topic = reviewed.filter;
    request->share_name = reviewed.share_name;
    request->qos = reviewed.options.maximum_qos;
    review.authorize.emplace(state.dispatch_for(principal->listener), std::move(request));
    const auto decision = review.authorize->start(state.next_ticket(connection), now);
    if (!decision) {
      connection.stage_deadline = review.authorize->deadline();
      state.arm(connection, connection.stage_deadline);
      return false;
    }
    settle_review(review, *decision);
  }
  return true;
}

void settle_review(SubscriptionReview& review, const hooks::AccessDecision& decision) {
  ReviewedSubscription& reviewed = review.subscriptions[review.at];
  reviewed.is_allowed = decision.verdict == hooks::Verdict::kAllow;
  reviewed.rules = routing::make_filter_rules(decision.rules, [](const hooks::AccessRule& rule) {
    return routing::FilterRule{rule.allow, rule.filter};
  });
  review.authorize.reset();
}

SubscriptionReview review_of(const ResidentSession& session, const hooks::AffixPtr& affix) {
  SubscriptionReview review;
  std::string scratch;
  for (const auto& [filter, subscription] : session.subscriptions) {
    const auto parsed = mqtt::parse_topic_filter(filter, {0, mqtt::kMaximumStringSize});
    if (!parsed) continue;
    std::string_view routed = parsed->filter;
    if (affix) {
      const auto joined = affix->apply_to_filter(hooks::kAffixSubscribe, routed, scratch);
      if (!joined) continue;
      routed = *joined;
    }
    review.subscriptions.push_back({filter, subscription.share_name, std::string(routed), subscription.options,
                                    subscription.subscription_identifier, true, subscription.rules});
  }
  return review;
}

bool renew_review(const ResidentSession& session, const hooks::AffixPtr& affix, SubscriptionReview& review) {
  SubscriptionReview known = std::move(review);
  SubscriptionReview fresh = review_of(session, affix);
  review = {};
  const auto answered = [&](ReviewedSubscription& subscription) {
    return std::any_of(known.subscriptions.begin(), known.subscriptions.end(), [&](const ReviewedSubscription& other) {
      if (other.filter != subscription.filter || other.routed_filter != subscription.routed_filter ||
          other.options != subscription.options ||
          other.subscription_identifier != subscription.subscription_identifier)
        return false;
      subscription.is_allowed = other.is_allowed;
      subscription.rules = other.rules;
      return true;
    });
  };
  const auto unanswered = std::stable_partition(fresh.subscriptions.begin(), fresh.subscriptions.end(), answered);
  fresh.at = static_cast<std::size_t>(unanswered - fresh.subscriptions.begin());
  review = std::move(fresh);
  return review.at < review.subscriptions.size();
}

namespace {

bool is_same_affix(const hooks::AffixPtr& one, const hooks::AffixPtr& other) {
  return one == other || (one && other && *one == *other);
}

bool may_see(const ResidentSession& session, const mqtt::Message& message) {
  if (session.affix && !session.affix->invert(message.topic())) return false;
  return std::any_of(session.subscriptions.begin(), session.subscriptions.end(), [&](const auto& entry) {
    const SubscriptionState& subscription = entry.second;
    return mqtt::matches(subscription.routed_filter, message.topic()) &&
           (!subscription.rules || subscription.rules->allows(message.topic()));
  });
}

/// Those of `before` whose place in the index nobody took over, and what is told of those that ended.
void leave_abandoned(ShardState& state, ResidentSession& session, const Subscriptions& before, Now now) {
  std::set<std::pair<std::string_view, std::string_view>> kept;
  for (const auto& [filter, subscription] : session.subscriptions)
    kept.emplace(subscription.share_name, subscription.routed_filter);
  const session::Durably durably = session.durably(state.journal);
  for (const auto& [filter, subscription] : before) {
    if (!kept.contains({subscription.share_name, subscription.routed_filter}))
      leave_subscription(state, session, subscription, now);
    if (session.subscriptions.contains(filter)) continue;
    if (durably) durably.journal->subscription_remove(durably.number, filter);
    state.emit(hooks::EventKind::kUnsubscribed, session.principal, now, subscription.routed_filter,
               mqtt::ReasonCode::kNotAuthorized);
  }
}

/// What is retained goes on to come where the topics are the same; the rules are those of now.
void keep_replays(ResidentSession& session, const Subscriptions& before) {
  for (const auto& [filter, old] : before) {
    if (old.replay == 0) continue;
    const auto now = session.subscriptions.find(filter);
    if (now != session.subscriptions.end() && now->second.routed_filter == old.routed_filter) {
      now->second.replay = old.replay;
    } else {
      forget_replay(session, old.replay);
    }
  }
}

/// What waits for the client and may not be seen any more.
void drop_unseen(ShardState& state, ResidentSession& session) {
  state.counters.dropped_revoked += session.outbound.remove_if(
      [&](const mqtt::Message& message) { return !may_see(session, message); }, session.durably(state.journal));
}

}  // namespace

void rebind(ShardState& state, ResidentSession& session, const hooks::AffixPtr& affix, SubscriptionReview* review,
            Now now) {
  const bool same = is_same_affix(session.affix, affix);
  session.affix = affix;
  if (session.subscriptions.empty() || (same && review == nullptr)) return;
  SubscriptionReview renewed = review != nullptr ? std::move(*review) : review_of(session, affix);
  const Subscriptions before = std::exchange(session.subscriptions, {});
  for (ReviewedSubscription& reviewed : renewed.subscriptions) {
    if (!before.contains(reviewed.filter)) continue;  // it ended while it was reviewed
    if (!reviewed.is_allowed) {
      MORTISE_LOG(kInfo, "core", "client %s: subscription to %s ended: not authorized any more",
                  quoted(session.principal->client_id).c_str(), quoted(reviewed.filter).c_str());
      continue;
    }
    SubscriptionState& subscription = session.subscriptions[reviewed.filter];
    subscription = {std::move(reviewed.share_name), std::move(reviewed.routed_filter), reviewed.options,
                    reviewed.subscription_identifier, std::move(reviewed.rules)};
    charge(state, reviewed.filter, subscription);
    // Replaced where it stands, never taken out and put in again: other loops must not miss a message in between, and
    // a group must not lose its last member, and with it its queue.
    enter_subscription(state, session, subscription, false, now);
    put_subscription(state, session, reviewed.filter, subscription);
  }
  keep_replays(session, before);
  leave_abandoned(state, session, before, now);
  drop_unseen(state, session);
  session.has_unreviewed_pages = session.outbound.paged_out() > 0;
}

void drop_revoked(ShardState& state, ResidentSession& session) {
  if (!session.has_unreviewed_pages) return;
  drop_unseen(state, session);
  session.has_unreviewed_pages = session.outbound.paged_out() > 0;
}

}  // namespace mortise::core
