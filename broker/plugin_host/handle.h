#pragma once

#include <cstdint>

#include "broker/plugin_host/generated/abi_tables.h"

/// The 64 bits of a handle, taken apart and put together (R4). Plain numbers; nothing here says whether a handle is
/// valid.
namespace mortise::plugin_host::handle {

using Bits = std::uint64_t;

static_assert(abi::kClassBits + abi::kKindBits + abi::kSlotBits + abi::kSerialBits == 64);
static_assert(abi::kClassBits + abi::kKindBits + abi::kIndexBits + abi::kGenerationBits == 64);

inline constexpr unsigned kKindShift = 64 - abi::kClassBits - abi::kKindBits;
inline constexpr Bits kOwnedBit = Bits{1} << 63;
inline constexpr Bits kSerialMask = (Bits{1} << abi::kSerialBits) - 1;
inline constexpr Bits kKindMask = (Bits{1} << abi::kKindBits) - 1;
inline constexpr Bits kSlotMask = (Bits{1} << abi::kSlotBits) - 1;
inline constexpr Bits kIndexMask = (Bits{1} << abi::kIndexBits) - 1;

constexpr bool is_owned(Bits bits) noexcept { return (bits & kOwnedBit) != 0; }
constexpr std::uint32_t kind_of(Bits bits) noexcept {
  return static_cast<std::uint32_t>((bits >> kKindShift) & kKindMask);
}

/// Borrowed: slot 0 is what the call is about, slot n is its child n - 1.
constexpr Bits borrowed(std::uint32_t kind, std::uint64_t slot, std::uint64_t serial) noexcept {
  return (Bits{kind} << kKindShift) | (slot << abi::kSerialBits) | serial;
}
constexpr std::uint64_t serial_of(Bits bits) noexcept { return bits & kSerialMask; }
constexpr std::uint64_t slot_of(Bits bits) noexcept { return (bits >> abi::kSerialBits) & kSlotMask; }

constexpr Bits owned(std::uint32_t kind, std::uint32_t index, std::uint32_t generation) noexcept {
  return kOwnedBit | (Bits{kind} << kKindShift) | (Bits{index} << abi::kGenerationBits) | generation;
}
constexpr std::uint32_t index_of(Bits bits) noexcept {
  return static_cast<std::uint32_t>((bits >> abi::kGenerationBits) & kIndexMask);
}
constexpr std::uint32_t generation_of(Bits bits) noexcept { return static_cast<std::uint32_t>(bits); }

}  // namespace mortise::plugin_host::handle
