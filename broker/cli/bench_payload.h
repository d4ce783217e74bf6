#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "broker/base/bytes.h"

namespace mortise::cli {

/// What a payload of `mortise bench` says, in its first 24 bytes: who sent it, its number, when it was meant to be
/// sent, and a checksum of all the rest.
struct BenchStamp {
  std::uint64_t sequence = 0;    // of this publisher, from 0
  std::int64_t intended_at = 0;  // nanoseconds of the steady clock
  std::uint32_t publisher = 0;
};

inline constexpr std::size_t kStampSize = 24;

/// Writes the stamp over the beginning of `payload` (at least kStampSize bytes). Without `has_checksum` the sum is left
/// 0.
void write_stamp(std::string& payload, const BenchStamp& stamp, bool has_checksum);

/// Reads it back. Nothing when the payload is too short, or with `has_checksum` when the checksum does not agree.
std::optional<BenchStamp> read_stamp(ByteView payload, bool has_checksum);

}  // namespace mortise::cli
