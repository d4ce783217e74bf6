#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "broker/base/bytes.h"
#include "broker/plugin_host/abi_lookup.h"

namespace mortise::plugin_host {

/// How one field is read from the object its handle stands for. One of the groups is set, by the field's type; false
/// means absent.
struct FieldReader {
  std::uint32_t field = 0;
  bool (*number)(const void* object, std::uint64_t& out) = nullptr;
  bool (*bytes)(const void* object, ByteView& out) = nullptr;  // bytes and payload
  std::uint64_t (*count)(const void* object) = nullptr;        // pairs and child
  void (*pair)(const void* object, std::uint64_t index, std::string_view& key, std::string_view& value) = nullptr;
  const void* (*child)(const void* object, std::uint64_t index) = nullptr;
};

/// A reader for each row of abi::kFields, in its order. Thread: immutable. Results are borrowed from the object.
extern const std::array<FieldReader, abi::kFields.size()> kFieldReaders;

/// For each kind the index of its field of type child; abi::kNowhere when it has none. A kind has one at most.
inline constexpr std::array<std::size_t, abi::kKindCount> kChildField = [] {
  std::array<std::size_t, abi::kKindCount> at{};
  at.fill(abi::kNowhere);
  for (std::size_t i = 0; i < abi::kFields.size(); ++i) {
    if (abi::kFields[i].type == abi::FieldType::kChild) at[abi::kFields[i].kind] = i;
  }
  return at;
}();

}  // namespace mortise::plugin_host
