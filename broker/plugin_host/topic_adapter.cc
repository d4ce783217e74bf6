#include "broker/plugin_host/asking.h"
#include "broker/plugin_host/family_adapters.h"

namespace mortise::plugin_host {

namespace {

/// mortise.topic/1. Immutable; the instance is internally synchronised.
class TopicAdapter final : public hooks::TopicHooks {
 public:
  explicit TopicAdapter(std::shared_ptr<Instance> instance) : instance_(std::move(instance)) {}

  hooks::Answer<hooks::BindDecision> bind(const hooks::BindRequestPtr& request, const hooks::Ticket& ticket,
                                          Now now) override {
    return ask_instance<hooks::BindDecision>(instance_, kBind, request, ticket, now);
  }
  bool expire(const hooks::Ticket& ticket) override { return instance_->pending().expire(ticket); }
  void cancel(const hooks::Ticket& ticket) override { instance_->pending().cancel(ticket); }

 private:
  const std::shared_ptr<Instance> instance_;
};

}  // namespace

std::shared_ptr<hooks::TopicHooks> make_topic_hooks(std::shared_ptr<Instance> instance) {
  return std::make_shared<TopicAdapter>(std::move(instance));
}

}  // namespace mortise::plugin_host
