#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <thread>

#include "broker/base/executor.h"
#include "broker/base/mutex.h"

namespace mortise::plugin_host {

/// A thread of an instance's own, with a bounded queue of tasks. Internally synchronised.
class OwnThread final : public Executor {
 public:
  explicit OwnThread(std::size_t limit) : limit_(limit), thread_([this] { run(); }) {}
  ~OwnThread() override { stop(); }
  OwnThread(const OwnThread&) = delete;
  OwnThread& operator=(const OwnThread&) = delete;

  bool post(Task task) override;
  /// Ends after the task that runs; what waits is dropped. Not from the thread itself. Idempotent.
  void stop();
  /// The same without waiting: whether it has ended.
  bool end_soon();
  bool is_current() const noexcept { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  void run();

  const std::size_t limit_;
  Mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<Task> tasks_ MORTISE_GUARDED_BY(mutex_);
  bool is_stopped_ MORTISE_GUARDED_BY(mutex_) = false;
  bool has_ended_ MORTISE_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mortise::plugin_host
