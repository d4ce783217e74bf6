#include "broker/hooks/chain.h"

#include <algorithm>

#include "broker/base/check.h"
#include "broker/base/log.h"

namespace mortise::hooks {

const char* name_of(FailureKind kind) noexcept {
  switch (kind) {
    case FailureKind::kError:
      return "error";
    case FailureKind::kException:
      return "exception";
    case FailureKind::kBadDecision:
      return "bad decision";
    case FailureKind::kDeadline:
      return "deadline passed";
    case FailureKind::kQueueFull:
      return "queue full";
    case FailureKind::kQuarantined:
      return "quarantined";
    case FailureKind::kNotLoaded:
      return "not loaded";
    case FailureKind::kCrashed:
      return "crashed";
  }
  return "unknown";
}

bool Dispatch::has_authenticate() const noexcept {
  return std::any_of(auth.begin(), auth.end(),
                     [](const AuthEntry& entry) { return AuthenticatePolicy::answers(entry); });
}

bool Dispatch::has_authorize() const noexcept {
  return std::any_of(auth.begin(), auth.end(),
                     [](const AuthEntry& entry) { return AuthorizePolicy::answers(entry); }) ||
         std::any_of(by_listener.begin(), by_listener.end(),
                     [](const auto& listener) { return listener.second->has_authorize(); });
}

const DispatchPtr& dispatch_for(const DispatchPtr& dispatch, std::string_view listener) noexcept {
  if (dispatch->by_listener.empty()) return dispatch;
  const auto own = dispatch->by_listener.find(listener);
  return own == dispatch->by_listener.end() ? dispatch : own->second;
}

// ---- The walk -------------------------------------------------------------------------------------------------------

template <class Policy>
std::optional<typename Policy::Decision> ChainRun<Policy>::walk(const Ticket& ticket, Now now) {
  const auto& entries = Policy::entries(*dispatch_);
  for (; at_ < std::min(end_, entries.size()); ++at_) {
    const auto& entry = entries[at_];
    if (!Policy::answers(entry)) continue;
    anybody_asked_ = true;
    plugin_ = entry.name;
    Answer<Decision> answer =
        entry.hooks ? Policy::ask(entry, request_, ticket, now) : Answer<Decision>(FailureKind::kNotLoaded);
    if (const Pending* pending = std::get_if<Pending>(&answer)) {
      deadline_ = pending->deadline;
      return std::nullopt;
    }
    Decision* decision = std::get_if<Decision>(&answer);
    const bool ended = decision != nullptr ? settle(std::move(*decision)) : settle(std::get<FailureKind>(answer));
    if (ended) break;
  }
  deadline_ = kNever;
  return Policy::finish(std::move(combined_), anybody_asked_);
}

template <class Policy>
bool ChainRun<Policy>::settle(Decision decision) {
  return Policy::combine(combined_, std::move(decision));
}

template <class Policy>
bool ChainRun<Policy>::settle(FailureKind failure) {
  MORTISE_LOG(kWarning, "hooks", "plugin %s gave no answer (%s); its failure policy applies", plugin_.c_str(),
              name_of(failure));
  std::optional<Decision> by_policy = Policy::on_failure(entry(), request_);
  return by_policy && Policy::combine(combined_, std::move(*by_policy));
}

template <class Policy>
std::optional<typename Policy::Decision> ChainRun<Policy>::resume(const Resolution& resolution,
                                                                  const Ticket& next_ticket, Now now) {
  CHECK(at_ < Policy::entries(*dispatch_).size());
  const Decision* decision = std::get_if<Decision>(&resolution);
  const FailureKind* failure = std::get_if<FailureKind>(&resolution);
  // An answer to another kind of question is the plugin's bad decision, not ours to crash on.
  const bool ended =
      decision != nullptr ? settle(*decision) : settle(failure != nullptr ? *failure : FailureKind::kBadDecision);
  if (ended) {
    deadline_ = kNever;
    return Policy::finish(std::move(combined_), anybody_asked_);
  }
  ++at_;
  return walk(next_ticket, now);
}

template <class Policy>
std::optional<typename Policy::Decision> ChainRun<Policy>::expire(const Ticket& ticket, const Ticket& next_ticket,
                                                                  Now now) {
  const auto& hooks = entry().hooks;
  if (hooks && !hooks->expire(ticket)) {
    deadline_ = kNever;
    return std::nullopt;
  }
  return resume(FailureKind::kDeadline, next_ticket, now);
}

template <class Policy>
std::optional<typename Policy::Decision> ChainRun<Policy>::ask_again(Request request, const Ticket& ticket, Now now) {
  request_ = std::move(request);
  combined_ = Policy::initial();
  end_ = at_ + 1;
  return walk(ticket, now);
}

template <class Policy>
void ChainRun<Policy>::cancel(const Ticket& ticket) {
  const auto& hooks = entry().hooks;
  if (hooks) hooks->cancel(ticket);
}

// ---- The policies ---------------------------------------------------------------------------------------------------

namespace {

template <class Decision>
std::optional<Decision> auth_failure(AuthFailurePolicy policy) {
  if (policy == AuthFailurePolicy::kNext) return std::nullopt;
  Decision decision;
  decision.verdict = policy == AuthFailurePolicy::kAllow ? Verdict::kAllow : Verdict::kDeny;
  return decision;
}

}  // namespace

AuthDecision AuthenticatePolicy::initial() { return {}; }

Answer<AuthDecision> AuthenticatePolicy::ask(const AuthEntry& entry, const Request& request, const Ticket& ticket,
                                             Now now) {
  return entry.hooks->authenticate(request, ticket, now);
}

std::optional<AuthDecision> AuthenticatePolicy::on_failure(const AuthEntry& entry, const Request&) {
  auto decision = auth_failure<AuthDecision>(entry.on_failure);
  if (decision) decision->reason = mqtt::ReasonCode::kServerUnavailable;
  return decision;
}

bool AuthenticatePolicy::combine(AuthDecision& combined, AuthDecision answer) {
  if (answer.verdict == Verdict::kNext) return false;
  combined = std::move(answer);
  return true;
}

AuthDecision AuthenticatePolicy::finish(AuthDecision combined, bool anybody_asked) {
  if (combined.verdict != Verdict::kNext) return combined;
  combined.verdict = anybody_asked ? Verdict::kDeny : Verdict::kAllow;
  combined.reason = mqtt::ReasonCode::kNotAuthorized;
  return combined;
}

AccessDecision AuthorizePolicy::initial() {
  AccessDecision decision;
  decision.cache_scope = CacheScope::kFilter;  // the widest: each answer can only narrow it
  decision.cache_for = Millis::max();
  return decision;
}

Answer<AccessDecision> AuthorizePolicy::ask(const AuthEntry& entry, const Request& request, const Ticket& ticket,
                                            Now now) {
  return entry.hooks->authorize(request, ticket, now);
}

std::optional<AccessDecision> AuthorizePolicy::on_failure(const AuthEntry& entry, const Request&) {
  // `next`, too, is an answer: one that must not be kept, since the plugin is to be asked when it works again.
  return auth_failure<AccessDecision>(entry.on_failure).value_or(AccessDecision{});
}

bool AuthorizePolicy::combine(AccessDecision& combined, AccessDecision answer) {
  if (answer.verdict == Verdict::kDeny) {
    combined = std::move(answer);
    return true;
  }
  combined.cache_for = std::min(combined.cache_for, answer.cache_for);
  combined.cache_scope = std::min(combined.cache_scope, answer.cache_scope);
  // Two plugins with different filters agree on this topic alone.
  if (combined.cache_scope == CacheScope::kFilter) {
    if (combined.cache_filter.empty())
      combined.cache_filter = answer.cache_filter;
    else if (combined.cache_filter != answer.cache_filter)
      combined.cache_scope = CacheScope::kTopic;
  }
  for (auto& list : answer.rules) combined.rules.push_back(std::move(list));
  if (answer.verdict == Verdict::kAllow) combined.verdict = Verdict::kAllow;
  return false;
}

AccessDecision AuthorizePolicy::finish(AccessDecision combined, bool anybody_asked) {
  if (combined.verdict != Verdict::kNext) return combined;
  if (anybody_asked) {
    combined.verdict = Verdict::kDeny;
    return combined;
  }
  // Nobody is there to change it: another listener's chain may be why somebody was asked at all.
  AccessDecision allowed;
  allowed.verdict = Verdict::kAllow;
  allowed.cache_scope = CacheScope::kFilter;
  allowed.cache_filter = "#";
  allowed.cache_for = Millis::max();
  return allowed;
}

Answer<BindDecision> BindPolicy::ask(const TopicEntry& entry, const Request& request, const Ticket& ticket, Now now) {
  return entry.hooks->bind(request, ticket, now);
}

std::optional<BindDecision> BindPolicy::on_failure(const TopicEntry& entry, const Request&) {
  BindDecision decision;
  if (entry.on_failure == TopicFailurePolicy::kPassthrough) return std::nullopt;
  decision.is_refused = true;
  return decision;
}

bool BindPolicy::combine(BindDecision& combined, BindDecision answer) {
  if (!answer.is_bound && !answer.is_refused) return false;
  combined = std::move(answer);
  return true;
}

Answer<ExchangeDecision> ExchangePolicy::ask(const AuthEntry& entry, const Request& request, const Ticket& ticket,
                                             Now now) {
  return entry.hooks->exchange(request, ticket, now);
}

std::optional<ExchangeDecision> ExchangePolicy::on_failure(const AuthEntry& entry, const Request& request) {
  if (entry.hooks) entry.hooks->exchange_ended(*request);
  auto decision = auth_failure<ExchangeDecision>(entry.on_failure);
  if (decision) decision->reason = mqtt::ReasonCode::kServerUnavailable;
  return decision;
}

bool ExchangePolicy::combine(ExchangeDecision& combined, ExchangeDecision answer) {
  if (answer.verdict == Verdict::kNext) return false;
  combined = std::move(answer);
  return true;
}

ExchangeDecision ExchangePolicy::finish(ExchangeDecision combined, bool) {
  if (combined.verdict != Verdict::kNext) return combined;
  combined.verdict = Verdict::kDeny;
  combined.reason = mqtt::ReasonCode::kBadAuthenticationMethod;
  return combined;
}

template class ChainRun<AuthenticatePolicy>;
template class ChainRun<AuthorizePolicy>;
template class ChainRun<BindPolicy>;
template class ChainRun<ExchangePolicy>;

}  // namespace mortise::hooks
