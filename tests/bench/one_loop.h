#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/shard.h"
#include "broker/hooks/chain.h"

namespace mortise::core {

/// One shard and the least a loop does around it: bytes in, and what there is to say is gathered as for a writev and
/// then said to be written. No socket and no clock, so what is measured is the core alone. Unsynchronised.
class OneLoop {
 public:
  explicit OneLoop(hooks::DispatchPtr dispatch = nullptr);
  ~OneLoop();

  /// A client that is connected when this returns.
  ConnectionId connect(std::string_view client_id, mqtt::ProtocolVersion version,
                       std::uint16_t topic_alias_maximum = 0);
  void subscribe(ConnectionId client, std::string_view filter, mqtt::QoS qos, mqtt::ProtocolVersion version);
  /// A message that is retained already.
  void retain(std::string_view topic, std::string_view payload);
  /// Offers bytes of a client. What the shard holds back is offered again with the next turn.
  void receive(ConnectionId client, std::string_view bytes);
  /// Does what the shard wants done, until it wants nothing more.
  void turn();
  /// One iteration, timers included; false when there was nothing to do.
  bool iterate();

  /// What `client` is told from now on is appended to `said`. One client at a time; null ends it.
  void listen_to(ConnectionId client, std::string* said);
  std::uint64_t bytes_said() const noexcept { return bytes_said_; }

 private:
  struct HeldBack {
    ConnectionId client;
    std::string bytes;
  };
  struct Broker;

  bool perform();
  void write(ConnectionId client);
  bool offer_again();

  std::unique_ptr<Broker> broker_;
  std::vector<HeldBack> held_back_;
  std::vector<ConnectionId> talkative_;
  ConnectionId heard_;
  std::string* said_ = nullptr;
  std::uint64_t bytes_said_ = 0;
};

}  // namespace mortise::core
