#pragma once

#include <functional>

namespace mortise {

/// Runs things elsewhere: a loop, a plugin's own thread. Implementations are internally synchronised.
class Executor {
 public:
  using Task = std::function<void()>;
  virtual ~Executor() = default;
  /// Queues `task`; false when the executor has stopped or its bounded queue is full (the task is then gone).
  /// Thread: any. The task runs on the executor's thread, in order of posting.
  virtual bool post(Task task) = 0;
};

}  // namespace mortise
