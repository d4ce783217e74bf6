#include "broker/plugin_host/deadline_clock.h"

#include <utility>

namespace mortise::plugin_host {

DeadlineClock::Entry DeadlineClock::at(SteadyTime due, Task task) {
  Entry entry{due, 0};
  {
    const MutexLock lock(mutex_);
    if (is_stopped_) return entry;
    entry.number = ++last_number_;
    const bool is_next = tasks_.empty() || entry < tasks_.begin()->first;
    tasks_.emplace(entry, std::move(task));
    if (!thread_) thread_.emplace([this] { run(); });
    if (!is_next) return entry;
  }
  wake_.notify_one();
  return entry;
}

void DeadlineClock::cancel(const Entry& entry) {
  std::map<Entry, Task>::node_type dropped;  // its captures die without the lock
  const MutexLock lock(mutex_);
  dropped = tasks_.extract(entry);
}

void DeadlineClock::stop() {
  std::map<Entry, Task> dropped;
  std::optional<std::thread> thread;
  {
    const MutexLock lock(mutex_);
    is_stopped_ = true;
    dropped.swap(tasks_);
    thread.swap(thread_);
  }
  wake_.notify_one();
  if (thread) thread->join();
}

void DeadlineClock::run() {
  MutexLock lock(mutex_);
  while (!is_stopped_) {
    if (tasks_.empty()) {
      wake_.wait(lock);
      continue;
    }
    if (const SteadyTime due = tasks_.begin()->first.due; due > steady_now()) {
      wake_.wait_until(lock, due);
      continue;
    }
    const auto task = tasks_.extract(tasks_.begin());
    lock.unlock();
    task.mapped()();
    lock.lock();
  }
}

}  // namespace mortise::plugin_host
