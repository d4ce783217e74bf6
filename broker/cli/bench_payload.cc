#include "broker/cli/bench_payload.h"

#include <cstring>

namespace mortise::cli {

namespace {

constexpr std::size_t kSumAt = 20;

/// FNV-1a over everything but the sum itself: it finds damage, it need not withstand an attacker.
std::uint32_t checksum(ByteView payload) {
  std::uint32_t sum = 2166136261u;
  const auto add = [&sum](ByteView bytes) {
    for (const std::uint8_t byte : bytes) sum = (sum ^ byte) * 16777619u;
  };
  add(payload.first(kSumAt));
  add(payload.subspan(kStampSize));
  return sum;
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
