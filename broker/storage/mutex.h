#pragma once

#include <mutex>

#ifdef __clang__
#define MORTISE_STORAGE_ATTRIBUTE(attribute) __attribute__((attribute))
#else
#define MORTISE_STORAGE_ATTRIBUTE(attribute)
#endif
#define MORTISE_STORAGE_GUARDED_BY(mutex) MORTISE_STORAGE_ATTRIBUTE(guarded_by(mutex))

namespace mortise::storage {

/// A mutex that clang's thread-safety analysis knows.
class MORTISE_STORAGE_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() MORTISE_STORAGE_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() MORTISE_STORAGE_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

/// Holds a Mutex for a scope.
class MORTISE_STORAGE_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) MORTISE_STORAGE_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() MORTISE_STORAGE_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace mortise::storage
