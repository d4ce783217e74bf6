#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/hooks/chain.h"

/// Plugins as the core sees them, that do what a test says. For tests.
namespace mortise::core::testing {

inline hooks::AuthDecision allow_connect(std::string name_space = {}) {
  hooks::AuthDecision decision;
  decision.verdict = hooks::Verdict::kAllow;
  decision.name_space = std::move(name_space);
  return decision;
}
inline hooks::AuthDecision deny_connect(mqtt::ReasonCode reason = mqtt::ReasonCode::kBadUserNameOrPassword) {
  hooks::AuthDecision decision;
  decision.verdict = hooks::Verdict::kDeny;
  decision.reason = reason;
  return decision;
}
inline hooks::AccessDecision access(bool is_allowed) {
  hooks::AccessDecision decision;
  decision.verdict = is_allowed ? hooks::Verdict::kAllow : hooks::Verdict::kDeny;
  return decision;
}
inline hooks::BindDecision bind_to(std::string prefix, std::string suffix = {}) {
  hooks::BindDecision decision;
  decision.is_bound = true;
  decision.prefix = std::move(prefix);
  decision.suffix = std::move(suffix);
  return decision;
}

inline hooks::ExchangeDecision step(hooks::Verdict verdict, std::optional<std::string> authentication_data = {}) {
  hooks::ExchangeDecision decision;
  decision.verdict = verdict;
  decision.authentication_data = std::move(authentication_data);
  return decision;
}

/// Answers by functions; a question is pending when its function says so, and its ticket is kept.
class ScriptedAuth final : public hooks::AuthHooks {
 public:
  std::function<hooks::Answer<hooks::AuthDecision>(const hooks::ConnectRequest&)> on_authenticate;
  std::function<hooks::Answer<hooks::AccessDecision>(const hooks::AccessRequest&)> on_authorize;
  std::function<hooks::Answer<hooks::ExchangeDecision>(const hooks::ExchangeRequest&)> on_exchange;
  std::vector<hooks::Ticket> pending, cancelled, expired;
  std::vector<hooks::AccessRequestPtr> asked, pending_requests;
  std::vector<hooks::ExchangeId> ended;
  bool is_still_open = true;  // what expire() says

  bool has_authenticate() const noexcept override { return static_cast<bool>(on_authenticate); }
  bool has_authorize() const noexcept override { return static_cast<bool>(on_authorize); }
  hooks::Answer<hooks::AuthDecision> authenticate(const hooks::ConnectRequestPtr& request, const hooks::Ticket& ticket,
                                                  Now) override {
    return note(on_authenticate(*request), ticket);
  }
  hooks::Answer<hooks::AccessDecision> authorize(const hooks::AccessRequestPtr& request, const hooks::Ticket& ticket,
                                                 Now) override {
    asked.push_back(request);
    auto answer = note(on_authorize(*request), ticket);
    if (std::holds_alternative<hooks::Pending>(answer)) pending_requests.push_back(request);
    return answer;
  }
  bool has_exchange() const noexcept override { return static_cast<bool>(on_exchange); }
  hooks::Answer<hooks::ExchangeDecision> exchange(const hooks::ExchangeRequestPtr& request, const hooks::Ticket& ticket,
                                                  Now) override {
    return note(on_exchange(*request), ticket);
  }
  void exchange_ended(const hooks::ExchangeRequest& request) override { ended.push_back(request.exchange); }
  bool expire(const hooks::Ticket& ticket) override {
    expired.push_back(ticket);
    return is_still_open;
  }
  void cancel(const hooks::Ticket& ticket) override { cancelled.push_back(ticket); }

 private:
  template <class Answer>
  Answer note(Answer answer, const hooks::Ticket& ticket) {
    if (std::holds_alternative<hooks::Pending>(answer)) pending.push_back(ticket);
    return answer;
  }
};

class ScriptedTopic final : public hooks::TopicHooks {
 public:
  std::function<hooks::Answer<hooks::BindDecision>(const hooks::BindRequest&)> on_bind;
  std::vector<hooks::Ticket> pending, cancelled, expired;
  std::vector<hooks::BindRequestPtr> pending_requests;

  hooks::Answer<hooks::BindDecision> bind(const hooks::BindRequestPtr& request, const hooks::Ticket& ticket,
                                          Now) override {
    auto answer = on_bind(*request);
    if (std::holds_alternative<hooks::Pending>(answer)) {
      pending.push_back(ticket);
      pending_requests.push_back(request);
    }
    return answer;
  }
  bool expire(const hooks::Ticket& ticket) override {
    expired.push_back(ticket);
    return true;
  }
  void cancel(const hooks::Ticket& ticket) override { cancelled.push_back(ticket); }
};

class ScriptedEvents final : public hooks::EventHooks {
 public:
  std::vector<hooks::Event> events;
  bool wants(hooks::EventKind) const noexcept override { return true; }
  void emit(hooks::Event event) override { events.push_back(std::move(event)); }
  std::size_t count(hooks::EventKind kind) const {
    std::size_t found = 0;
    for (const hooks::Event& event : events) found += event.kind == kind ? 1 : 0;
    return found;
  }
};

/// One plugin of each family in a dispatch.
struct Plugins {
  std::shared_ptr<ScriptedAuth> auth = std::make_shared<ScriptedAuth>();
  std::shared_ptr<ScriptedTopic> topic = std::make_shared<ScriptedTopic>();
  std::shared_ptr<ScriptedEvents> events = std::make_shared<ScriptedEvents>();
  hooks::AuthFailurePolicy auth_failure = hooks::AuthFailurePolicy::kDeny;
  hooks::TopicFailurePolicy topic_failure = hooks::TopicFailurePolicy::kRejectConnection;

  hooks::DispatchPtr dispatch() const {
    auto made = std::make_shared<hooks::Dispatch>();
    if (auth->on_authenticate || auth->on_authorize || auth->on_exchange)
      made->auth.push_back({"auth", auth, auth_failure});
    if (topic->on_bind) made->topic.push_back({"topic", topic, topic_failure});
    made->event.push_back({"events", events});
    return made;
  }
};

}  // namespace mortise::core::testing
