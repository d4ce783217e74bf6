#pragma once

#include "tests/conformance/player.h"

namespace mortise::conformance {

/// Connections to a broker on this machine. Waits up to ten seconds for what must come. Unsynchronised.
class SocketConnections final : public Connections {
 public:
  explicit SocketConnections(std::uint16_t port) : port_(port) {}
  ~SocketConnections() override;

  void open(const std::string& client, mqtt::ProtocolVersion version) override;
  void send(const std::string& client, std::string_view bytes) override;
  void drop(const std::string& client) override;
  std::optional<std::string> receive(const std::string& client) override;
  bool is_closed(const std::string& client) override;
  /// What comes before the answer to a ping.
  std::optional<std::string> left_over(const std::string& client) override;
  void advance(Millis) override;

 private:
  struct Socket {
    int fd = -1;
    std::string received;
    bool is_at_end = false;
  };
  /// Reads once. False: the end, or nothing came.
  bool read_more(Socket& socket, int within_ms);

  const std::uint16_t port_;
  std::map<std::string, Socket> sockets_;
};

}  // namespace mortise::conformance
