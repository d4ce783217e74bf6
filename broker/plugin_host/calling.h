#pragma once

#include <mortise/abi.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "broker/hooks/decisions.h"
#include "broker/plugin_host/call_frame.h"

namespace mortise::plugin_host {

/// How a call into a plugin came back.
struct Returned {
  bool has_thrown = false;
  std::uint32_t status = MORTISE_E_FAILED;
  bool is_ok() const noexcept { return !has_thrown && status == MORTISE_OK; }
  hooks::FailureKind failure() const noexcept {
    return has_thrown ? hooks::FailureKind::kException : hooks::FailureKind::kError;
  }
};

/// Calls a function of the plugin inside `frame`, contains what it throws (R12), counts and times it. A thread that the
/// plugin ends with pthread_exit cannot be contained: the broker ends, naming the plugin and the call.
Returned call_plugin(CallFrame& frame, mortise_hook_fn function, void* plugin_data);
/// The same for on_start, which also fills in what is handed to every later call.
Returned call_start(CallFrame& frame, mortise_start_fn function, void** plugin_data);

/// A question for a plugin, and on which lane it is asked.
struct Question {
  Instance& instance;
  Lane& lane;
  std::size_t hook;
  const void* object;
  const void* counted_object;
  const hooks::Ticket& ticket;
  bool was_opened = false;  // in the instance's PendingTable: asked on another thread than the asker's
};

/// What became of the answer, decisions apart.
struct Outcome {
  std::optional<hooks::FailureKind> failure;
  std::optional<PendingTable::Armed> armed;  // of a hook that answered PENDING
};

/// Runs the hook; a decision is written to `decision` by way of the frame.
Outcome run_question(const Question& question, void* decision);
void count_verdict(Lane& lane, std::size_t hook, const hooks::AuthDecision& decision) noexcept;
void count_verdict(Lane& lane, std::size_t hook, const hooks::AccessDecision& decision) noexcept;
void count_verdict(Lane& lane, std::size_t hook, const hooks::BindDecision& decision) noexcept;

/// Puts what a completed token answered into `answer`.
template <class Decision>
void take_early(PendingTable::Armed& armed, hooks::Answer<Decision>& answer) {
  if (Decision* decision = std::get_if<Decision>(&armed.early)) {
    answer = std::move(*decision);
  } else {
    answer = hooks::FailureKind::kBadDecision;
  }
}

/// Asks a hook that answers with a Decision: exactly one of decision, pending, failure (R6, R10). The answer is one
/// object from the beginning: the plugin's decision is made in it.
template <class Decision>
hooks::Answer<Decision> ask(const Question& question) {
  hooks::Answer<Decision> answer(std::in_place_type<Decision>);
  Outcome outcome = run_question(question, std::get_if<Decision>(&answer));
  if (outcome.failure) [[unlikely]] {
    answer = *outcome.failure;
  } else if (outcome.armed) [[unlikely]] {
    switch (outcome.armed->state) {
      case PendingTable::Armed::State::kPending:
        answer = hooks::Pending{outcome.armed->deadline};
        break;
      case PendingTable::Armed::State::kCompleted:
        take_early(*outcome.armed, answer);
        break;
      case PendingTable::Armed::State::kNobodyWaits:
        answer = hooks::FailureKind::kDeadline;
        break;
    }
  }
  if (const Decision* decision = std::get_if<Decision>(&answer)) count_verdict(question.lane, question.hook, *decision);
  return answer;
}

}  // namespace mortise::plugin_host
