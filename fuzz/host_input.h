#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/executor.h"
#include "broker/hooks/instances.h"
#include "fuzz/input.h"

/// What host_interface.cc is fed with, and what it gives a plugin host instead of a broker.
namespace mortise::plugin_host {

using fuzz::InputView;

class DroppedCompletions final : public hooks::Completions {
 public:
  void complete(const hooks::Ticket&, hooks::Resolution) override {}
};
class DroppedIntents final : public hooks::Intents {
 public:
  bool perform(std::string_view, hooks::Intent) override { return true; }
};
/// Runs what is posted when it is told to.
class QueueExecutor final : public Executor {
 public:
  bool post(Task task) override {
    tasks_.push_back(std::move(task));
    return true;
  }
  void run() {
    std::vector<Task> tasks;
    tasks.swap(tasks_);
    for (Task& task : tasks) task();
  }

 private:
  std::vector<Task> tasks_;
};

}  // namespace mortise::plugin_host
