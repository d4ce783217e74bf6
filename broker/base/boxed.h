#pragma once

#include <memory>
#include <utility>

namespace mortise {

/// A value in an allocation of its own: keeps the rare, large alternatives of a variant from making all of it large.
/// Never empty but after it was moved from. Unsynchronised.
template <class T>
class Boxed {
 public:
  Boxed(T value) : value_(std::make_unique<T>(std::move(value))) {}  // NOLINT: stands for the value
  T& operator*() const noexcept { return *value_; }
  T* operator->() const noexcept { return value_.get(); }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace mortise
