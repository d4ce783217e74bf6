#pragma once

#include <cstddef>

namespace mortise {

/// A list of fixed rows that lives as long as the program: what a row of a table holds of another table. Made of
/// constants at namespace scope only. Immutable.
template <class T>
class StaticList {
 public:
  constexpr StaticList() = default;
  template <std::size_t kSize>
  constexpr StaticList(const T (&rows)[kSize]) : first_(rows), size_(kSize) {}  // NOLINT: meant to be implicit

  constexpr const T* begin() const noexcept { return first_; }
  constexpr const T* end() const noexcept { return first_ + size_; }
  constexpr std::size_t size() const noexcept { return size_; }

 private:
  const T* first_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace mortise
