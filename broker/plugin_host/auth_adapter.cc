#include "broker/plugin_host/asking.h"
#include "broker/plugin_host/family_adapters.h"

namespace mortise::plugin_host {

namespace {

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
  bool expire(const hooks::Ticket& ticket) override { return instance_->pending().expire(ticket); }
  void cancel(const hooks::Ticket& ticket) override { instance_->pending().cancel(ticket); }

 private:
  const std::shared_ptr<Instance> instance_;
};

}  // namespace

std::shared_ptr<hooks::AuthHooks> make_auth_hooks(std::shared_ptr<Instance> instance) {
  return std::make_shared<AuthAdapter>(std::move(instance));
}

}  // namespace mortise::plugin_host
