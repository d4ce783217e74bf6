#include "broker/plugin_host/calling.h"

#include <cxxabi.h>

#include <cstdlib>
#include <exception>

#include "broker/base/bytes.h"
#include "broker/base/log.h"
#include "broker/base/scope_exit.h"

namespace mortise::plugin_host {

namespace {

// Reading the clock twice costs as much as the rest of a call's overhead; one call in 64 is enough for a histogram.
constexpr std::uint64_t kTimedCalls = 64;

[[noreturn]] void die_of_thread_exit(const CallFrame& frame) {
  MORTISE_LOG(kError, "plugin",
              "plugin %s ended the thread it was called on (pthread_exit in %s); the broker cannot go on",
              frame.instance().name().c_str(), label_of(frame.point()).c_str());
  std::abort();
}

void threw(const CallFrame& frame, const char* what) {
  frame.instance().violated(Violations::kException, frame.point(),
                            "threw an exception: " + quoted(std::string_view(what)));
}

/// The exception barrier on this side; the SDK's trampolines have one on the plugin's.
template <class Function>
Returned guarded(CallFrame& frame, Function&& function) {
  try {
    return {false, function()};
  } catch (const __cxxabiv1::__forced_unwind&) {
    die_of_thread_exit(frame);
  } catch (const std::exception& exception) {
    threw(frame, exception.what());
  } catch (...) {
    threw(frame, "of a type that is not a std::exception");
  }
  return {true, MORTISE_E_FAILED};
}

template <class Function>
Returned counted(CallFrame& frame, Function&& function) {
  CallCounters& counters = frame.lane().counters[frame.point()];
  const bool is_timed = counters.calls.value() % kTimedCalls == 0;
  counters.calls.add();
  if (!is_timed) [[likely]]
    return guarded(frame, function);
  const SteadyTime began = steady_now();
  const Returned returned = guarded(frame, function);
  frame.instance().latency(frame.point()).record(steady_now() - began);
  return returned;
}

void no_decision(const Question& question) {
  question.instance.violated(Violations::kBadDecision, question.hook, "returned OK without a valid decision");
}

}  // namespace

Returned call_plugin(CallFrame& frame, mortise_hook_fn function, void* plugin_data) {
  return counted(frame, [&] { return function(plugin_data, frame.handle()); });
}

Returned call_start(CallFrame& frame, mortise_start_fn function, void** plugin_data) {
  return counted(frame, [&] { return function(frame.handle(), frame.instance().self(), plugin_data); });
}

Outcome run_question(const Question& question, void* decision) {
  Instance& instance = question.instance;
  std::vector<QueuedIntent> intents;
  AnswerSlot answer;
  answer.decision = decision;
  Returned returned;
  {
    CallFrame frame(instance, question.lane, question.hook, question.object);
    frame.counted_object = question.counted_object;
    frame.answer = &answer;
    returned = call_plugin(frame, instance.plugin().hooks[question.hook].function, instance.plugin_data());
    if (returned.is_ok() && answer.is_given && !frame.intents.empty()) intents = std::move(frame.intents);
  }
  Outcome outcome;
  if (!returned.is_ok()) outcome.failure = returned.failure();
  if (returned.is_ok() && !answer.is_given) {
    no_decision(question);
    outcome.failure = hooks::FailureKind::kBadDecision;
  }
  if (outcome.failure) [[unlikely]]
    question.lane.counters[question.hook].failures[static_cast<std::size_t>(*outcome.failure)].add();
  if (answer.token != 0) {
    if (outcome.failure || !answer.is_pending) {
      instance.pending().abandon(answer.token);
    } else {
      outcome.armed = instance.pending().arm(answer.token, question.ticket, question.was_opened);
      question.lane.counters[question.hook].verdicts[MORTISE_VERDICT_PENDING].add();
    }
  }
  if (!intents.empty()) instance.perform(intents);
  return outcome;
}

namespace {

std::uint32_t verdict_of(hooks::Verdict verdict) noexcept {
  switch (verdict) {
    case hooks::Verdict::kAllow:
      return MORTISE_VERDICT_ALLOW;
    case hooks::Verdict::kDeny:
      return MORTISE_VERDICT_DENY;
    case hooks::Verdict::kContinue:
      return MORTISE_VERDICT_CONTINUE;
    case hooks::Verdict::kNext:
      break;
  }
  return MORTISE_VERDICT_NEXT;
}

}  // namespace

void count_verdict(Lane& lane, std::size_t hook, const hooks::AuthDecision& decision) noexcept {
  lane.counters[hook].verdicts[verdict_of(decision.verdict)].add();
}
void count_verdict(Lane& lane, std::size_t hook, const hooks::AccessDecision& decision) noexcept {
  lane.counters[hook].verdicts[verdict_of(decision.verdict)].add();
}
void count_verdict(Lane& lane, std::size_t hook, const hooks::BindDecision& decision) noexcept {
  lane.counters[hook].verdicts[decision.is_bound ? MORTISE_VERDICT_BOUND : MORTISE_VERDICT_NEXT].add();
}

}  // namespace mortise::plugin_host
