#include "broker/cli/bench_payload.h"

#include <cstring>

namespace mortise::cli {

namespace {

constexpr std::size_t kSumAt = 20;

constexpr std::uint64_t kMultiplier = 0x9E37'79B9'7F4A'7C15u;

/// A changed bit changes those above it, never those below: only the upper half of the end says something of all.
std::uint64_t add_word(std::uint64_t sum, std::uint64_t word) { return (sum ^ word) * kMultiplier; }

std::uint64_t add(std::uint64_t sum, ByteView bytes) {
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    sum = add_word(sum, word);
  }
  for (const std::uint8_t byte : bytes) sum = add_word(sum, byte);
  return sum;
}

/// Of everything but the sum itself, eight bytes at a time so that every payload can be verified at full speed. It
/// finds damage, it need not withstand an attacker.
std::uint32_t checksum(ByteView payload) {
  return static_cast<std::uint32_t>(add(add(payload.size(), payload.first(kSumAt)), payload.subspan(kStampSize)) >> 32);
}

}  // namespace

void write_stamp(std::string& payload, const BenchStamp& stamp, bool has_checksum) {
  std::memcpy(payload.data(), &stamp.sequence, 8);
  std::memcpy(payload.data() + 8, &stamp.intended_at, 8);
  std::memcpy(payload.data() + 16, &stamp.publisher, 4);
  const std::uint32_t sum = has_checksum ? checksum(as_bytes(payload)) : 0;
  std::memcpy(payload.data() + kSumAt, &sum, 4);
}

std::optional<BenchStamp> read_stamp(ByteView payload, bool has_checksum) {
  if (payload.size() < kStampSize) return std::nullopt;
  BenchStamp stamp;
  std::uint32_t sum = 0;
  std::memcpy(&stamp.sequence, payload.data(), 8);
  std::memcpy(&stamp.intended_at, payload.data() + 8, 8);
  std::memcpy(&stamp.publisher, payload.data() + 16, 4);
  std::memcpy(&sum, payload.data() + kSumAt, 4);
  if (has_checksum && sum != checksum(payload)) return std::nullopt;
  return stamp;
}

}  // namespace mortise::cli
