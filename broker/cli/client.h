#pragma once

#include <poll.h>

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "broker/mqtt/decode.h"
#include "broker/mqtt/encode.h"
#include "broker/net/client_stream.h"

namespace mortise::cli {

struct WillOptions {
  std::string topic, payload;
  mqtt::QoS qos = mqtt::QoS::kAtMostOnce;
  bool retain = false;
  std::uint32_t delay = 0;  // seconds; 5.0 only
};

/// How a client connects.
struct ClientOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 1883;
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::k5;
  std::string client_id;  // empty: the Server assigns one
  bool clean_start = true;
  std::uint16_t keep_alive = 60;  // seconds
  std::optional<std::string> user_name, password;
  std::optional<WillOptions> will;
  std::optional<std::uint32_t> session_expiry;  // seconds; 5.0 only
  std::vector<std::pair<std::string, std::string>> user_properties;
  Millis timeout{10'000};  // for connecting
};

/// The CONNECT packet of these options.
void encode_connect(mqtt::ByteBuffer& out, const ClientOptions& options);

/// What a refused CONNECT was told: "Not authorized (0x87)", and the Reason String where there is one.
std::string refusal_of(const mqtt::ConnackView& connack, mqtt::ProtocolVersion version);
/// "Not authorized (0x87)".
std::string describe(mqtt::ReasonCode reason);

/// What a Client tells whoever uses it; called from within turn().
class ClientHandler {
 public:
  virtual ~ClientHandler() = default;
  /// An Application Message, once even at QoS 2. False: the last one wanted; what follows stays unacknowledged.
  virtual bool on_message(const mqtt::PublishView&) { return true; }
  /// A message of ours at QoS 1 or 2 came to its end.
  virtual void on_published(mqtt::PacketId, mqtt::ReasonCode, const mqtt::PropertiesView&) {}
  virtual void on_subscribed(const mqtt::SubscriptionAcknowledgementView&) {}
};

/// An MQTT client on one connection, for `pub` and `sub`: keeps alive, acknowledges both ways. Unsynchronised. Errors
/// of all its functions: the connection failed or was ended by the Server, whose Reason Code is named.
class Client {
 public:
  /// Connects and waits for CONNACK. Errors: also that the Server refused, with the name of its Reason Code.
  static Result<Client> connect(const ClientOptions& options);

  bool session_present() const noexcept { return session_present_; }
  /// How many messages at QoS 1 and 2 the Server takes at once.
  std::uint16_t receive_maximum() const noexcept { return receive_maximum_; }

  /// Queues a message; its packet id is chosen here. Precondition: in_flight() < receive_maximum().
  void publish(mqtt::PublishView message);
  void subscribe(mqtt::SubscribeView request);
  /// Messages at QoS 1 and 2 whose flow has not ended.
  std::size_t in_flight() const noexcept { return outbound_.size(); }
  std::size_t unsent_bytes() const noexcept { return out_.size(); }

  /// Waits until something happens here or on one of `others` (as poll does), at most until `deadline`, and handles it.
  Result<void> turn(SteadyTime deadline, ClientHandler& handler, std::span<pollfd> others = {});
  /// Ends what is in flight both ways, without taking new messages, then says DISCONNECT. Waits at most until
  /// `deadline`.
  Result<void> finish(SteadyTime deadline, mqtt::ReasonCode reason = mqtt::ReasonCode::kSuccess);

 private:
  enum class Flow : std::uint8_t { kAwaitsPuback, kAwaitsPubrec, kAwaitsPubcomp };

  Client(net::ClientStream stream, const ClientOptions& options)
      : stream_(std::move(stream)), version_(options.version), keep_alive_(options.keep_alive) {}

  Result<void> await_connack(const ClientOptions& options);
  Result<void> accept(const mqtt::ConnackView& connack);
  Result<void> wait(SteadyTime deadline, std::span<pollfd> others);
  Result<void> keep_alive();
  void flush();
  Result<void> fill();
  /// Takes the first packet in `in_`, whole or not.
  Result<std::optional<mqtt::FrameView>> next_packet();
  Result<void> handle_all(ClientHandler& handler);
  Result<void> handle(const mqtt::FrameView& frame, ClientHandler& handler);
  void take_message(const mqtt::PublishView& message, ClientHandler& handler);
  void take_acknowledgement(const mqtt::AcknowledgementView& packet, ClientHandler& handler);
  void acknowledge(mqtt::PacketType type, mqtt::PacketId id, mqtt::ReasonCode reason = mqtt::ReasonCode::kSuccess);
  mqtt::PacketId unused_packet_id();

  net::ClientStream stream_;
  mqtt::ProtocolVersion version_;
  Seconds keep_alive_;
  std::uint16_t receive_maximum_ = 65535;
  bool session_present_ = false;
  bool takes_messages_ = true;
  std::string out_, in_;
  SteadyTime sent_at_{};
  SteadyTime pinged_at_ = kNever;  // kNever: no PINGREQ awaits its answer
  mqtt::PacketId last_packet_id_ = 0;
  std::map<mqtt::PacketId, Flow> outbound_;
  std::set<mqtt::PacketId> inbound_;  // QoS 2: received, PUBREL awaited
};

}  // namespace mortise::cli
