#include "tests/conformance/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "broker/base/check.h"
#include "broker/mqtt/decode.h"

namespace mortise::conformance {
namespace {

constexpr int kPatience_ms = 10'000;

}  // namespace

SocketConnections::~SocketConnections() {
  for (const auto& [client, socket] : sockets_) {
    if (socket.fd >= 0) close(socket.fd);
  }
}

void SocketConnections::open(const std::string& client, mqtt::ProtocolVersion) {
  Socket& socket = sockets_[client];
  if (socket.fd >= 0) close(socket.fd);
  socket = {::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), {}, false};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(connect(socket.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const int on = 1;
  setsockopt(socket.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void SocketConnections::send(const std::string& client, std::string_view bytes) {
  Socket& socket = sockets_[client];
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return;  // It has closed already; what it said can still be read.
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void SocketConnections::drop(const std::string& client) {
  Socket& socket = sockets_[client];
  // The broker closes its side when it has seen the end: then the Will is published, whatever loop the next one is on.
  shutdown(socket.fd, SHUT_WR);
  while (read_more(socket, kPatience_ms)) {
  }
  close(socket.fd);
  socket.fd = -1;
}

bool SocketConnections::read_more(Socket& socket, int within_ms) {
  if (socket.is_at_end) return false;
  pollfd waiting{socket.fd, POLLIN, 0};
  if (poll(&waiting, 1, within_ms) <= 0) return false;
  std::array<char, 65536> bytes;
  const ssize_t size = recv(socket.fd, bytes.data(), bytes.size(), 0);
  if (size <= 0) return socket.is_at_end = true, false;
  socket.received.append(bytes.data(), static_cast<std::size_t>(size));
  return true;
}

std::optional<std::string> SocketConnections::receive(const std::string& client) {
  Socket& socket = sockets_[client];
  for (;;) {
    const auto frame = mqtt::next_frame(as_bytes(socket.received), 256u << 20);
    if (!frame) return std::exchange(socket.received, {});
    if (*frame) {
      std::string packet = socket.received.substr(0, (*frame)->size);
      socket.received.erase(0, packet.size());
      return packet;
    }
    if (!read_more(socket, kPatience_ms)) return std::nullopt;
  }
}

bool SocketConnections::is_closed(const std::string& client) {
  Socket& socket = sockets_[client];
  while (read_more(socket, socket.received.empty() ? kPatience_ms : 0)) {
  }
  return socket.is_at_end && socket.received.empty();
}

std::optional<std::string> SocketConnections::left_over(const std::string& client) {
  static constexpr std::string_view kPingreq("\xc0\0", 2), kPingresp("\xd0\0", 2);
  send(client, kPingreq);
  const std::optional<std::string> packet = receive(client);
  if (packet == kPingresp) return std::nullopt;
  return packet.value_or("");
}

// Time passes by itself over sockets: scripts that need it to are not played here.
void SocketConnections::advance(Millis) { CHECK(false); }

}  // namespace mortise::conformance
