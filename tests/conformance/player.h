#pragma once

#include <map>
#include <optional>
#include <string>

#include "broker/base/time.h"
#include "tests/conformance/script.h"

namespace mortise::conformance {

/// The clients' ends of connections to some broker.
class Connections {
 public:
  virtual ~Connections() = default;
  /// A new connection of this client; an older one is forgotten.
  virtual void open(const std::string& client, mqtt::ProtocolVersion version) = 0;
  virtual void send(const std::string& client, std::string_view bytes) = 0;
  virtual void drop(const std::string& client) = 0;
  /// The next packet, or nothing: none came, or the connection is closed.
  virtual std::optional<std::string> receive(const std::string& client) = 0;
  /// Whether the broker closed it, and all it said before has been received.
  virtual bool is_closed(const std::string& client) = 0;
  /// A packet that came and that nobody received, of a client that should be connected; empty when it is not.
  virtual std::optional<std::string> left_over(const std::string& client) = 0;
  virtual void advance(Millis by) = 0;
};

/// Plays a script once. Unsynchronised.
class Player {
 public:
  Player(const Script& script, mqtt::ProtocolVersion version, Connections& connections)
      : script_(script), version_(version), connections_(connections) {}

  /// What went wrong, with its line; nothing when all was as the script says.
  std::optional<std::string> play();

 private:
  struct Client {
    bool is_known = false;
    bool is_over = true;     // the next thing it sends begins a new connection
    bool is_closed = false;  // by the broker, as expected
    bool has_sent = false;   // CONNECT, so that it may be asked to answer a ping
  };
  using Failed = std::optional<std::string>;

  Failed perform(const Step& step);
  Failed send(const Step& step);
  Failed expect(const Step& step);
  Failed expect_in_any_order(std::size_t& at);
  Failed expect_bytes(const Step& step);
  Failed expect_close(const Step& step);
  Failed expect_nothing(const std::string& client);
  Failed nothing_is_left();
  Result<Words> receive(const std::string& client);
  mqtt::ProtocolVersion version_of(const std::string& client) const;
  bool is_played(const Step& step) const;

  const Script& script_;
  const mqtt::ProtocolVersion version_;
  Connections& connections_;
  std::map<std::string, Client> clients_;
  NamedValues ids_;
};

}  // namespace mortise::conformance
