// The bare epoll forwarder that DESIGN's budgets compare with: forwarder [--port P] [--address A].
// It accepts CONNECT (any client), SUBSCRIBE (exact topics, QoS 0), PINGREQ and PUBLISH (QoS 0), looks the exact topic
// up and copies the packet's bytes to whoever subscribed. No sessions, wildcards, limits or checks beyond the frame's
// size: nothing that a broker must do is in here, so what a broker costs above it is the price of being one. One
// thread; one read and one write per ready socket and round.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t kReadSize = 256u << 10;
constexpr std::size_t kMostUnwritten = 8u << 20;  // bytes for one subscriber; beyond, messages are dropped

struct Connection {
  int socket = -1;
  std::string partial;  // the beginning of a packet
  std::string out;
  std::size_t written = 0;
  bool is_listed = false;   // in Forwarder::talkative_
  bool is_blocked = false;  // waits for EPOLLOUT
  bool is_version_5 = false;
  std::vector<std::string> topics;
};

struct TopicHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

std::size_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])) << 8 |
         static_cast<unsigned char>(bytes[at + 1]);
}

class Forwarder {
 public:
  explicit Forwarder(int listener)
      : listener_(listener), epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(kReadSize, '\0') {
    watch(listener_, nullptr, EPOLLIN, EPOLL_CTL_ADD);
  }

  void round() {
    std::array<epoll_event, 256> events;
    const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      auto* connection = static_cast<Connection*>(event.data.ptr);
      if (connection == nullptr) {
        accept_one();
        continue;
      }
      if ((event.events & EPOLLOUT) != 0) write_to(*connection);
      if ((event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_from(*connection);
    }
    for (Connection* connection : talkative_) {
      connection->is_listed = false;
      if (!connection->is_blocked) write_to(*connection);
    }
    talkative_.clear();
    for (Connection* connection : gone_) forget(connection);
    gone_.clear();
  }

 private:
  void watch(int socket, Connection* connection, std::uint32_t wanted, int operation) const {
    epoll_event event{};
    event.events = wanted;
    event.data.ptr = connection;
    ::epoll_ctl(epoll_, operation, socket, &event);
  }

  void accept_one() {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;
    auto connection = std::make_unique<Connection>();
    connection->socket = socket;
    watch(socket, connection.get(), EPOLLIN, EPOLL_CTL_ADD);
    connections_.emplace(connection.get(), std::move(connection));
  }

  void read_from(Connection& connection) {
    const std::size_t held = connection.partial.size();
    if (held + kReadSize > buffer_.size()) buffer_.resize(held + kReadSize);
    std::memcpy(buffer_.data(), connection.partial.data(), held);
    const ssize_t size = ::recv(connection.socket, buffer_.data() + held, kReadSize, 0);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) gone_.push_back(&connection);
    if (size <= 0) return;
    std::string_view bytes(buffer_.data(), held + static_cast<std::size_t>(size));
    while (const std::size_t packet = next_packet(bytes)) {
      obey(connection, bytes.substr(0, packet));
      bytes.remove_prefix(packet);
    }
    connection.partial.assign(bytes);
  }

  /// The size of the whole packet in front, or 0; header_ is the size of its fixed header.
  std::size_t next_packet(std::string_view bytes) {
    std::size_t length = 0;
    for (std::size_t at = 1; at < bytes.size() && at < 5; ++at) {
      const auto byte = static_cast<unsigned char>(bytes[at]);
      length |= static_cast<std::size_t>(byte & 0x7F) << (7 * (at - 1));
      if (byte >= 0x80) continue;
      header_ = at + 1;
      return header_ + length <= bytes.size() ? header_ + length : 0;
    }
    return 0;
  }

  void obey(Connection& connection, std::string_view packet) {
    switch (static_cast<unsigned char>(packet[0]) >> 4) {
      case 1:
        connection.is_version_5 = packet[header_ + 6] == 5;
        say(connection, connection.is_version_5 ? std::string_view("\x20\x03\x00\x00\x00", 5)
                                                : std::string_view("\x20\x02\x00\x00", 4));
        return;
      case 3:
        publish(packet);
        return;
      case 8:
        subscribe(connection, packet);
        return;
      case 12:
        say(connection, std::string_view("\xD0\x00", 2));
        return;
      case 14:
        gone_.push_back(&connection);
        return;
      default:
        return;
    }
  }

  void publish(std::string_view packet) {
    const std::size_t size = number_at(packet, header_);
    const auto found = subscribers_.find(packet.substr(header_ + 2, size));
    if (found == subscribers_.end()) return;
    for (Connection* subscriber : found->second) {
      if (subscriber->out.size() - subscriber->written < kMostUnwritten) say(*subscriber, packet);
    }
  }

  void subscribe(Connection& connection, std::string_view packet) {
    std::size_t at = header_ + 2;
    if (connection.is_version_5) at += 1 + static_cast<unsigned char>(packet[at]);
    std::string answer = {static_cast<char>(0x90), 0, packet[header_], packet[header_ + 1]};
    if (connection.is_version_5) answer += '\0';
    while (at + 2 < packet.size()) {
      const std::string topic(packet.substr(at + 2, number_at(packet, at)));
      subscribers_[topic].push_back(&connection);
      connection.topics.push_back(topic);
      answer += '\0';
      at += 2 + topic.size() + 1;
    }
    answer[1] = static_cast<char>(answer.size() - 2);
    say(connection, answer);
  }

  void say(Connection& connection, std::string_view bytes) {
    connection.out.append(bytes);
    if (!std::exchange(connection.is_listed, true)) talkative_.push_back(&connection);
  }

  void write_to(Connection& connection) {
    while (connection.written < connection.out.size()) {
      const ssize_t size = ::send(connection.socket, connection.out.data() + connection.written,
                                  connection.out.size() - connection.written, MSG_NOSIGNAL);
      if (size < 0) break;
      connection.written += static_cast<std::size_t>(size);
    }
    const bool is_blocked = connection.written < connection.out.size();
    if (!is_blocked) {
      connection.out.clear();
      connection.written = 0;
    }
    if (is_blocked == connection.is_blocked) return;
    connection.is_blocked = is_blocked;
    watch(connection.socket, &connection, is_blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
  }

  void forget(Connection* connection) {
    const auto found = connections_.find(connection);
    if (found == connections_.end()) return;
    for (const std::string& topic : connection->topics) std::erase(subscribers_[topic], connection);
    ::close(connection->socket);
    connections_.erase(found);
  }

  const int listener_;
  const int epoll_;
  std::string buffer_;
  std::size_t header_ = 0;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::unordered_map<std::string, std::vector<Connection*>, TopicHash, std::equal_to<>> subscribers_;
  std::vector<Connection*> talkative_;
  std::vector<Connection*> gone_;
};

int listen_on(const char* address, std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_port = htons(port);
  if (::inet_pton(AF_INET, address, &local.sin_addr) != 1) return -1;
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0 || ::listen(listener, 1024) != 0)
    return -1;
  return listener;
}

/// Which port the system chose.
int port_of(int listener) {
  sockaddr_in local{};
  socklen_t size = sizeof local;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&local), &size);
  return ntohs(local.sin_port);
}

}  // namespace

int main(int argc, char** argv) {
  const char* address = "127.0.0.1";
  int port = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--port") == 0) port = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--address") == 0) address = argv[i + 1];
  }
  if (port < 0 || port > 65535) {
    std::fprintf(stderr, "usage: forwarder [--port PORT] [--address IPV4]\n");
    return 1;
  }
  const int listener = listen_on(address, static_cast<std::uint16_t>(port));
  if (listener < 0) {
    std::fprintf(stderr, "forwarder: cannot listen on %s:%d: %s\n", address, port, std::strerror(errno));
    return 1;
  }
  std::printf("forwarder: listening on %s:%d\n", address, port_of(listener));
  std::fflush(stdout);
  Forwarder forwarder(listener);
  for (;;) forwarder.round();
}
