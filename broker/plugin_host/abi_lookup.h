#pragma once

#include <mortise/abi.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "broker/plugin_host/generated/abi_tables.h"

/// Look-ups in the generated tables, computed when this is compiled. Thread: immutable.
namespace mortise::plugin_host::abi {

inline constexpr std::size_t kKindCount = kKinds.size() + 1;  // kinds are numbered from 1
inline constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

/// For each kind the index of its first field in kFields; kNowhere for a kind without fields.
inline constexpr std::array<std::size_t, kKindCount> kFirstField = [] {
  std::array<std::size_t, kKindCount> first{};
  first.fill(kNowhere);
  for (std::size_t i = kFields.size(); i-- > 0;) first[kFields[i].kind] = i;
  return first;
}();

/// The row of a kind; null for a number that is none. Kinds are numbered by their place.
constexpr const KindRow* find_kind(std::uint32_t kind) noexcept {
  return kind == 0 || kind > kKinds.size() ? nullptr : &kKinds[kind - 1];
}

/// The index in kFields of a field of this kind; kNowhere when the kind has no such field.
constexpr std::size_t find_field(std::uint32_t kind, std::uint32_t field) noexcept {
  const std::uint32_t place = field & 0xFF;
  if (field >> 8 != kind || kind >= kKindCount || place >= kKinds[kind - 1].field_count) return kNowhere;
  return kFirstField[kind] + place;
}

/// The index in kHooks of a hook; kNowhere for an unknown one.
constexpr std::size_t find_hook(std::uint32_t id) noexcept {
  for (std::size_t i = 0; i < kHooks.size(); ++i) {
    if (kHooks[i].id == id) return i;
  }
  return kNowhere;
}

/// The name of a status, for the log.
constexpr std::string_view status_name(std::uint32_t status) noexcept {
  for (const StatusRow& row : kStatuses) {
    if (row.value == status) return row.name;
  }
  return "unknown status";
}

}  // namespace mortise::plugin_host::abi
