#include "broker/net/client_stream.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>

namespace mortise::net {

namespace {

Failure<Error> cannot_connect(const std::string& peer, const char* why) {
  return failure("cannot connect to " + peer + ": " + why);
}

/// Milliseconds for poll() until `deadline`, rounded up so that it is never early; -1 for never.
int poll_timeout(SteadyTime deadline) {
  if (deadline == kNever) return -1;
  const auto left = std::chrono::ceil<Millis>(deadline - steady_now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

bool wait_for(int descriptor, short events, SteadyTime deadline) {
  pollfd waited{descriptor, events, 0};
  for (;;) {
    const int ready = ::poll(&waited, 1, poll_timeout(deadline));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

bool bind_to(int socket, const std::string& from) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (::inet_pton(AF_INET, from.c_str(), &address.sin_addr) != 1) return false;
  const int on = 1;
  ::setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

Result<ClientAddress> ClientAddress::resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  if (code != 0) return failure("cannot resolve " + quoted(host) + ": " + ::gai_strerror(code));
  ClientAddress result;
  result.length_ = found->ai_addrlen;
  std::memcpy(&result.address_, found->ai_addr, found->ai_addrlen);
  const bool is_bracketed = host.find(':') != std::string::npos;
  result.text_ = (is_bracketed ? "[" + host + "]" : host) + ":" + std::to_string(port);
  return result;
}

Result<ClientStream> ClientStream::start(const ClientAddress& address, const std::string& from) {
  Descriptor socket(::socket(address.address()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return cannot_connect(address.text(), std::strerror(errno));
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!from.empty() && !bind_to(socket.get(), from)) {
    return cannot_connect(address.text(), ("cannot use the local address " + quoted(from)).c_str());
  }
  // EINTR: connecting goes on in the background, as with EINPROGRESS.
  if (::connect(socket.get(), address.address(), address.length()) != 0 && errno != EINPROGRESS && errno != EINTR) {
    return cannot_connect(address.text(), std::strerror(errno));
  }
  return ClientStream(std::move(socket), address.text());
}

Result<bool> ClientStream::finish_connect() {
  if (!wait_for(descriptor_.get(), POLLOUT, SteadyTime{})) return false;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(descriptor_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return cannot_connect(peer_, std::strerror(error));
  return true;
}

Result<ClientStream> ClientStream::connect(const ClientAddress& address, Millis timeout) {
  Result<ClientStream> stream = start(address);
  if (!stream) return stream;
  if (!stream->wait_writable(steady_now() + timeout)) {
    const std::string why = "no answer within " + std::to_string(timeout.count()) + " ms";
    return cannot_connect(address.text(), why.c_str());
  }
  Result<bool> connected = stream->finish_connect();
  if (!connected) return std::move(connected).as_failure();
  return stream;
}

Transfer ClientStream::write(ByteView bytes) noexcept {
  const iovec vector{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  return write(std::span(&vector, 1));
}

Result<void> ClientStream::write_all(std::string_view bytes, Millis timeout) {
  const SteadyTime deadline = steady_now() + timeout;
  while (!bytes.empty()) {
    const Transfer sent = write(bytes);
    if (sent.status == Transfer::Status::kFailed) {
      return failure("the connection to " + peer_ + " failed: " + std::strerror(sent.error));
    }
    bytes.remove_prefix(sent.bytes);
    if (sent.status == Transfer::Status::kWouldBlock && !wait_writable(deadline)) {
      return failure(peer_ + " took no bytes within " + std::to_string(timeout.count()) + " ms");
    }
  }
  return {};
}

bool ClientStream::wait_readable(SteadyTime deadline) const { return wait_for(descriptor_.get(), POLLIN, deadline); }
bool ClientStream::wait_writable(SteadyTime deadline) const { return wait_for(descriptor_.get(), POLLOUT, deadline); }

void ClientStream::shut_down_writing() noexcept { ::shutdown(descriptor_.get(), SHUT_WR); }

}  // namespace mortise::net
