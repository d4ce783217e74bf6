#include "broker/net/acceptors.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "broker/base/log.h"

namespace mortise::net {

void Acceptors::add(std::shared_ptr<Listener> listener, SteadyTime now) {
  auto gate = std::ranges::find_if(gates_, [](const Gate& one) { return !one.listener; });
  if (gate == gates_.end()) gate = gates_.insert(gate, Gate{});
  *gate = {std::move(listener), false};
  watch(static_cast<std::uint32_t>(gate - gates_.begin()), now);
}

void Acceptors::remove(const Listener& listener) noexcept {
  for (Gate& gate : gates_) {
    if (gate.listener.get() != &listener) continue;
    if (!gate.is_paused) poller_.remove(listener.descriptor());
    gate = {};
  }
}

void Acceptors::watch(std::uint32_t index, SteadyTime now) {
  Gate& gate = gates_[index];
  Listener& listener = *gate.listener;
  // Level-triggered: whoever is left waiting is reported again, here or to another loop.
  if (poller_.add(listener.descriptor(), EPOLLIN | EPOLLEXCLUSIVE, {PollToken::Kind::kListener, index, 0})) return;
  const int error = errno;
  gate.is_paused = true;
  resume_at_ = std::min(resume_at_, now + limits_.accept_pause);
  if (!listener.claims_log_line(now)) return;
  MORTISE_LOG(kError, "net", "a loop cannot watch %s yet: %s; raise fs.epoll.max_user_watches", listener.url().c_str(),
              std::strerror(error));
}

bool Acceptors::goes_on(std::uint32_t index, const Listener::Accepted& accepted, SteadyTime now) {
  if (accepted.status == Listener::Accepted::Status::kRefused) {
    counters_.refused.add();
    return true;
  }
  if (accepted.status == Listener::Accepted::Status::kStranger) {
    counters_.strangers.add();
    return true;
  }
  if (accepted.status == Listener::Accepted::Status::kNone) return false;
  Gate& gate = gates_[index];
  if (accepted.status == Listener::Accepted::Status::kTooFast) {
    counters_.slowed_accepts.add();
    pause(gate, accepted.retry_at);
    return false;
  }
  pause(gate, now + limits_.accept_pause);
  counters_.paused_accepts.add();
  if (gate.listener->claims_log_line(now)) {
    MORTISE_LOG(kWarning, "net", "accepting on %s pauses until a connection ends: %s; raise the limit (ulimit -n)",
                gate.listener->url().c_str(), std::strerror(accepted.error));
  }
  return false;
}

void Acceptors::pause(Gate& gate, SteadyTime until) {
  poller_.remove(gate.listener->descriptor());
  gate.is_paused = true;
  resume_at_ = std::min(resume_at_, until);
}

void Acceptors::resume(SteadyTime now) {
  if (now < resume_at_) return;
  resume_at_ = kNever;
  for (std::uint32_t index = 0; index < gates_.size(); ++index) {
    if (std::exchange(gates_[index].is_paused, false)) watch(index, now);
  }
}

void Acceptors::close() noexcept {
  for (const Gate& gate : gates_) {
    if (gate.listener) poller_.remove(gate.listener->descriptor());
  }
  gates_.clear();
  resume_at_ = kNever;
}

}  // namespace mortise::net
