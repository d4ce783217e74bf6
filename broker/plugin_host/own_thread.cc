#include "broker/plugin_host/own_thread.h"

#include <utility>

namespace mortise::plugin_host {

bool OwnThread::post(Task task) {
  {
    const MutexLock lock(mutex_);
    if (is_stopped_ || tasks_.size() >= limit_) return false;
    tasks_.push_back(std::move(task));
    if (tasks_.size() > 1) return true;
  }
  wake_.notify_one();
  return true;
}

void OwnThread::stop() {
  end_soon();
  if (thread_.joinable()) thread_.join();
}

bool OwnThread::end_soon() {
  std::deque<Task> dropped;  // their captures die without the lock
  const MutexLock lock(mutex_);
  is_stopped_ = true;
  dropped.swap(tasks_);
  wake_.notify_one();
  return has_ended_;
}

void OwnThread::run() {
  MutexLock lock(mutex_);
  for (;;) {
    while (!is_stopped_ && tasks_.empty()) wake_.wait(lock);
    if (is_stopped_) {
      has_ended_ = true;
      return;
    }
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
}

}  // namespace mortise::plugin_host
