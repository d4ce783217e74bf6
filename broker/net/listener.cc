#include "broker/net/listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/net/listen_socket.h"
#include "broker/net/proxy_stream.h"
#include "broker/net/tls_stream.h"
#include "broker/net/websocket_stream.h"

namespace mortise::net {

namespace {

bool is_exhaustion(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

/// Which file is at the path; zeros for none.
std::pair<dev_t, ino_t> file_at(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

}  // namespace

Listener::Listener(Descriptor socket, const config::ListenerSettings& settings, Ref<ListenerLoad> load)
    : settings_(settings),
      socket_(std::move(socket)),
      shared_url_(SharedBytes::copy_of(settings.url)),
      port_(local_end_of(socket_.get()).port),
      handshakes_(ListenerLoad::make(settings.tls.max_handshakes)),
      rate_(settings.max_connect_rate),
      load_(std::move(load)) {
  if (settings.has_websocket)
    websocket_ = std::make_shared<const WebSocketRules>(WebSocketRules{settings.path, settings.origins});
}

Listener::~Listener() {
  // Somebody may have taken the file away, and somebody else have put his own there.
  if (unix_file_ != std::pair<dev_t, ino_t>() && file_at(settings_.path) == unix_file_)
    ::unlink(settings_.path.c_str());
}

Result<std::shared_ptr<Listener>> Listener::open(const config::ListenerSettings& settings, std::size_t number,
                                                 Descriptor inherited) {
  const bool is_inherited = static_cast<bool>(inherited);
  const std::string setting = "listeners[" + std::to_string(number) + "].url";
  if (is_inherited) {
    if (Result<void> done = prepare_inherited(inherited, settings, setting); !done) return std::move(done).as_failure();
  } else {
    Result<Descriptor> socket = open_listen_socket(settings, setting);
    if (!socket) return std::move(socket).as_failure();
    inherited = std::move(*socket);
  }
  std::shared_ptr<Listener> listener(  // NOLINT: private constructor
      new Listener(std::move(inherited), settings, ListenerLoad::make(settings.max_connections)));
  if (settings.is_unix && !is_inherited) listener->unix_file_ = file_at(settings.path);
  if (Result<void> loaded = listener->load_tls(number); !loaded) return std::move(loaded).as_failure();
  return listener;
}

Result<std::shared_ptr<Listener>> Listener::renewed(const config::ListenerSettings& settings,
                                                    std::size_t number) const {
  Descriptor socket(::fcntl(socket_.get(), F_DUPFD_CLOEXEC, 0));
  if (!socket) return failure(settings_.url + ": " + std::strerror(errno) + "; raise the limit (ulimit -n)");
  std::shared_ptr<Listener> listener(  // NOLINT: private constructor
      new Listener(std::move(socket), settings, load_));
  if (Result<void> loaded = listener->load_tls(number); !loaded) return std::move(loaded).as_failure();
  return listener;
}

void Listener::replace(Listener& old) noexcept {
  unix_file_ = std::exchange(old.unix_file_, {});
  load_->set_maximum(settings_.max_connections);
}

Result<void> Listener::load_tls(std::size_t number) {
  if (!settings_.has_tls) return {};
  Result<std::shared_ptr<const TlsServer>> loaded = TlsServer::load(settings_, number);
  if (!loaded) return std::move(loaded).as_failure();
  tls_ = std::move(*loaded);
  return {};
}

std::string Listener::open_url() const {
  const std::string& url = settings_.url;
  if (settings_.is_unix) return url;
  const std::size_t host = url.find("//") + 2;
  const std::size_t path = std::min(url.find('/', host), url.size());
  const std::string address = url.substr(0, path);
  const std::size_t colon = address.rfind(':');
  const bool has_port = colon >= host && address.find_first_not_of("0123456789", colon + 1) == std::string::npos;
  return address.substr(0, has_port ? colon : path) + ":" + std::to_string(port_) + url.substr(path);
}

Listener::Accepted Listener::accept(SteadyTime now) const {
  if (const SteadyTime due = rate_.take(now); due > now) {
    Accepted accepted;
    accepted.status = Accepted::Status::kTooFast;
    accepted.retry_at = due;
    return accepted;
  }
  Accepted accepted = accept_one();
  if (accepted.status == Accepted::Status::kNone || accepted.status == Accepted::Status::kExhausted) rate_.give_back();
  return accepted;
}

Listener::Accepted Listener::accept_one() const {
  for (;;) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    Descriptor socket(
        ::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) return welcome(std::move(socket), address);
    if (is_exhaustion(errno)) return {Accepted::Status::kExhausted, {}, {}, errno};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINVAL || errno == EBADF) return {};
    // EINTR, ECONNABORTED and errors of the connection that was first in line (accept(2)): the next one may be well.
  }
}

Listener::Accepted Listener::welcome(Descriptor socket, const sockaddr_storage& address) const {
  if (!may_connect(address)) return {Accepted::Status::kStranger, {}, {}, 0};
  std::optional<Permit> permit = Permit::ask(load_);
  if (!permit) return {Accepted::Status::kRefused, {}, {}, 0};
  Accepted accepted{Accepted::Status::kDone, {std::move(socket), nullptr, std::move(*permit)}, {}, 0};
  if (!add_layers(accepted.stream)) return {Accepted::Status::kRefused, {}, {}, 0};
  accepted.peer = peer_of(accepted.stream.socket.get(), address);
  return accepted;
}

/// Behind proxies only they may connect: whoever else did could say to be anybody.
bool Listener::may_connect(const sockaddr_storage& address) const {
  if (settings_.proxy_networks.empty()) return true;
  const std::optional<IpAddress> peer = IpAddress::of(address);
  return peer && std::ranges::any_of(settings_.proxy_networks,
                                     [&](const IpNetwork& network) { return network.contains(*peer); });
}

/// False: there are too many handshakes already, or there is no memory for one more.
bool Listener::add_layers(Stream& stream) const {
  if (settings_.has_tls) {
    std::optional<Permit> handshake = Permit::ask(handshakes_);
    if (handshake) stream.layer = TlsStream::make(tls_, std::move(*handshake));
    if (!stream.layer) return false;
  }
  if (websocket_) stream.layer = std::make_unique<WebSocketStream>(websocket_, std::move(stream.layer));
  if (!settings_.proxy_networks.empty()) stream.layer = std::make_unique<ProxyStream>(std::move(stream.layer));
  return true;
}

bool Listener::claims_log_line(SteadyTime now) const noexcept {
  SteadyTime::rep due = next_log_line_.load(std::memory_order_relaxed);
  const SteadyTime::rep next = (now + 60s).time_since_epoch().count();
  return now.time_since_epoch().count() >= due && next_log_line_.compare_exchange_strong(due, next);
}

core::PeerInfo Listener::peer_of(int socket, const sockaddr_storage& address) const {
  core::PeerInfo peer;
  peer.listener = shared_url_;
  peer.identity_source = settings_.identity;
  peer.versions = settings_.version_bits();
  peer.rate = settings_.client_rate;
  if (settings_.is_unix) {
    peer.local_address = settings_.path;
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
