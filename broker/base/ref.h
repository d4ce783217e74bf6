#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace mortise {

/// A counted pointer to an immutable object that counts itself (add_ref, drop_ref). Any thread may hold one.
template <class T>
class Ref {
 public:
  Ref() = default;
  /// Takes over one count.
  static Ref adopt(T* object) noexcept {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  Ref(const Ref& other) noexcept : object_(other.object_) {
    if (object_ != nullptr) object_->add_ref();
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->drop_ref();
  }

  T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  void reset() noexcept { *this = Ref(); }
  friend bool operator==(const Ref&, const Ref&) = default;

 private:
  T* object_ = nullptr;
};

/// The count of a Ref's object. Internally synchronised.
class RefCount {
 public:
  void add() const noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  /// True when this was the last one and the object must go.
  bool drop() const noexcept { return count_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

 private:
  mutable std::atomic<std::uint32_t> count_{1};
};

}  // namespace mortise
