#include "broker/admin/callers.h"

#include <sys/socket.h>

#include <algorithm>

namespace mortise::admin {

/// Whoever reads or writes the socket finds its end, and closes it.
void Callers::send_away(Caller& caller) {
  caller.is_sent_away = true;
  ::shutdown(caller.socket, SHUT_RDWR);
}

Caller* Callers::arrived(int socket) {
  const MutexLock lock(mutex_);
  Caller& caller = callers_.emplace_back();
  caller.socket = socket;
  if (staying_ < most_) {
    ++staying_;
    return &caller;
  }
  const auto longest = std::ranges::find_if(callers_, &Caller::may_be_sent_away);
  send_away(*longest);  // the newcomer itself, if there is no other
  return &caller;
}

void Callers::showed_token(Caller& caller) {
  const MutexLock lock(mutex_);
  caller.has_shown_token = true;
}

bool Callers::begin_request(Caller& caller) {
  const MutexLock lock(mutex_);
  caller.is_asking = !caller.is_sent_away;
  return caller.is_asking;
}

void Callers::end_request(Caller& caller) {
  const MutexLock lock(mutex_);
  caller.is_asking = false;
}

void Callers::left(Caller& caller) {
  const MutexLock lock(mutex_);
  if (!caller.is_sent_away) --staying_;
  callers_.remove_if([&caller](const Caller& other) { return &other == &caller; });
}

void Callers::send_strangers_away() {
  const MutexLock lock(mutex_);
  for (Caller& caller : callers_) {
    if (!caller.may_be_sent_away()) continue;
    send_away(caller);
    --staying_;
  }
}

std::size_t Callers::size() {
  const MutexLock lock(mutex_);
  return callers_.size();
}

}  // namespace mortise::admin
