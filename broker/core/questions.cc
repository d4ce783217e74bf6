#include "broker/core/questions.h"

#include "broker/core/attach.h"
#include "broker/core/connect.h"
#include "broker/core/exchange.h"
#include "broker/core/publish.h"
#include "broker/core/receive.h"
#include "broker/core/review.h"
#include "broker/core/subscribe.h"
#include "broker/core/talk.h"

namespace mortise::core {

namespace {

/// What a pending question got: an answer, or (null) the end of its time.
struct Outcome {
  const hooks::Resolution* resolution;
};

/// Lets the run go on; calls `then(decision)` when its chain has come to an end.
template <class Run, class Then>
void proceed(ShardState& state, Connection& connection, Run& run, Outcome outcome, Now now, Then&& then) {
  const hooks::Ticket asked = state.current_ticket(connection);
  const hooks::Ticket next = state.next_ticket(connection);
  const auto decision =
      outcome.resolution != nullptr ? run.resume(*outcome.resolution, next, now) : run.expire(asked, next, now);
  if (decision) return then(*decision);
  if (run.deadline() == kNever) connection.question = asked.question;  // its answer is already on the way
  connection.stage_deadline = run.deadline();
  state.arm(connection, run.deadline());
}

/// Lets a review go on; calls `then()` when all of it is answered.
template <class Then>
void proceed_review(ShardState& state, Connection& connection, SubscriptionReview& review,
                    const mqtt::PrincipalPtr& principal, Outcome outcome, Now now, Then&& then) {
  proceed(state, connection, *review.authorize, outcome, now, [&](const hooks::AccessDecision& decision) {
    settle_review(review, decision);
    ++review.at;
    if (advance_review(state, connection, review, principal, now)) then();
  });
}

void proceed_opening(ShardState& state, Connection& connection, Outcome outcome, Now now) {
  Opening& opening = *connection.opening;
  if (opening.authenticate) {
    proceed(state, connection, *opening.authenticate, outcome, now,
            [&](const hooks::AuthDecision& decision) { authenticated(state, connection, decision, now); });
  } else if (opening.bind) {
    proceed(state, connection, *opening.bind, outcome, now,
            [&](const hooks::BindDecision& decision) { bound(state, connection, decision, now); });
  } else if (opening.authorize_will) {
    proceed(state, connection, *opening.authorize_will, outcome, now,
            [&](const hooks::AccessDecision& decision) { will_authorized(state, connection, decision, now); });
  } else if (opening.review && opening.review->authorize) {
    proceed_review(state, connection, *opening.review, opening.principal, outcome, now,
                   [&] { stored_subscriptions_reviewed(state, connection, now); });
  }
}

// ---- Invalidation ---------------------------------------------------------------------------------------------------

void finish_invalidation(ShardState& state, Connection& connection, ResidentSession& session, Now now) {
  // The operation is over before it is acted on.
  PendingInvalidation done = std::move(std::get<PendingInvalidation>(*connection.pending));
  connection.pending.reset();
  connection.stage_deadline = kNever;
  rebind(state, session, done.affix, &*done.review, now);
  operation_finished(state, connection, now);
}

void review_again(ShardState& state, Connection& connection, ResidentSession& session,
                  const hooks::BindDecision& decision, Now now) {
  auto& pending = std::get<PendingInvalidation>(*connection.pending);
  pending.bind.reset();
  connection.stage_deadline = kNever;
  if (decision.is_bound) {
    auto affix = hooks::Affix::make(decision);
    if (!affix)
      return disconnect(state, connection, mqtt::ReasonCode::kImplementationSpecificError, now,
                        affix.error().message.c_str());
    pending.affix = state.affixes.shared(*affix);
  }
  if (decision.is_refused)
    return disconnect(state, connection, mqtt::ReasonCode::kServerBusy, now, "the topic hook gave no answer");
  pending.review.emplace(review_of(session, pending.affix));
  if (advance_review(state, connection, *pending.review, session.principal, now)) {
    finish_invalidation(state, connection, session, now);
  }
}

void proceed_pending(ShardState& state, Connection& connection, Outcome outcome, Now now) {
  ResidentSession* session = state.session_of(connection);
  CHECK(session != nullptr);
  if (auto* publish = std::get_if<PendingPublish>(connection.pending.get())) {
    proceed(state, connection, publish->authorize, outcome, now,
            [&](const hooks::AccessDecision& decision) { publish_authorized(state, connection, decision, now); });
  } else if (auto* subscribe = std::get_if<PendingSubscribe>(connection.pending.get())) {
    proceed_review(state, connection, subscribe->review, session->principal, outcome, now,
                   [&] { subscribe_reviewed(state, connection, now); });
  } else if (auto* again = std::get_if<PendingInvalidation>(connection.pending.get())) {
    if (again->bind) {
      proceed(state, connection, *again->bind, outcome, now,
              [&](const hooks::BindDecision& decision) { review_again(state, connection, *session, decision, now); });
    } else if (again->review) {
      proceed_review(state, connection, *again->review, session->principal, outcome, now,
                     [&] { finish_invalidation(state, connection, *session, now); });
    }
  }
}

void proceed_any(ShardState& state, Connection& connection, Outcome outcome, Now now) {
  if (connection.stage == Stage::kAuthenticating || connection.stage == Stage::kAttaching) {
    proceed_opening(state, connection, outcome, now);
  } else if (connection.pending) {
    proceed_pending(state, connection, outcome, now);
  }
}

}  // namespace

void answered(ShardState& state, const Completion& completion, Now now) {
  Connection* connection = state.connections.find(completion.ticket.connection);
  const bool is_alive = connection != nullptr && connection->stage != Stage::kEnded;
  if ((completion.ticket.question & kExchangeQuestion) != 0) {
    if (!is_alive || !exchange_answered(state, *connection, completion, now)) ++state.counters.late_answers;
    return;
  }
  const bool is_awaited =
      is_alive && connection->question == completion.ticket.question && (connection->opening || connection->pending);
  if (!is_awaited) {
    ++state.counters.late_answers;
    return;
  }
  proceed_any(state, *connection, {&completion.resolution}, now);
}

void question_expired(ShardState& state, Connection& connection, Now now) {
  proceed_any(state, connection, {nullptr}, now);
}

void invalidate(ShardState& state, ResidentSession& session, Now now) {
  session.authorization.clear();
  Connection* connection = state.connection_of(session);
  if (connection == nullptr) return;
  if (connection->pending || connection->stage != Stage::kConnected) {
    connection->wants_invalidation = true;
    return;
  }
  begin_invalidation(state, *connection, now);
}

void invalidate(ShardState& state, std::string_view name_space, std::string_view client_id, Now now) {
  if (ResidentSession* session = state.sessions.find(name_space, client_id)) invalidate(state, *session, now);
  // Whoever is attaching may have been asked about already.
  const auto at = state.attaching.find(session_key(name_space, client_id));
  if (at == state.attaching.end()) return;
  for (const ConnectionId id : {at->second.active, at->second.waiting}) {
    if (Connection* connection = state.connections.find(id)) connection->wants_invalidation = true;
  }
}

void begin_invalidation(ShardState& state, Connection& connection, Now now) {
  connection.wants_invalidation = false;
  ResidentSession* session = state.session_of(connection);
  CHECK(session != nullptr);
  // Answers that were on their way when the rights changed may have been remembered since.
  session->authorization.clear();
  connection.pending = std::make_unique<PendingOperation>(PendingInvalidation{});
  auto& pending = std::get<PendingInvalidation>(*connection.pending);
  const hooks::DispatchPtr& dispatch = state.dispatch_for(session->principal->listener);
  if (dispatch->topic.empty()) return review_again(state, connection, *session, {}, now);
  auto request = std::make_shared<hooks::BindRequest>();
  request->principal = session->principal;
  request->reason = hooks::BindReason::kInvalidate;
  pending.bind.emplace(dispatch, std::move(request));
  if (const auto decision = pending.bind->start(state.next_ticket(connection), now)) {
    return review_again(state, connection, *session, *decision, now);
  }
  connection.stage_deadline = pending.bind->deadline();
  state.arm(connection, connection.stage_deadline);
}

}  // namespace mortise::core
