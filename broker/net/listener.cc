#include "broker/net/listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "broker/net/listen_socket.h"
#include "broker/net/proxy_stream.h"
#include "broker/net/websocket_stream.h"

namespace mortise::net {

namespace {

bool is_exhaustion(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

}  // namespace

Listener::Listener(Descriptor socket, const config::ListenerSettings& settings)
    : socket_(std::move(socket)),
      url_(settings.url),
      shared_url_(SharedBytes::copy_of(url_)),
      unix_path_(settings.is_unix ? settings.path : std::string()),
      port_(local_end_of(socket_.get()).port),
      proxies_(settings.proxy_networks),
      load_(ListenerLoad::make(settings.max_connections)) {
  if (settings.has_websocket)
    websocket_ = std::make_shared<const WebSocketRules>(WebSocketRules{settings.path, settings.origins});
}

Listener::~Listener() {
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
}

Result<std::shared_ptr<Listener>> Listener::open(const config::ListenerSettings& settings, std::size_t number) {
  Result<Descriptor> socket = open_listen_socket(settings, number);
  if (!socket) return std::move(socket).as_failure();
  return std::shared_ptr<Listener>(new Listener(std::move(*socket), settings));  // NOLINT: private constructor
}

Listener::Accepted Listener::accept() const {
  for (;;) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    Descriptor socket(
        ::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      if (!may_connect(address)) return {Accepted::Status::kStranger, {}, {}, 0};
      std::optional<Permit> permit = Permit::ask(load_);
      if (!permit) return {Accepted::Status::kRefused, {}, {}, 0};
      core::PeerInfo peer = peer_of(socket.get(), address);
      return {Accepted::Status::kDone, {std::move(socket), make_layer(), std::move(*permit)}, std::move(peer), 0};
    }
    if (is_exhaustion(errno)) return {Accepted::Status::kExhausted, {}, {}, errno};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINVAL || errno == EBADF) return {};
    // EINTR, ECONNABORTED and errors of the connection that was first in line (accept(2)): the next one may be well.
  }
}

/// Behind proxies only they may connect: whoever else did could say to be anybody.
bool Listener::may_connect(const sockaddr_storage& address) const {
  if (proxies_.empty()) return true;
  const std::optional<IpAddress> peer = IpAddress::of(address);
  return peer && std::ranges::any_of(proxies_, [&](const IpNetwork& network) { return network.contains(*peer); });
}

std::unique_ptr<ByteStream> Listener::make_layer() const {
  std::unique_ptr<ByteStream> layer;
  if (websocket_) layer = std::make_unique<WebSocketStream>(websocket_, std::move(layer));
  if (!proxies_.empty()) layer = std::make_unique<ProxyStream>(std::move(layer));
  return layer;
}

bool Listener::claims_log_line(SteadyTime now) const noexcept {
  SteadyTime::rep due = next_log_line_.load(std::memory_order_relaxed);
  const SteadyTime::rep next = (now + 60s).time_since_epoch().count();
  return now.time_since_epoch().count() >= due && next_log_line_.compare_exchange_strong(due, next);
}

core::PeerInfo Listener::peer_of(int socket, const sockaddr_storage& address) const {
  core::PeerInfo peer;
  peer.listener = shared_url_;
  if (!unix_path_.empty()) {
    peer.local_address = unix_path_;
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0)
      peer.process = mqtt::PeerProcess{credentials.uid, credentials.gid, static_cast<std::uint32_t>(credentials.pid)};
    return peer;
  }
  Endpoint end = describe(address);
  peer.peer_address = std::move(end.host);
  peer.peer_port = end.port;
  end = local_end_of(socket);
  peer.local_address = std::move(end.host);
  peer.local_port = end.port;
  return peer;
}

}  // namespace mortise::net
