#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/time.h"
#include "broker/config/settings.h"
#include "broker/core/mail.h"
#include "broker/net/connect_rate.h"
#include "broker/net/stream_socket.h"
#include "broker/net/tls_server.h"
#include "broker/net/websocket_handshake.h"

namespace mortise::net {

/// One listening socket that all loops accept from, and what its connections speak below MQTT. Immutable once it is
/// used; its counters are internally synchronised. The file of a Unix socket goes with it.
///
/// Design note: one socket in every loop's epoll (EPOLLEXCLUSIVE, so that a connection wakes one loop), not one per
/// loop with SO_REUSEPORT: with that option a second broker of the same user could open the same port unnoticed and
/// take half of the connections. Which loop accepts does not matter for balance: a Client moves to its home loop when
/// it is authenticated.
class Listener {
 public:
  /// Opens and listens. `number`: its place in `listeners`, for messages.
  /// Errors: the address cannot be used: which, why, and what to change.
  /// `inherited`: a listening socket instead, which somebody else opened, and whose file he keeps; empty: none.
  static Result<std::shared_ptr<Listener>> open(const config::ListenerSettings& settings, std::size_t number,
                                                Descriptor inherited = {});
  /// One for the same url with other settings, or with certificates that were read again: it accepts from the same
  /// socket and goes on counting this one's connections. This one is used until `replace` is called.
  /// Errors: as TlsServer::load, and no descriptor is left.
  Result<std::shared_ptr<Listener>> renewed(const config::ListenerSettings& settings, std::size_t number) const;
  /// `old` is used no more, and this one, which was made of it, is.
  void replace(Listener& old) noexcept;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  /// What accepting came to.
  struct Accepted {
    enum class Status : std::uint8_t {
      kDone,       // a connection
      kRefused,    // the listener is full; the connection was closed
      kStranger,   // likewise: it is not from one of the proxies
      kNone,       // nobody waits
      kExhausted,  // no descriptor or memory is left: pause
      kTooFast,    // the connect rate is used up: pause until `retry_at`
    };
    Status status = Status::kNone;
    Stream stream;
    core::PeerInfo peer;
    int error = 0;  // of kExhausted
    SteadyTime retry_at = kNever;
  };
  /// Accepts one connection. Thread: any loop.
  Accepted accept(SteadyTime now) const;

  /// Whether to log that accepting pauses: once a minute, whichever loop it is. Thread: any loop.
  bool claims_log_line(SteadyTime now) const noexcept;

  int descriptor() const noexcept { return socket_.get(); }
  const std::string& url() const noexcept { return settings_.url; }
  std::uint16_t port() const noexcept { return port_; }
  /// The url with the port that is really open.
  std::string open_url() const;
  std::size_t open_connections() const noexcept { return load_->open(); }

  const config::ListenerSettings& settings() const noexcept { return settings_; }

 private:
  Listener(Descriptor socket, const config::ListenerSettings& settings, Ref<ListenerLoad> load);
  Result<void> load_tls(std::size_t number);
  Accepted accept_one() const;
  Accepted welcome(Descriptor socket, const sockaddr_storage& address) const;
  bool may_connect(const sockaddr_storage& address) const;
  bool add_layers(Stream& stream) const;
  core::PeerInfo peer_of(int socket, const sockaddr_storage& address) const;

  const config::ListenerSettings settings_;
  const Descriptor socket_;
  const SharedBytes shared_url_;       // settings_.url, for the peers
  std::pair<dev_t, ino_t> unix_file_;  // device and inode of the one that is taken away at the end; zeros: none
  const std::uint16_t port_;
  std::shared_ptr<const WebSocketRules> websocket_;  // null: none
  std::shared_ptr<const TlsServer> tls_;             // null: none
  const Ref<ListenerLoad> handshakes_;
  mutable ConnectRate rate_;
  const Ref<ListenerLoad> load_;
  mutable std::atomic<SteadyTime::rep> next_log_line_{0};
};

}  // namespace mortise::net
