#include "broker/net/listen_socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace mortise::net {

namespace {

std::string remedy_for(int error, const std::string& setting) {
  switch (error) {
    case EADDRINUSE:
      return "address already in use; stop the other program or choose another port in " + setting;
    case EADDRNOTAVAIL:
      return "this machine has no such address; choose one of its own in " + setting;
    case EACCES:
      return "permission denied; choose a port from 1024 in " + setting + ", or grant CAP_NET_BIND_SERVICE";
    case ENODEV:
      return "this machine has no such network interface; choose one of its own in tcp.interface of the same listener";
    case EMFILE:
      return "no file descriptor is left; raise the limit (ulimit -n)";
    default:
      return std::string(std::strerror(error)) + "; see " + setting;
  }
}

Failure<Error> cannot_listen(const config::ListenerSettings& settings, const std::string& why) {
  return failure("cannot listen on " + settings.url + ": " + why);
}

Failure<Error> cannot_listen(const config::ListenerSettings& settings, const std::string& setting, int error) {
  return cannot_listen(settings, remedy_for(error, setting));
}

// ---- TCP ----

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Result<AddressList> resolve(const config::ListenerSettings& settings, const std::string& setting) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const char* host = settings.host.empty() ? nullptr : settings.host.c_str();
  const int code = ::getaddrinfo(host, std::to_string(settings.port).c_str(), &hints, &found);
  AddressList list(found, &::freeaddrinfo);
  if (code == 0) return list;
  return cannot_listen(settings, std::string("the address is unknown (") + ::gai_strerror(code) + "); see " + setting);
}

bool set(const Descriptor& socket, int level, int option, int value) {
  return ::setsockopt(socket.get(), level, option, &value, sizeof value) == 0;
}

/// What accepted sockets inherit, so that it costs no call per connection. False: an option cannot be had (errno).
bool set_options(const Descriptor& socket, const config::ListenerSettings& settings) {
  // After a restart the port may be used although old connections linger; a second listener is still refused.
  set(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  if (!set(socket, IPPROTO_TCP, TCP_NODELAY, settings.tcp_nodelay ? 1 : 0)) return false;
  if (settings.tcp_keepalive != Millis{0}) {
    const auto seconds = static_cast<int>(std::chrono::ceil<std::chrono::seconds>(settings.tcp_keepalive).count());
    if (!set(socket, SOL_SOCKET, SO_KEEPALIVE, 1) || !set(socket, IPPROTO_TCP, TCP_KEEPIDLE, seconds) ||
        !set(socket, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, seconds / 3)) || !set(socket, IPPROTO_TCP, TCP_KEEPCNT, 3))
      return false;
  }
  const std::string& interface = settings.interface;
  return interface.empty() || ::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.data(),
                                           static_cast<socklen_t>(interface.size())) == 0;
}

/// Returns the error, or 0.
int listen_on(const addrinfo& address, const config::ListenerSettings& settings, Descriptor& socket) {
  socket.reset(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket || !set_options(socket, settings)) return errno;
  if (::bind(socket.get(), address.ai_addr, address.ai_addrlen) != 0) return errno;
  return ::listen(socket.get(), settings.backlog) == 0 ? 0 : errno;
}

Result<Descriptor> open_tcp(const config::ListenerSettings& settings, const std::string& setting) {
  Result<AddressList> addresses = resolve(settings, setting);
  if (!addresses) return std::move(addresses).as_failure();
  Descriptor socket;
  const int error = listen_on(**addresses, settings, socket);
  if (error != 0) return cannot_listen(settings, setting, error);
  return socket;
}

// ---- Unix ----

std::string remedy_for_path(int error, const std::string& setting) {
  switch (error) {
    case EADDRINUSE:
      return "another program listens on it; stop that, or choose another path in " + setting;
    case ENOTSOCK:
      return "a file that is no socket is there; remove it, or choose another path in " + setting;
    case EACCES:
    case EPERM:
      return "permission denied; choose a folder that may be written in " + setting;
    case ENOENT:
    case ENOTDIR:
      return "the folder does not exist; make it, or choose another one in " + setting;
    default:
      return remedy_for(error, setting);
  }
}

Failure<Error> cannot_listen_at(const config::ListenerSettings& settings, const std::string& setting, int error) {
  return cannot_listen(settings, remedy_for_path(error, setting));
}

/// A socket's file outlives its broker. 0: the path is free now; else why it is not.
int free_path(const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(address.sun_path, &status) != 0) return errno == ENOENT ? 0 : errno;
  if (!S_ISSOCK(status.st_mode)) return ENOTSOCK;
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe) return errno;
  const int outcome = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (outcome == 0 || errno != ECONNREFUSED) return EADDRINUSE;
  return ::unlink(address.sun_path) == 0 ? 0 : errno;
}

Result<Descriptor> open_unix(const config::ListenerSettings& settings, const std::string& setting) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (settings.path.size() >= sizeof address.sun_path)
    return cannot_listen(settings, "the path " + settings.path + " is longer than the system's " +
                                       std::to_string(sizeof address.sun_path - 1) +
                                       " bytes; choose a shorter one in " + setting);
  std::memcpy(address.sun_path, settings.path.data(), settings.path.size());
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return cannot_listen_at(settings, setting, errno);
  if (const int error = free_path(address); error != 0) return cannot_listen_at(settings, setting, error);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return cannot_listen_at(settings, setting, errno);
  // Nobody connects before `listen`, so the file has its permissions in time.
  const auto mode = static_cast<mode_t>(std::stoul(settings.socket_mode, nullptr, 8));
  if (::chmod(address.sun_path, mode) == 0 && ::listen(socket.get(), settings.backlog) == 0) return socket;
  const int error = errno;
  ::unlink(address.sun_path);
  return cannot_listen_at(settings, setting, error);
}

}  // namespace

Result<Descriptor> open_listen_socket(const config::ListenerSettings& settings, const std::string& setting) {
  return settings.is_unix ? open_unix(settings, setting) : open_tcp(settings, setting);
}

Result<void> prepare_inherited(const Descriptor& socket, const config::ListenerSettings& settings,
                               const std::string& setting) {
  if (!settings.is_unix && !set_options(socket, settings)) return cannot_listen(settings, setting, errno);
  return {};
}

Endpoint describe(const sockaddr_storage& address) {
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
  if (address.ss_family != AF_INET) return {};
  sockaddr_in v4;
  std::memcpy(&v4, &address, sizeof v4);
  ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  return {text.data(), ntohs(v4.sin_port)};
}

Endpoint peer_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return describe(address);
}

Endpoint local_end_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return describe(address);
}

}  // namespace mortise::net
