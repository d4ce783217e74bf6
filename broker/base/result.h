#pragma once

#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "broker/base/check.h"

namespace mortise {

/// The environment is wrong (file, port, plugin, YAML): says what, which thing, and what to do. One line, for the user.
struct Error {
  std::string message;
};

/// Wraps an error so that `return failure(...)` converts to any Result with that error type.
template <class E>
struct Failure {
  E error;
};

template <class E>
Failure<std::decay_t<E>> failure(E&& error) {
  return {std::forward<E>(error)};
}

inline Failure<Error> failure(std::string message) { return {Error{std::move(message)}}; }
inline Failure<Error> failure(const char* message) { return {Error{message}}; }

/// Either a value or an error; looking at the wrong one is a CHECK failure. Unsynchronised.
template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Failure<E> failed) : state_(std::in_place_index<1>, std::move(failed.error)) {}

  explicit operator bool() const noexcept { return state_.index() == 0; }
  bool ok() const noexcept { return state_.index() == 0; }

  T& value() & {
    CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    CHECK(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const E& error() const& {
    CHECK(!ok());
    return *std::get_if<1>(&state_);
  }
  /// The error as something to return from a function with another value type.
  Failure<E> as_failure() && {
    CHECK(!ok());
    return {std::move(*std::get_if<1>(&state_))};
  }

 private:
  std::variant<T, E> state_;
};

/// Success without a value, or an error.
template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  Result() = default;
  Result(Failure<E> failed) : error_(std::in_place_index<1>, std::move(failed.error)) {}

  explicit operator bool() const noexcept { return error_.index() == 0; }
  bool ok() const noexcept { return error_.index() == 0; }
  const E& error() const& {
    CHECK(!ok());
    return *std::get_if<1>(&error_);
  }
  Failure<E> as_failure() && {
    CHECK(!ok());
    return {std::move(*std::get_if<1>(&error_))};
  }

 private:
  std::variant<std::monostate, E> error_;
};

}  // namespace mortise
