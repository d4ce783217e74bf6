#pragma once

#include <cstddef>
#include <memory>

namespace mortise {

/// A container that most objects never need: a pointer until something is put into it, and again after clear().
/// Unsynchronised.
template <class Container>
class OnDemand {
 public:
  bool empty() const noexcept { return !container_ || container_->empty(); }
  std::size_t size() const noexcept { return container_ ? container_->size() : 0; }
  /// The container, made when there was none.
  Container& operator*() {
    if (!container_) container_ = std::make_unique<Container>();
    return *container_;
  }
  Container* operator->() { return &**this; }
  /// Empties it and gives back its memory.
  void clear() noexcept { container_.reset(); }

 private:
  std::unique_ptr<Container> container_;
};

}  // namespace mortise
