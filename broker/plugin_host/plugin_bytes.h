#pragma once

#include <mortise/abi.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

/// Bytes that cross the ABI.
namespace mortise::plugin_host {

/// What a failed or empty view shows: never NULL, and nothing of the broker's.
inline char nothing_to_see[64] = {};

inline mortise_bytes no_bytes() noexcept { return {nothing_to_see, 0}; }

/// Checks what a plugin passes in. Errors: E_NULL (bytes promised, none there), E_RANGE (longer than `limit`).
inline std::uint32_t check_bytes(mortise_bytes bytes, std::uint64_t limit) noexcept {
  if (bytes.data == nullptr && bytes.size != 0) return MORTISE_E_NULL;
  return bytes.size > limit ? MORTISE_E_RANGE : MORTISE_OK;
}

/// The first `limit` of them. Borrowed from the plugin.
inline std::string_view text_of(mortise_bytes bytes, std::uint64_t limit = UINT64_MAX) noexcept {
  if (bytes.data == nullptr) return {};
  return {bytes.data, static_cast<std::size_t>(std::min(bytes.size, limit))};
}

}  // namespace mortise::plugin_host
