#include "broker/cli/service_notifier.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "broker/base/log.h"

namespace mortise::cli {

namespace {

std::string take_from_environment(const char* variable) {
  const char* const value = std::getenv(variable);
  std::string taken = value != nullptr ? value : "";
  ::unsetenv(variable);
  return taken;
}

/// 0: it is no number.
std::uint64_t number_of(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}

}  // namespace

ServiceNotifier ServiceNotifier::from_environment() {
  ServiceNotifier notifier;
  notifier.address_ = take_from_environment("NOTIFY_SOCKET");
  const std::uint64_t watchdog = number_of(take_from_environment("WATCHDOG_USEC"));
  const std::string process = take_from_environment("WATCHDOG_PID");
  if (notifier.address_.empty()) return notifier;
  if (notifier.address_.front() == '@') notifier.address_.front() = '\0';
  notifier.socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const bool is_for_us = process.empty() || number_of(process) == static_cast<std::uint64_t>(::getpid());
  if (watchdog != 0 && is_for_us) {
    notifier.watchdog_ = std::chrono::microseconds(watchdog);
    notifier.next_beat_ = SteadyTime::min();
  }
  return notifier;
}

void ServiceNotifier::reloading() {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(steady_now().time_since_epoch());
  say("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
}

void ServiceNotifier::say(std::string_view state) const {
  sockaddr_un address{};
  if (!socket_ || address_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, address_.data(), address_.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  if (::sendto(socket_.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
               size) < 0) {
    MORTISE_LOG(kWarning, "cli", "the service manager cannot be told: %s", std::strerror(errno));
  }
}

}  // namespace mortise::cli
