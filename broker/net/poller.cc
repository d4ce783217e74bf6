#include "broker/net/poller.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace mortise::net {

namespace {

// Design note: what is in epoll_event.data. The upper half is the generation of a stream's ConnectionId, which is never
// 0; with 0 there, the lower half is a kind in its upper four bits and an index.
constexpr unsigned kKindShift = 28;
constexpr std::uint32_t kIndexMask = (1u << kKindShift) - 1;

std::uint64_t packed(PollToken token) noexcept {
  if (token.kind == PollToken::Kind::kStream) return (std::uint64_t{token.generation} << 32) | token.index;
  return (static_cast<std::uint32_t>(token.kind) << kKindShift) | (token.index & kIndexMask);
}

PollToken unpacked(std::uint64_t word) noexcept {
  const auto generation = static_cast<std::uint32_t>(word >> 32);
  const auto low = static_cast<std::uint32_t>(word);
  if (generation != 0) return {PollToken::Kind::kStream, low, generation};
  return {static_cast<PollToken::Kind>(low >> kKindShift), low & kIndexMask, 0};
}

int timeout_until(SteadyTime now, SteadyTime deadline) noexcept {
  if (deadline <= now) return 0;
  if (deadline == kNever) return -1;
  const auto left = std::chrono::ceil<Millis>(deadline - now).count();
  return static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max()));
}

}  // namespace

Result<Poller> Poller::create() {
  Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return failure(std::string("cannot create an epoll instance: ") + std::strerror(errno));
  return Poller(std::move(epoll));
}

bool Poller::add(int descriptor, std::uint32_t events, PollToken token) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.u64 = packed(token);
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

bool Poller::change(int descriptor, std::uint32_t events, PollToken token) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.u64 = packed(token);
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor, &event) == 0;
}

void Poller::remove(int descriptor) noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr); }

std::size_t Poller::wait(SteadyTime now, SteadyTime deadline) noexcept {
  const int ready =
      ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), timeout_until(now, deadline));
  // Only EINTR can happen here; the loop comes round again.
  return ready > 0 ? static_cast<std::size_t>(ready) : 0;
}

PollEvent Poller::event(std::size_t number) const noexcept {
  return {unpacked(events_[number].data.u64), events_[number].events};
}

}  // namespace mortise::net
