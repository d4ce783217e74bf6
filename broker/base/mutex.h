#pragma once

#include <mutex>

#ifdef __clang__
#define MORTISE_THREAD_ATTRIBUTE(attribute) __attribute__((attribute))
#else
#define MORTISE_THREAD_ATTRIBUTE(attribute)
#endif
#define MORTISE_GUARDED_BY(mutex) MORTISE_THREAD_ATTRIBUTE(guarded_by(mutex))
#define MORTISE_REQUIRES(mutex) MORTISE_THREAD_ATTRIBUTE(requires_capability(mutex))

namespace mortise {

/// A mutex that clang's thread-safety analysis knows. Never held while a plugin is called.
class MORTISE_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() MORTISE_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() MORTISE_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  bool try_lock() MORTISE_THREAD_ATTRIBUTE(try_acquire_capability(true)) { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

/// Holds a Mutex for a scope; may let go of it in between. Works with std::condition_variable_any.
class MORTISE_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) MORTISE_THREAD_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() MORTISE_THREAD_ATTRIBUTE(release_capability()) {
    if (is_held_) mutex_.unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void lock() MORTISE_THREAD_ATTRIBUTE(acquire_capability()) {
    mutex_.lock();
    is_held_ = true;
  }
  void unlock() MORTISE_THREAD_ATTRIBUTE(release_capability()) {
    is_held_ = false;
    mutex_.unlock();
  }

 private:
  Mutex& mutex_;
  bool is_held_ = true;
};

}  // namespace mortise
