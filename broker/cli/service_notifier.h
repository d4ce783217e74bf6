#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/base/time.h"
#include "broker/net/descriptor.h"

namespace mortise::cli {

/// Tells the service manager (systemd's protocol: a datagram to NOTIFY_SOCKET) how the broker is. Without one it says
/// nothing. What cannot be sent is lost: nobody waits for it. Unsynchronised; used by the control thread.
class ServiceNotifier {
 public:
  ServiceNotifier() = default;
  /// By NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, which are taken out of the environment. Before there are
  /// threads.
  static ServiceNotifier from_environment();

  /// `status`: one line for who asks how it is.
  void ready(std::string_view status) { say("READY=1\nSTATUS=" + std::string(status)); }
  void reloading();
  void stopping() { say("STOPPING=1\nSTATUS=stopping"); }

  /// Tells the watchdog that all is well when it is time for that. `is_alive` answers whether it is, and is asked
  /// once each time. Returns when it wants to be called again; kNever: there is no watchdog.
  template <class IsAlive>
  SteadyTime beat(SteadyTime now, IsAlive&& is_alive) {
    if (!watchdog_ || now < next_beat_) return next_beat_;
    next_beat_ = now + *watchdog_ / 4;
    if (is_alive()) say("WATCHDOG=1");
    return next_beat_;
  }

 private:
  void say(std::string_view state) const;

  std::string address_;  // with a leading NUL where it is abstract; empty: nobody listens
  net::Descriptor socket_;
  std::optional<SteadyTime::duration> watchdog_;
  SteadyTime next_beat_ = kNever;
};

}  // namespace mortise::cli
