#pragma once

#include <chrono>
#include <cstdint>
#include <type_traits>

#include "broker/config/keys.h"

/// How a row of the table reaches its member: functions made from member pointers. Only for the tables.
namespace mortise::config {

template <class T>
struct Access {
  void (*set)(T&, const Value&);
  Value (*get)(const T&);
};

template <class Class, class Member>
Class class_of(Member Class::*);

template <auto First, auto... Rest, class T>
constexpr auto& member(T& target) {
  if constexpr (sizeof...(Rest) == 0) {
    return target.*First;
  } else {
    return member<Rest...>(target.*First);
  }
}

template <auto First, auto...>
struct Owner {
  using Type = decltype(class_of(First));
};
template <auto... Path>
using OwnerOf = typename Owner<Path...>::Type;

/// bool, whole numbers and enumerations (by index); durations in milliseconds.
template <class T>
std::uint64_t to_number(const T& field) {
  if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    return static_cast<std::uint64_t>(field);
  } else {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<Millis>(field).count());
  }
}
template <class T>
void from_number(T& field, std::uint64_t number) {
  if constexpr (std::is_same_v<T, bool>) {
    field = number != 0;
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    field = static_cast<T>(number);
  } else {
    field = std::chrono::duration_cast<T>(Millis{static_cast<Millis::rep>(number)});
  }
}

template <auto... Path>
constexpr Access<OwnerOf<Path...>> number() {
  using T = OwnerOf<Path...>;
  return {[](T& target, const Value& value) { from_number(member<Path...>(target), value.number); },
          [](const T& target) {
            return Value{to_number(member<Path...>(target)), {}, {}};
          }};
}

/// A member that counts whole seconds in a plain number.
template <auto... Path>
constexpr Access<OwnerOf<Path...>> seconds() {
  using T = OwnerOf<Path...>;
  return {[](T& target, const Value& value) { from_number(member<Path...>(target), value.number / 1000); },
          [](const T& target) {
            return Value{to_number(member<Path...>(target)) * 1000, {}, {}};
          }};
}

/// std::string and std::filesystem::path.
template <auto... Path>
constexpr Access<OwnerOf<Path...>> text() {
  using T = OwnerOf<Path...>;
  return {[](T& target, const Value& value) { member<Path...>(target) = value.text; },
          [](const T& target) {
            return Value{0, member<Path...>(target), {}};
          }};
}

template <auto... Path>
constexpr Access<OwnerOf<Path...>> names() {
  using T = OwnerOf<Path...>;
  return {[](T& target, const Value& value) { member<Path...>(target) = value.names; },
          [](const T& target) {
            return Value{0, {}, member<Path...>(target)};
          }};
}

/// std::vector<std::filesystem::path>.
template <auto... Path>
constexpr Access<OwnerOf<Path...>> paths() {
  using T = OwnerOf<Path...>;
  return {[](T& target, const Value& value) { member<Path...>(target).assign(value.names.begin(), value.names.end()); },
          [](const T& target) {
            Value value;
            for (const auto& path : member<Path...>(target)) value.names.push_back(path.string());
            return value;
          }};
}

/// std::optional<std::vector<std::string>>: an empty list is not the same as none.
template <auto... Path>
constexpr Access<OwnerOf<Path...>> optional_names() {
  using T = OwnerOf<Path...>;
  return {[](T& target, const Value& value) {
            if (!value.is_absent) member<Path...>(target) = value.names;
          },
          [](const T& target) {
            const std::optional<std::vector<std::string>>& names = member<Path...>(target);
            return names ? Value{0, {}, *names} : Value{0, {}, {}, true};
          }};
}

/// std::optional<std::string>.
template <auto... Path>
constexpr Access<OwnerOf<Path...>> optional_text() {
  using T = OwnerOf<Path...>;
  return {[](T& target, const Value& value) { member<Path...>(target) = value.text; },
          [](const T& target) {
            return Value{0, member<Path...>(target).value_or(""), {}};
          }};
}

template <class T>
constexpr Row<T> row(Key key, Access<T> access) {
  return {key, access.set, access.get};
}

constexpr Key flag(const char* path, const char* doc) { return {.path = path, .kind = ValueKind::kFlag, .doc = doc}; }
constexpr Key count(const char* path, Range range, const char* doc, Word word = {}) {
  return {.path = path, .kind = ValueKind::kCount, .doc = doc, .range = range, .word = word};
}
constexpr Key size(const char* path, Range range, const char* doc, Word word = {}) {
  return {.path = path, .kind = ValueKind::kSize, .doc = doc, .range = range, .word = word};
}
constexpr Key duration(const char* path, Range range, const char* doc, Word word = {}) {
  return {.path = path, .kind = ValueKind::kDuration, .doc = doc, .range = range, .word = word};
}
constexpr Key choice(const char* path, const char* choices, const char* doc) {
  return {.path = path, .kind = ValueKind::kChoice, .doc = doc, .choices = choices};
}
constexpr Key other(const char* path, ValueKind kind, const char* doc, const char* example = "") {
  return {.path = path, .kind = kind, .doc = doc, .example = example};
}
/// A reload applies it.
constexpr Key live(Key key) {
  key.is_live = true;
  return key;
}
constexpr Key required(const char* path, ValueKind kind, const char* doc, const char* example) {
  return {.path = path, .kind = kind, .doc = doc, .example = example, .is_required = true};
}
template <class T>
constexpr Row<T> not_yet(const char* path, const char* remedy) {
  return {{.path = path, .kind = ValueKind::kNotYet, .doc = remedy}, nullptr, nullptr};
}

}  // namespace mortise::config
