#pragma once

#include <chrono>
#include <memory>
#include <utility>

#include "broker/base/log.h"
#include "broker/hooks/decisions.h"
#include "broker/plugin_host/calling.h"

/// How a question gets to the thread its instance runs on (R15), and its answer back.
namespace mortise::plugin_host {

/// Hands on a question's end, once: the decision, the failure, or the wait for a token with a deadline of its own.
template <class Decision>
void conclude(const std::shared_ptr<Instance>& instance, const hooks::Ticket& ticket, hooks::Answer<Decision> answer) {
  PendingTable& pending = instance->pending();
  hooks::Completions* completions = instance->environment().completions;
  if (const auto* waits = std::get_if<hooks::Pending>(&answer)) {
    // The asker only knows the host's own deadline; the token's may be earlier.
    const std::shared_ptr<DeadlineClock>& clock = instance->environment().clock;
    const auto alarm = clock->at(waits->deadline, [weak = std::weak_ptr<Instance>(instance), ticket, completions] {
      const auto locked = weak.lock();
      if (locked && locked->pending().expire(ticket)) completions->complete(ticket, hooks::FailureKind::kDeadline);
    });
    pending.set_alarm(ticket, *clock, alarm);
    return;
  }
  if (!pending.finish(ticket)) return;  // timed out or cancelled meanwhile
  if (auto* decision = std::get_if<Decision>(&answer)) {
    completions->complete(ticket, std::move(*decision));
  } else {
    completions->complete(ticket, std::get<hooks::FailureKind>(answer));
  }
}

/// Posts a question to the one executor of a serial instance.
template <class Decision, class RequestPtr>
hooks::Answer<Decision> ask_elsewhere(const std::shared_ptr<Instance>& instance, std::size_t hook,
                                      const RequestPtr& request, const hooks::Ticket& ticket, Now now) {
  Executor* executor = instance->executor();
  if (executor == nullptr) return hooks::FailureKind::kNotLoaded;
  if (!instance->pending().open(ticket)) {
    instance->refuse_more(Quota::kQuestions);
    return hooks::FailureKind::kQueueFull;
  }
  const bool posted = executor->post([instance, hook, request, ticket] {
    if (!instance->pending().is_open(ticket)) return;  // nobody waits any more
    if (!instance->is_running()) return conclude<Decision>(instance, ticket, hooks::FailureKind::kNotLoaded);
    const Question question{*instance, instance->executor_lane(), hook, request.get(), &request, ticket, true};
    conclude(instance, ticket, ask<Decision>(question));
  });
  if (!posted) {
    instance->pending().finish(ticket);
    instance->refuse_more(Quota::kQuestions);
    return hooks::FailureKind::kQueueFull;
  }
  return hooks::Pending{now.steady + instance->limits().token_deadline};
}

/// Asks a hook of an instance on the ticket's loop.
template <class Decision, class RequestPtr>
hooks::Answer<Decision> ask_instance(const std::shared_ptr<Instance>& instance, std::size_t hook,
                                     const RequestPtr& request, const hooks::Ticket& ticket, Now now) {
  if (!instance->is_running()) [[unlikely]]
    return hooks::FailureKind::kNotLoaded;
  if (!instance->runs_on(ticket.loop)) return ask_elsewhere<Decision>(instance, hook, request, ticket, now);
  return ask<Decision>({*instance, instance->loop_lane(ticket.loop), hook, request.get(), &request, ticket, false});
}

}  // namespace mortise::plugin_host
