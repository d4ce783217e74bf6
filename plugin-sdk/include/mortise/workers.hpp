#pragma once

/// Threads that do what a hook must not wait for, with a bounded queue before them.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mortise/status.hpp>
#include <mutex>
#include <thread>
#include <vector>

MORTISE_SDK_BEGIN

/// `Job` is moved about and answers its token itself. Internally synchronised.
template <class Job>
class Workers {
 public:
  using Do = std::function<void(Job&)>;

  /// Starts the threads. `work` is done by several at once and must not throw; `drop` is given what still waits when
  /// this ends. Errors: std::system_error when there are no threads to be had.
  Workers(std::size_t threads, std::size_t capacity, Do work, Do drop)
      : capacity_(capacity), work_(std::move(work)), drop_(std::move(drop)) {
    try {
      for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
    } catch (...) {
      end();
      throw;
    }
  }
  /// Ends the threads.
  ~Workers() { end(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Takes a place in the queue, to be used by submit() or given back. False: it is full.
  bool reserve() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (reserved_ == capacity_) return false;
    ++reserved_;
    return true;
  }
  void give_back() {
    const std::lock_guard<std::mutex> lock(mutex_);
    --reserved_;
  }
  /// Queues a job in a place that was reserved.
  void submit(Job job) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    has_work_.notify_one();
  }

 private:
  void run() {
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      has_work_.wait(lock, [this] { return is_ending_ || !jobs_.empty(); });
      if (is_ending_) return;
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      work_(job);
      give_back();
    }
  }
  void end() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      is_ending_ = true;
    }
    has_work_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    for (Job& job : jobs_) drop_(job);
    jobs_.clear();
  }

  const std::size_t capacity_;
  const Do work_;
  const Do drop_;
  std::mutex mutex_;
  std::condition_variable has_work_;
  // Guarded by mutex_.
  std::deque<Job> jobs_;
  std::size_t reserved_ = 0;  // places taken: reserved, queued or being worked on
  bool is_ending_ = false;
  // Constant after construction.
  std::vector<std::thread> threads_;
};

MORTISE_SDK_END
