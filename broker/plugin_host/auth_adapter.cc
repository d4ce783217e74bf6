#include "broker/plugin_host/asking.h"
#include "broker/plugin_host/family_adapters.h"

namespace mortise::plugin_host {

namespace {

static_assert(hooks::kMostExchangeSteps == MORTISE_MAX_EXCHANGE_STEPS, "what plugins are told");

/// mortise.auth/1. Immutable; the instance is internally synchronised.
class AuthAdapter final : public hooks::AuthHooks {
 public:
  explicit AuthAdapter(std::shared_ptr<Instance> instance) : instance_(std::move(instance)) {}

  bool has_authenticate() const noexcept override { return instance_->plugin().has(kAuthenticate); }
  bool has_authorize() const noexcept override { return instance_->plugin().has(kAuthorize); }
  hooks::Answer<hooks::AuthDecision> authenticate(const hooks::ConnectRequestPtr& request, const hooks::Ticket& ticket,
                                                  Now now) override {
    return ask_instance<hooks::AuthDecision>(instance_, kAuthenticate, request, ticket, now);
  }
  hooks::Answer<hooks::AccessDecision> authorize(const hooks::AccessRequestPtr& request, const hooks::Ticket& ticket,
                                                 Now now) override {
    return ask_instance<hooks::AccessDecision>(instance_, kAuthorize, request, ticket, now);
  }
  bool has_exchange() const noexcept override { return instance_->plugin().has(kExchange); }
  hooks::Answer<hooks::ExchangeDecision> exchange(const hooks::ExchangeRequestPtr& request, const hooks::Ticket& ticket,
                                                  Now now) override {
    return ask_instance<hooks::ExchangeDecision>(instance_, kExchange, request, ticket, now);
  }
  void exchange_ended(const hooks::ExchangeRequest& request) override;
  bool expire(const hooks::Ticket& ticket) override { return instance_->pending().expire(ticket); }
  void cancel(const hooks::Ticket& ticket) override { instance_->pending().cancel(ticket); }

 private:
  const std::shared_ptr<Instance> instance_;
};

void tell_ended(Instance& instance, Lane& lane, const ExchangeEndSubject& subject) {
  if (!instance.is_running()) return;
  std::vector<QueuedIntent> intents;
  {
    CallFrame frame(instance, lane, kExchangeEnded, &subject);
    const Returned returned =
        call_plugin(frame, instance.plugin().hooks[kExchangeEnded].function, instance.plugin_data());
    if (returned.is_ok())
      intents = std::move(frame.intents);
    else
      lane.counters[kExchangeEnded].failures[static_cast<std::size_t>(returned.failure())].add();
  }
  instance.perform(intents);
}

void AuthAdapter::exchange_ended(const hooks::ExchangeRequest& request) {
  if (!instance_->plugin().has(kExchangeEnded)) return;
  ExchangeEndSubject subject{request.exchange,
                             request.connect ? request.connect->client_id : request.principal->client_id};
  if (instance_->runs_on(request.loop)) return tell_ended(*instance_, instance_->loop_lane(request.loop), subject);
  // In its queue behind the question that it is about.
  Executor* executor = instance_->executor();
  const bool posted = executor != nullptr && executor->post([instance = instance_, subject = std::move(subject)] {
    tell_ended(*instance, instance->executor_lane(), subject);
  });
  if (!posted) instance_->refuse_more(Quota::kQuestions);
}

}  // namespace

std::shared_ptr<hooks::AuthHooks> make_auth_hooks(std::shared_ptr<Instance> instance) {
  return std::make_shared<AuthAdapter>(std::move(instance));
}

}  // namespace mortise::plugin_host
