#pragma once

#include <mutex>

#ifdef __clang__
#define MORTISE_ROUTING_ATTRIBUTE(attribute) __attribute__((attribute))
#else
#define MORTISE_ROUTING_ATTRIBUTE(attribute)
#endif

namespace mortise::routing {

/// A mutex among the writers of an index that clang's thread-safety analysis knows. Readers never take it.
class MORTISE_ROUTING_ATTRIBUTE(capability("mutex")) WriterMutex {
 public:
  void lock() MORTISE_ROUTING_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() MORTISE_ROUTING_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  bool try_lock() MORTISE_ROUTING_ATTRIBUTE(try_acquire_capability(true)) { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

/// Holds a WriterMutex for a scope.
class MORTISE_ROUTING_ATTRIBUTE(scoped_lockable) WriterLock {
 public:
  explicit WriterLock(WriterMutex& mutex) MORTISE_ROUTING_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~WriterLock() MORTISE_ROUTING_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  WriterMutex& mutex_;
};

}  // namespace mortise::routing

#define MORTISE_ROUTING_GUARDED_BY(mutex) MORTISE_ROUTING_ATTRIBUTE(guarded_by(mutex))
#define MORTISE_ROUTING_REQUIRES(mutex) MORTISE_ROUTING_ATTRIBUTE(requires_capability(mutex))
