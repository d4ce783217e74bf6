#include "broker/net/inherited_sockets.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "broker/base/bytes.h"
#include "broker/base/ip_network.h"
#include "broker/base/scope_exit.h"
#include "broker/net/listen_socket.h"

namespace mortise::net {

namespace {

constexpr int kFirst = 3;  // descriptors before it are standard input, output and error
constexpr std::size_t kMaximum = 4096;

std::optional<unsigned long> number_of(const char* text) {
  unsigned long number = 0;
  const char* const end = text + std::strlen(text);
  const auto [stopped, error] = std::from_chars(text, end, number);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

/// The how many-th of names with colons between them.
std::string name_at(std::string_view names, std::size_t index) {
  for (; index > 0; --index) {
    const std::size_t colon = names.find(':');
    if (colon == std::string_view::npos) return {};
    names.remove_prefix(colon + 1);
  }
  return std::string(names.substr(0, names.find(':')));
}

/// What a socket listens on.
struct LocalAddress {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  bool is_unix() const noexcept { return address.ss_family == AF_UNIX; }
  bool is_ip() const noexcept { return address.ss_family == AF_INET || address.ss_family == AF_INET6; }
  bool is_local() const noexcept {
    const std::optional<IpAddress> ip = IpAddress::of(address);
    return is_unix() || (ip && ip->is_loopback());
  }
  std::string path() const {
    sockaddr_un address_un{};
    std::memcpy(&address_un, &address, std::min<std::size_t>(sizeof address_un, size));
    const std::size_t length = size > offsetof(sockaddr_un, sun_path) ? size - offsetof(sockaddr_un, sun_path) : 0;
    return {address_un.sun_path, ::strnlen(address_un.sun_path, length)};
  }
  std::string text() const {
    if (is_unix()) return "unix://" + path();
    return is_ip() ? describe(address).text() : "a socket of another kind";
  }
};

/// Nothing when it is no socket that listens for streams.
std::optional<LocalAddress> address_of(const Descriptor& socket) {
  int type = 0, listens = 0;
  socklen_t size = sizeof(int);
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) return std::nullopt;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) return std::nullopt;
  LocalAddress local;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&local.address), &local.size) != 0) return std::nullopt;
  return local;
}

bool is_kind_of(const LocalAddress& local, const config::ListenerSettings& listener) {
  return listener.is_unix ? local.is_unix() : local.is_ip();
}

bool is_same_address(const LocalAddress& local, const config::ListenerSettings& listener) {
  if (!is_kind_of(local, listener)) return false;
  if (listener.is_unix) return local.path() == listener.path;
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const char* host = listener.host.empty() ? nullptr : listener.host.c_str();
  if (::getaddrinfo(host, std::to_string(listener.port).c_str(), &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  const Endpoint own = describe(local.address);
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    sockaddr_storage address{};
    std::memcpy(&address, one->ai_addr, one->ai_addrlen);
    const Endpoint wanted = describe(address);
    if (wanted.host == own.host && wanted.port == own.port) return true;
  }
  return false;
}

}  // namespace

Result<std::vector<InheritedSocket>> take_inherited_sockets() {
  const char* const process = std::getenv("LISTEN_PID");
  const char* const count = std::getenv("LISTEN_FDS");
  const char* const names = std::getenv("LISTEN_FDNAMES");
  const ScopeExit forget([] {
    for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(variable);
  });
  std::vector<InheritedSocket> inherited;
  if (process == nullptr || count == nullptr) return inherited;
  // Meant for somebody else, who passed the environment on.
  if (number_of(process) != static_cast<unsigned long>(::getpid())) return inherited;
  const std::optional<unsigned long> sockets = number_of(count);
  if (!sockets || *sockets > kMaximum)
    return failure("LISTEN_FDS is " + quoted(count, 32) + "; allowed: a number of inherited sockets, 0 to " +
                   std::to_string(kMaximum));
  for (std::size_t index = 0; index < *sockets; ++index) {
    const int number = kFirst + static_cast<int>(index);
    if (::fcntl(number, F_SETFD, FD_CLOEXEC) != 0)
      return failure("LISTEN_FDS says that descriptor " + std::to_string(number) +
                     " is an inherited socket: " + std::strerror(errno));
    inherited.push_back({Descriptor(number), name_at(names != nullptr ? names : "", index)});
  }
  return inherited;
}

Result<std::vector<Descriptor>> match_inherited(std::vector<InheritedSocket> inherited,
                                                const std::vector<config::ListenerSettings>& listeners) {
  std::vector<Descriptor> matched(listeners.size());
  for (InheritedSocket& one : inherited) {
    const std::string which =
        "the inherited socket " + std::to_string(one.socket.get()) + (one.name.empty() ? "" : " (" + one.name + ")");
    const std::optional<LocalAddress> local = address_of(one.socket);
    if (!local) return failure(which + " does not listen for streams; pass listening ones only (ListenStream=)");
    const auto find = [&](const auto& fits) {
      std::size_t index = 0;
      while (index < listeners.size() && (matched[index] || !fits(listeners[index]))) ++index;
      return index;
    };
    std::size_t index = find([&](const config::ListenerSettings& to) { return is_same_address(*local, to); });
    if (index == listeners.size()) {
      index = find([&](const config::ListenerSettings& to) {
        return !to.name.empty() && to.name == one.name && is_kind_of(*local, to);
      });
    }
    if (index == listeners.size())
      return failure(which + " listens on " + local->text() +
                     ", which is no listener's; write a listener with that address, or one with its name "
                     "(listeners[].name, FileDescriptorName=), or pass it no more");
    // Who may connect without showing who it is was judged by the url, which must not say less than the socket lets in.
    if (listeners[index].is_local() && !local->is_local())
      return failure(which + " listens on " + local->text() + ", and the listener with its name is for this machine (" +
                     listeners[index].url + "); write the address of the socket into its url");
    if (::fcntl(one.socket.get(), F_SETFL, O_NONBLOCK) != 0)
      return failure(which + " cannot be used: " + std::strerror(errno));
    matched[index] = std::move(one.socket);
  }
  return matched;
}

}  // namespace mortise::net
