#include "broker/net/tcp_listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <tuple>
#include <utility>

namespace mortise::net {

namespace {

/// An address as text and its port.
std::pair<std::string, std::uint16_t> described(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
      ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    }
    return {text.data(), ntohs(v6.sin6_port)};
  }
  sockaddr_in v4;
  std::memcpy(&v4, &address, sizeof v4);
  ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  return {text.data(), ntohs(v4.sin_port)};
}

std::string remedy_for(int error, const std::string& setting) {
  switch (error) {
    case EADDRINUSE:
      return "address already in use; stop the other program or choose another port in " + setting;
    case EADDRNOTAVAIL:
      return "this machine has no such address; choose one of its own in " + setting;
    case EACCES:
      return "permission denied; choose a port from 1024 in " + setting + " or grant CAP_NET_BIND_SERVICE";
    case EMFILE:
      return "no file descriptor is left; raise the limit (ulimit -n)";
    default:
      return std::string(std::strerror(error)) + "; see " + setting;
  }
}

Failure<Error> cannot_listen(const config::ListenerSettings& settings, std::size_t number, int error) {
  const std::string setting = "listeners[" + std::to_string(number) + "].url";
  return failure("cannot listen on " + settings.url + ": " + remedy_for(error, setting));
}

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Result<AddressList> resolve(const config::ListenerSettings& settings, std::size_t number) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const char* host = settings.host.empty() ? nullptr : settings.host.c_str();
  const int code = ::getaddrinfo(host, std::to_string(settings.port).c_str(), &hints, &found);
  AddressList list(found, &::freeaddrinfo);
  if (code == 0) return list;
  return failure("cannot listen on " + settings.url + ": the address is unknown (" + ::gai_strerror(code) +
                 "); see listeners[" + std::to_string(number) + "].url");
}

/// Accepted sockets inherit TCP_NODELAY from the listening one: no call per connection.
int listen_on(const addrinfo& address, int backlog, Descriptor& socket) {
  socket.reset(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return errno;
  const int on = 1;
  // After a restart the port may be used although old connections linger; a second listener is still refused.
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::bind(socket.get(), address.ai_addr, address.ai_addrlen) != 0) return errno;
  return ::listen(socket.get(), backlog) == 0 ? 0 : errno;
}

sockaddr_storage local_address_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return address;
}

bool is_exhaustion(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

}  // namespace

TcpListener::TcpListener(Descriptor socket, const config::ListenerSettings& settings, std::uint16_t port)
    : socket_(std::move(socket)),
      url_(settings.url),
      shared_url_(SharedBytes::copy_of(url_)),
      port_(port),
      load_(ListenerLoad::make(settings.max_connections)) {}

Result<std::shared_ptr<TcpListener>> TcpListener::open(const config::ListenerSettings& settings, std::size_t number) {
  Result<AddressList> addresses = resolve(settings, number);
  if (!addresses) return std::move(addresses).as_failure();
  Descriptor socket;
  const int error = listen_on(**addresses, settings.backlog, socket);
  if (error != 0) return cannot_listen(settings, number, error);
  const std::uint16_t port = described(local_address_of(socket.get())).second;
  return std::shared_ptr<TcpListener>(
      new TcpListener(std::move(socket), settings, port));  // NOLINT: private constructor
}

TcpListener::Accepted TcpListener::accept() const {
  for (;;) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    Descriptor socket(
        ::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      std::optional<Permit> permit = Permit::ask(load_);
      if (!permit) return {Accepted::Status::kRefused, {}, {}, 0};
      core::PeerInfo peer = peer_of(socket.get(), address);
      return {Accepted::Status::kDone, {std::move(socket), nullptr, std::move(*permit)}, std::move(peer), 0};
    }
    if (is_exhaustion(errno)) return {Accepted::Status::kExhausted, {}, {}, errno};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINVAL || errno == EBADF) return {};
    // EINTR, ECONNABORTED and errors of the connection that was first in line (accept(2)): the next one may be well.
  }
}

bool TcpListener::claims_log_line(SteadyTime now) const noexcept {
  SteadyTime::rep due = next_log_line_.load(std::memory_order_relaxed);
  const SteadyTime::rep next = (now + 60s).time_since_epoch().count();
  return now.time_since_epoch().count() >= due && next_log_line_.compare_exchange_strong(due, next);
}

core::PeerInfo TcpListener::peer_of(int socket, const sockaddr_storage& address) const {
  core::PeerInfo peer;
  peer.listener = shared_url_;
  std::tie(peer.peer_address, peer.peer_port) = described(address);
  std::tie(peer.local_address, peer.local_port) = described(local_address_of(socket));
  return peer;
}

}  // namespace mortise::net
