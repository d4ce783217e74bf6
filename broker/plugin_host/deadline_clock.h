#pragma once

#include <compare>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <thread>

#include "broker/base/mutex.h"
#include "broker/base/time.h"

namespace mortise::plugin_host {

/// Runs things when they are due, on one thread of its own that begins with the first one. Never runs a plugin: what is
/// due only posts, or completes. Internally synchronised.
class DeadlineClock {
 public:
  using Task = std::function<void()>;
  DeadlineClock() = default;
  ~DeadlineClock() { stop(); }
  DeadlineClock(const DeadlineClock&) = delete;
  DeadlineClock& operator=(const DeadlineClock&) = delete;

  /// What is to be done then; to be forgotten by cancel. Entries are never the same.
  struct Entry {
    SteadyTime due{};
    std::uint64_t number = 0;
    friend auto operator<=>(const Entry&, const Entry&) = default;
  };
  Entry at(SteadyTime due, Task task);
  /// Nothing happens when it is done, or being done, already.
  void cancel(const Entry& entry);
  /// Forgets what is not due yet. Not from a task. Idempotent.
  void stop();

 private:
  void run();

  Mutex mutex_;
  std::condition_variable_any wake_;
  std::map<Entry, Task> tasks_ MORTISE_GUARDED_BY(mutex_);
  std::uint64_t last_number_ MORTISE_GUARDED_BY(mutex_) = 0;
  bool is_stopped_ MORTISE_GUARDED_BY(mutex_) = false;
  std::optional<std::thread> thread_ MORTISE_GUARDED_BY(mutex_);
};

}  // namespace mortise::plugin_host
