#pragma once

#include <atomic>
#include <memory>
#include <utility>

namespace mortise::net {

/// A singly linked run of things that own their successor by `next`. Unsynchronised; what is not popped is destroyed.
template <class T>
class Chain {
 public:
  Chain() = default;
  explicit Chain(T* first) noexcept : first_(first) {}
  Chain(Chain&& other) noexcept : first_(std::exchange(other.first_, nullptr)) {}
  Chain& operator=(Chain&& other) noexcept {
    std::swap(first_, other.first_);
    return *this;
  }
  ~Chain() {
    while (pop_front()) {
    }
  }

  bool empty() const noexcept { return first_ == nullptr; }
  /// Null when empty.
  std::unique_ptr<T> pop_front() noexcept {
    std::unique_ptr<T> item(first_);
    if (item) first_ = std::exchange(item->next, nullptr);
    return item;
  }

 private:
  T* first_ = nullptr;
};

/// Passes things (with a member `T* next`) from any thread to one, in the order of pushing, without a lock: pushing is
/// one exchange of a pointer, taking all of them another. Internally synchronised. Every operation is sequentially
/// consistent: a Mailbox relies on that to lose no wake-up.
template <class T>
class HandOver {
 public:
  HandOver() = default;
  HandOver(const HandOver&) = delete;
  HandOver& operator=(const HandOver&) = delete;
  ~HandOver() { take(); }

  /// Thread: any.
  void push(std::unique_ptr<T> item) noexcept {
    T* pushed = item.release();
    pushed->next = newest_.load(std::memory_order_relaxed);
    while (!newest_.compare_exchange_weak(pushed->next, pushed)) {
    }
  }

  /// Everything pushed so far, the oldest first. Thread: the one that receives.
  Chain<T> take() noexcept {
    if (empty()) return {};
    T* newest = newest_.exchange(nullptr);
    T* oldest = nullptr;
    while (newest != nullptr) oldest = std::exchange(newest, std::exchange(newest->next, oldest));
    return Chain<T>(oldest);
  }

  bool empty() const noexcept { return newest_.load() == nullptr; }

 private:
  std::atomic<T*> newest_{nullptr};
};

}  // namespace mortise::net
