// The bare epoll forwarder that DESIGN's budgets compare with: forwarder [--port P] [--address A] [--loops N].
// It accepts CONNECT (any client), SUBSCRIBE (exact topics, QoS 0), PINGREQ and PUBLISH (QoS 0), looks the exact topic
// up and copies the packet's bytes to whoever subscribed. No sessions, wildcards, limits or checks beyond the frame's
// size: nothing that a broker must do is in here, so what a broker costs above it is the price of being one. One
// thread for each loop; one read and one write per ready socket and round. Loops take connections in turn, each knows
// every subscription, and what one has for another's subscribers it hands over in one piece at the end of its round.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
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
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t kReadSize = 256u << 10;
constexpr std::size_t kMostUnwritten = 8u << 20;  // bytes for one subscriber; beyond, messages are dropped

struct Connection {
  int socket = -1;
  std::size_t loop = 0;
  std::string partial;  // the beginning of a packet
  std::string out;
  std::size_t written = 0;
  bool is_listed = false;   // in Forwarder::talkative_
  bool is_blocked = false;  // waits for EPOLLOUT
  bool is_version_5 = false;
};

struct TopicHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

std::size_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])) << 8 |
         static_cast<unsigned char>(bytes[at + 1]);
}

/// What one loop has for another: packets, each behind the connection it is for and its size, and who came, subscribed
/// and left.
struct Letters {
  std::string packets;
  std::vector<Connection*> arrivals;
  std::vector<std::pair<std::string, Connection*>> subscriptions;
  std::vector<Connection*> departures;

  bool is_empty() const { return packets.empty() && arrivals.empty() && subscriptions.empty() && departures.empty(); }
  void clear() {
    packets.clear();
    arrivals.clear();
    subscriptions.clear();
    departures.clear();
  }
};

/// Where the other loops put what they have for one.
struct Letterbox {
  const int bell = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  std::mutex mutex;
  std::vector<Letters> letters;  // under mutex
  std::vector<Letters> spares;   // under mutex; their memory is used again
};

class Forwarder {
 public:
  /// `listener` is -1 for every loop but the one that accepts. `boxes` has one for each loop, this one's at `self`.
  Forwarder(int listener, std::size_t self, std::vector<std::unique_ptr<Letterbox>>& boxes)
      : listener_(listener),
        self_(self),
        boxes_(boxes),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        buffer_(kReadSize, '\0'),
        outgoing_(boxes.size()) {
    if (listener_ >= 0) watch(listener_, &listener_, EPOLLIN, EPOLL_CTL_ADD);
    watch(boxes_[self_]->bell, nullptr, EPOLLIN, EPOLL_CTL_ADD);
  }

  void round() {
    std::array<epoll_event, 256> events;
    const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == &listener_) {
        accept_one();
        continue;
      }
      auto* connection = static_cast<Connection*>(event.data.ptr);
      if (connection == nullptr) {
        open_letters();
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
    for (Connection* connection : gone_) close(*connection);
    gone_.clear();
    for (std::size_t loop = 0; loop < outgoing_.size(); ++loop) {
      if (!outgoing_[loop].is_empty()) send_letters(loop);
    }
  }

 private:
  void watch(int socket, const void* subject, std::uint32_t wanted, int operation) const {
    epoll_event event{};
    event.events = wanted;
    event.data.ptr = const_cast<void*>(subject);
    ::epoll_ctl(epoll_, operation, socket, &event);
  }

  void accept_one() {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;
    // Never freed: another loop may still have a packet for it.
    auto* connection = connections_.emplace_back(std::make_unique<Connection>()).get();
    connection->socket = socket;
    connection->loop = next_loop_++ % boxes_.size();
    if (connection->loop == self_) {
      watch(socket, connection, EPOLLIN, EPOLL_CTL_ADD);
    } else {
      outgoing_[connection->loop].arrivals.push_back(connection);
    }
  }

  void send_letters(std::size_t loop) {
    Letterbox& box = *boxes_[loop];
    bool is_first = false;
    {
      const std::lock_guard lock(box.mutex);
      is_first = box.letters.empty();
      box.letters.push_back(std::exchange(outgoing_[loop], {}));
      if (!box.spares.empty()) {
        outgoing_[loop] = std::move(box.spares.back());
        box.spares.pop_back();
      }
    }
    if (is_first) ::eventfd_write(box.bell, 1);
  }

  void open_letters() {
    Letterbox& box = *boxes_[self_];
    eventfd_t rung = 0;
    ::eventfd_read(box.bell, &rung);
    {
      const std::lock_guard lock(box.mutex);
      std::swap(incoming_, box.letters);
    }
    for (Letters& letters : incoming_) open(letters);
    const std::lock_guard lock(box.mutex);
    for (Letters& letters : incoming_) {
      if (box.spares.size() < kMostSpares) box.spares.push_back(std::move(letters));
    }
    incoming_.clear();
  }

  void open(Letters& letters) {
    for (Connection* connection : letters.arrivals) watch(connection->socket, connection, EPOLLIN, EPOLL_CTL_ADD);
    for (auto& [topic, connection] : letters.subscriptions) subscribers_[topic].push_back(connection);
    for (std::string_view rest = letters.packets; !rest.empty();) {
      Connection* connection = nullptr;
      std::uint32_t size = 0;
      std::memcpy(&connection, rest.data(), sizeof connection);
      std::memcpy(&size, rest.data() + sizeof connection, sizeof size);
      rest.remove_prefix(sizeof connection + sizeof size);
      pass_on(*connection, rest.substr(0, size));
      rest.remove_prefix(size);
    }
    for (Connection* connection : letters.departures) forget(connection);
    letters.clear();
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
      if (subscriber->loop == self_) {
        pass_on(*subscriber, packet);
        continue;
      }
      const auto bytes = static_cast<std::uint32_t>(packet.size());
      std::string& packets = outgoing_[subscriber->loop].packets;
      packets.append(reinterpret_cast<const char*>(&subscriber), sizeof subscriber);
      packets.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
      packets.append(packet);
    }
  }

  void pass_on(Connection& subscriber, std::string_view packet) {
    if (subscriber.socket >= 0 && subscriber.out.size() - subscriber.written < kMostUnwritten) say(subscriber, packet);
  }

  void subscribe(Connection& connection, std::string_view packet) {
    std::size_t at = header_ + 2;
    if (connection.is_version_5) at += 1 + static_cast<unsigned char>(packet[at]);
    std::string answer = {static_cast<char>(0x90), 0, packet[header_], packet[header_ + 1]};
    if (connection.is_version_5) answer += '\0';
    while (at + 2 < packet.size()) {
      const std::string topic(packet.substr(at + 2, number_at(packet, at)));
      subscribers_[topic].push_back(&connection);
      for (std::size_t loop = 0; loop < outgoing_.size(); ++loop) {
        if (loop != self_) outgoing_[loop].subscriptions.emplace_back(topic, &connection);
      }
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

  void close(Connection& connection) {
    if (connection.socket < 0) return;
    ::close(std::exchange(connection.socket, -1));
    forget(&connection);
    for (std::size_t loop = 0; loop < outgoing_.size(); ++loop) {
      if (loop != self_) outgoing_[loop].departures.push_back(&connection);
    }
  }

  void forget(Connection* connection) {
    for (auto& [topic, connections] : subscribers_) std::erase(connections, connection);
  }

  static constexpr std::size_t kMostSpares = 4;

  const int listener_;
  const std::size_t self_;
  std::vector<std::unique_ptr<Letterbox>>& boxes_;
  const int epoll_;
  std::string buffer_;
  std::size_t header_ = 0;
  std::size_t next_loop_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Letters> outgoing_;  // by loop
  std::vector<Letters> incoming_;
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
  int loops = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--port") == 0) port = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--loops") == 0) loops = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--address") == 0) address = argv[i + 1];
  }
  if (port < 0 || port > 65535 || loops < 1 || loops > 64) {
    std::fprintf(stderr, "usage: forwarder [--port PORT] [--address IPV4] [--loops 1..64]\n");
    return 1;
  }
  const int listener = listen_on(address, static_cast<std::uint16_t>(port));
  if (listener < 0) {
    std::fprintf(stderr, "forwarder: cannot listen on %s:%d: %s\n", address, port, std::strerror(errno));
    return 1;
  }
  std::printf("forwarder: listening on %s:%d\n", address, port_of(listener));
  std::fflush(stdout);
  std::vector<std::unique_ptr<Letterbox>> boxes;
  for (int loop = 0; loop < loops; ++loop) boxes.push_back(std::make_unique<Letterbox>());
  std::vector<std::thread> threads;
  for (std::size_t loop = 1; loop < boxes.size(); ++loop) {
    threads.emplace_back([loop, &boxes] {
      Forwarder forwarder(-1, loop, boxes);
      for (;;) forwarder.round();
    });
  }
  Forwarder forwarder(listener, 0, boxes);
  for (;;) forwarder.round();
}
