#include "broker/core/client_rate.h"

#include <algorithm>

#include "broker/mqtt/decode.h"

namespace mortise::core {

namespace {

constexpr SteadyTime::rep kSecond = SteadyTime::duration(std::chrono::seconds(1)).count();
/// Not so many times a second is one connection looked after; what it may send meanwhile it then sends at once.
constexpr Millis kShortestPause{10};

struct Publishes {
  std::size_t count = 0;
  std::size_t end = 0;   // where the next one begins, or all of the bytes
  bool is_more = false;  // there is a next one
};

/// The whole PUBLISH packets of `bytes`, at most `maximum`.
Publishes publishes_in(ByteView bytes, std::size_t max_packet_size, std::uint64_t maximum) {
  Publishes found;
  while (found.end < bytes.size()) {
    const auto frame = mqtt::next_frame(bytes.subspan(found.end), max_packet_size);
    // What is wrong, or incomplete, is not ours to judge.
    if (!frame || !frame->has_value()) break;
    const bool is_publish = (*frame)->type == mqtt::PacketType::kPublish;
    if (is_publish && found.count == maximum) {
      found.is_more = true;
      return found;
    }
    found.count += is_publish ? 1 : 0;
    found.end += (*frame)->size;
  }
  found.end = bytes.size();
  return found;
}

}  // namespace

// ---- Allowance ------------------------------------------------------------------------------------------------------

Allowance::Allowance(std::uint64_t per_second, Millis burst) noexcept
    : per_second_(per_second), burst_(SteadyTime::duration(burst).count()), used_up_(0) {
  // Less than one could never be spent.
  if (is_limited()) burst_ = std::max(burst_, time_for(1));
  used_up_ = -burst_;
}

/// Rounded up: what it lasts must be enough for it.
SteadyTime::rep Allowance::time_for(std::uint64_t amount) const noexcept {
  return static_cast<SteadyTime::rep>((amount * static_cast<std::uint64_t>(kSecond) + per_second_ - 1) / per_second_);
}

std::uint64_t Allowance::available(SteadyTime now) const noexcept {
  if (!is_limited()) return UINT64_MAX;
  const SteadyTime::rep at = now.time_since_epoch().count();
  const SteadyTime::rep unused = std::min(at - used_up_, burst_);
  if (unused <= 0) return 0;
  const auto time = static_cast<std::uint64_t>(unused);
  constexpr auto kWhole = static_cast<std::uint64_t>(kSecond);
  return time / kWhole * per_second_ + time % kWhole * per_second_ / kWhole;
}

void Allowance::spend(std::uint64_t amount, SteadyTime now) noexcept {
  if (!is_limited()) return;
  used_up_ = std::max(used_up_, now.time_since_epoch().count() - burst_) + time_for(amount);
}

SteadyTime Allowance::due(std::uint64_t amount) const noexcept {
  return SteadyTime(SteadyTime::duration(is_limited() ? used_up_ + time_for(amount) : 0));
}

// ---- ClientRate -----------------------------------------------------------------------------------------------------

std::unique_ptr<ClientRate> ClientRate::of(const session::ClientRate& settings) {
  return settings.is_limited() ? std::make_unique<ClientRate>(settings) : nullptr;
}

ClientRate::ClientRate(const session::ClientRate& settings)
    : messages_(settings.messages_per_second, settings.burst), bytes_(settings.bytes_per_second, settings.burst) {}

ByteView ClientRate::admit(ByteView bytes, std::size_t max_packet_size, SteadyTime now) {
  resumes_at_ = kNever;
  bytes_.spend(bytes.size() - counted_, now);
  counted_ = bytes.size();
  was_cut_ = false;
  if (!messages_.is_limited()) return bytes;
  const Publishes admitted = publishes_in(bytes, max_packet_size, messages_.available(now));
  was_cut_ = admitted.is_more;
  return bytes.first(admitted.end);
}

void ClientRate::spend(ByteView bytes, std::size_t consumed, SteadyTime now) {
  counted_ = bytes.size() - consumed;
  if (messages_.is_limited()) messages_.spend(publishes_in(bytes.first(consumed), consumed, UINT64_MAX).count, now);
}

bool ClientRate::is_used_up(SteadyTime now) {
  SteadyTime at = bytes_.due(0);
  if (was_cut_) at = std::max(at, messages_.due(1));
  if (at <= now) return false;
  resumes_at_ = std::max(at, now + kShortestPause);
  return true;
}

}  // namespace mortise::core
