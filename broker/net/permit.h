#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>

#include "broker/base/ref.h"

namespace mortise::net {

/// How many connections of one listener are open, and how many may be. Internally synchronised; lives as long as a
/// connection of it, also when the listener is gone.
class ListenerLoad {
 public:
  /// `maximum` 0: no limit.
  static Ref<ListenerLoad> make(std::size_t maximum) { return Ref<ListenerLoad>::adopt(new ListenerLoad(maximum)); }

  std::size_t open() const noexcept { return open_.load(std::memory_order_relaxed); }
  /// Whoever is in stays.
  void set_maximum(std::size_t maximum) noexcept { maximum_.store(maximum, std::memory_order_relaxed); }
  bool enter() noexcept {
    const std::size_t maximum = maximum_.load(std::memory_order_relaxed);
    if (open_.fetch_add(1, std::memory_order_relaxed) < maximum || maximum == 0) return true;
    leave();
    return false;
  }
  void leave() noexcept { open_.fetch_sub(1, std::memory_order_relaxed); }

  void add_ref() const noexcept { count_.add(); }
  void drop_ref() const noexcept {
    if (count_.drop()) delete this;
  }

 private:
  explicit ListenerLoad(std::size_t maximum) : maximum_(maximum) {}
  ~ListenerLoad() = default;

  RefCount count_;
  std::atomic<std::size_t> maximum_;
  std::atomic<std::size_t> open_{0};
};

/// One connection's place among its listener's; given back when it ends. Movable.
class Permit {
 public:
  Permit() = default;
  /// Nothing when the listener is full.
  static std::optional<Permit> ask(const Ref<ListenerLoad>& load) {
    if (!load->enter()) return std::nullopt;
    Permit permit;
    permit.load_ = load;
    return permit;
  }
  Permit(Permit&& other) noexcept = default;
  Permit& operator=(Permit&& other) noexcept {
    std::swap(load_, other.load_);
    return *this;
  }
  ~Permit() {
    if (load_) load_->leave();
  }

 private:
  Ref<ListenerLoad> load_;
};

}  // namespace mortise::net
