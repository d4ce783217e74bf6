#include "broker/cli/client.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "broker/base/keyed_hash.h"

namespace mortise::cli {

using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::ReasonCode;
using Status = net::Transfer::Status;

namespace {

constexpr std::size_t kMaximumPacketSize = 268'435'460;

/// 3.1.1 table 3.1 in the words of 5.0 where it has the same.
const char* name_of_return_code(std::uint8_t code) {
  static constexpr std::array kNames = {"Accepted",           "Unacceptable protocol version", "Identifier rejected",
                                        "Server unavailable", "Bad user name or password",     "Not authorized"};
  return code < kNames.size() ? kNames[code] : "unknown";
}

std::string hex(unsigned code) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "0x%02X", code);
  return text.data();
}

std::string reason_string(const mqtt::PropertiesView& properties) {
  const auto text = properties.text(PropertyId::kReasonString);
  return text ? ": " + quoted(*text) : std::string();
}

Error cannot_decode(const mqtt::Refusal& refusal) {
  return Error{std::string("the server sent what it must not: ") + refusal.what + " [" + refusal.statement + "]"};
}

}  // namespace

std::string describe(ReasonCode reason) {
  return std::string(mqtt::name_of(reason)) + " (" + hex(static_cast<unsigned>(reason)) + ")";
}

std::string refusal_of(const mqtt::ConnackView& connack, mqtt::ProtocolVersion version) {
  if (version == mqtt::ProtocolVersion::k5) {
    return describe(static_cast<ReasonCode>(connack.code)) + reason_string(connack.properties);
  }
  return std::string(name_of_return_code(connack.code)) + " (" + hex(connack.code) + ")";
}

void encode_connect(mqtt::ByteBuffer& out, const ClientOptions& options) {
  mqtt::ConnectView packet;
  packet.version = options.version;
  packet.clean_start = options.clean_start;
  packet.keep_alive = options.keep_alive;
  packet.client_id = options.client_id;
  if (options.user_name) packet.user_name = *options.user_name;
  if (options.password) packet.password = as_bytes(*options.password);
  mqtt::PropertyWriter properties, will_properties;
  if (options.session_expiry) properties.put(PropertyId::kSessionExpiryInterval, *options.session_expiry);
  for (const auto& [name, value] : options.user_properties) properties.put_pair(name, value);
  packet.properties = properties.view();
  if (options.will) {
    if (options.will->delay > 0) will_properties.put(PropertyId::kWillDelayInterval, options.will->delay);
    packet.will = mqtt::WillView{options.will->qos, options.will->retain, will_properties.view(), options.will->topic,
                                 as_bytes(options.will->payload)};
  }
  encode(out, packet);
}

Result<Client> Client::connect(const ClientOptions& options) {
  Result<net::ClientAddress> address = net::ClientAddress::resolve(options.host, options.port);
  if (!address) return std::move(address).as_failure();
  Result<net::ClientStream> stream = net::ClientStream::connect(*address, options.timeout);
  if (!stream) return std::move(stream).as_failure();
  Client client(std::move(*stream), options);
  encode_connect(client.out_, options);
  Result<void> connected = client.await_connack(options);
  if (!connected) return failure(address->text() + ": " + connected.error().message);
  return client;
}

Result<void> Client::await_connack(const ClientOptions& options) {
  const SteadyTime deadline = steady_now() + options.timeout;
  for (;;) {
    if (Result<void> waited = wait(deadline, {}); !waited) return waited;
    Result<std::optional<mqtt::FrameView>> frame = next_packet();
    if (!frame) return std::move(frame).as_failure();
    if (*frame) {
      const auto packet = mqtt::decode(**frame, version_);
      if (!packet) return failure(cannot_decode(packet.error()));
      const auto* connack = std::get_if<mqtt::ConnackView>(&*packet);
      if (connack == nullptr) return failure("the server did not answer CONNECT with CONNACK");
      Result<void> accepted = accept(*connack);
      in_.erase(0, (*frame)->size);
      return accepted;
    }
    if (steady_now() >= deadline) {
      return failure("the server did not answer CONNECT within " + std::to_string(options.timeout.count() / 1000) +
                     " s");
    }
  }
}

Result<void> Client::accept(const mqtt::ConnackView& connack) {
  if (connack.code != 0) return failure("the server refused the connection: " + refusal_of(connack, version_));
  session_present_ = connack.session_present;
  // Before 5.0 no Server says how many it takes; some lose what goes beyond 20.
  const std::uint32_t unsaid = version_ == mqtt::ProtocolVersion::k5 ? 65535 : 20;
  receive_maximum_ =
      static_cast<std::uint16_t>(connack.properties.number(PropertyId::kReceiveMaximum).value_or(unsaid));
  const auto keep_alive = connack.properties.number(PropertyId::kServerKeepAlive);
  if (keep_alive) keep_alive_ = Seconds(*keep_alive);  // [MQTT-3.1.2-21]
  return {};
}

mqtt::PacketId Client::unused_packet_id() {
  do {
    last_packet_id_ = static_cast<mqtt::PacketId>(last_packet_id_ == 65535 ? 1 : last_packet_id_ + 1);
  } while (outbound_.contains(last_packet_id_));
  return last_packet_id_;
}

void Client::publish(mqtt::PublishView message) {
  if (message.qos != mqtt::QoS::kAtMostOnce) {
    CHECK(outbound_.size() < receive_maximum_);
    message.packet_id = unused_packet_id();
    outbound_[message.packet_id] = message.qos == mqtt::QoS::kAtLeastOnce ? Flow::kAwaitsPuback : Flow::kAwaitsPubrec;
  }
  encode(out_, message, version_);
}

void Client::subscribe(mqtt::SubscribeView request) {
  request.packet_id = unused_packet_id();
  encode(out_, request, version_);
}

Result<void> Client::turn(SteadyTime deadline, ClientHandler& handler, std::span<pollfd> others) {
  // What came together with CONNACK is handled without waiting for more.
  const bool has_packet = mqtt::next_frame(as_bytes(in_), kMaximumPacketSize).ok() && !in_.empty();
  if (Result<void> waited = wait(has_packet ? SteadyTime{} : deadline, others); !waited) return waited;
  if (Result<void> handled = handle_all(handler); !handled) return handled;
  flush();
  return {};
}

Result<void> Client::finish(SteadyTime deadline, ReasonCode reason) {
  takes_messages_ = false;
  ClientHandler silent;
  while ((in_flight() > 0 || !inbound_.empty()) && steady_now() < deadline) {
    if (Result<void> turned = turn(deadline, silent); !turned) return turned;
  }
  encode(out_, mqtt::DisconnectView{reason, {}}, version_);
  return stream_.write_all(std::exchange(out_, {}),
                           std::max(Millis(1), std::chrono::ceil<Millis>(deadline - steady_now())));
}

Result<void> Client::keep_alive() {
  if (keep_alive_.count() == 0) return {};
  const SteadyTime now = steady_now();
  if (pinged_at_ != kNever && now >= pinged_at_ + keep_alive_) {
    return failure("the server did not answer PINGREQ within " + std::to_string(keep_alive_.count()) + " s");
  }
  if (pinged_at_ == kNever && now >= sent_at_ + keep_alive_ * 3 / 4) {
    encode(out_, mqtt::PingreqView{}, version_);
    pinged_at_ = now;
  }
  return {};
}

Result<void> Client::wait(SteadyTime deadline, std::span<pollfd> others) {
  if (Result<void> alive = keep_alive(); !alive) return alive;
  flush();
  if (keep_alive_.count() > 0) {
    deadline = std::min(deadline, pinged_at_ == kNever ? sent_at_ + keep_alive_ * 3 / 4 : pinged_at_ + keep_alive_);
  }
  std::vector<pollfd> waited(others.begin(), others.end());
  waited.push_back({stream_.descriptor(), static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT), 0});
  const auto left = std::chrono::ceil<Millis>(std::clamp<SteadyTime::duration>(deadline - steady_now(), 0s, 3600s));
  if (::poll(waited.data(), waited.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) {
    return failure(std::string("poll failed: ") + std::strerror(errno));
  }
  std::copy_n(waited.begin(), others.size(), others.begin());
  const short ready = waited.back().revents;
  if ((ready & POLLOUT) != 0) flush();
  return (ready & (POLLIN | POLLHUP | POLLERR)) != 0 ? fill() : Result<void>();
}

void Client::flush() {
  std::size_t written = 0;
  while (written < out_.size()) {
    const net::Transfer sent = stream_.write(std::string_view(out_).substr(written));
    // A connection that failed says so when it is read: behind the DISCONNECT that may tell why.
    if (sent.status == Status::kFailed) written = out_.size();
    if (sent.status != Status::kDone) break;
    written += sent.bytes;
    sent_at_ = steady_now();
  }
  out_.erase(0, written);
}

Result<void> Client::fill() {
  std::array<std::uint8_t, 65536> buffer;
  const net::Transfer got = stream_.read(buffer);
  if (got.status == Status::kFailed) return failure(std::string("the connection failed: ") + std::strerror(got.error));
  if (got.status == Status::kEnded) return failure("the server closed the connection");
  in_.append(as_text(ByteView(buffer).first(got.bytes)));
  return {};
}

Result<std::optional<mqtt::FrameView>> Client::next_packet() {
  auto frame = mqtt::next_frame(as_bytes(in_), kMaximumPacketSize);
  if (!frame) return failure(cannot_decode(frame.error()));
  return *frame;
}

Result<void> Client::handle_all(ClientHandler& handler) {
  std::size_t consumed = 0;
  for (;;) {
    const auto frame = mqtt::next_frame(as_bytes(in_).subspan(consumed), kMaximumPacketSize);
    if (!frame) return failure(cannot_decode(frame.error()));
    if (!*frame) break;
    if (Result<void> handled = handle(**frame, handler); !handled) return handled;
    consumed += (*frame)->size;
  }
  in_.erase(0, consumed);
  return {};
}

Result<void> Client::handle(const mqtt::FrameView& frame, ClientHandler& handler) {
  const auto packet = mqtt::decode(frame, version_);
  if (!packet) return failure(cannot_decode(packet.error()));
  if (const auto* message = std::get_if<mqtt::PublishView>(&*packet)) {
    take_message(*message, handler);
  } else if (const auto* acknowledgement = std::get_if<mqtt::AcknowledgementView>(&*packet)) {
    take_acknowledgement(*acknowledgement, handler);
  } else if (const auto* answer = std::get_if<mqtt::SubscriptionAcknowledgementView>(&*packet)) {
    handler.on_subscribed(*answer);
  } else if (std::holds_alternative<mqtt::PingrespView>(*packet)) {
    pinged_at_ = kNever;
  } else if (const auto* farewell = std::get_if<mqtt::DisconnectView>(&*packet)) {
    return failure("the server disconnected: " + describe(farewell->reason) + reason_string(farewell->properties));
  } else {
    return failure("the server sent a packet that only a client sends");
  }
  return {};
}

void Client::take_message(const mqtt::PublishView& message, ClientHandler& handler) {
  if (!takes_messages_) return;
  // [MQTT-4.3.3-10]: a second PUBLISH with an id that awaits PUBREL is no new message.
  if (message.qos == mqtt::QoS::kExactlyOnce && !inbound_.insert(message.packet_id).second) {
    return acknowledge(PacketType::kPubrec, message.packet_id);
  }
  takes_messages_ = handler.on_message(message);
  if (message.qos == mqtt::QoS::kAtLeastOnce) acknowledge(PacketType::kPuback, message.packet_id);
  if (message.qos == mqtt::QoS::kExactlyOnce) acknowledge(PacketType::kPubrec, message.packet_id);
}

void Client::take_acknowledgement(const mqtt::AcknowledgementView& packet, ClientHandler& handler) {
  if (packet.type == PacketType::kPubrel) {
    const bool is_known = inbound_.erase(packet.packet_id) > 0;
    return acknowledge(PacketType::kPubcomp, packet.packet_id,
                       is_known ? ReasonCode::kSuccess : ReasonCode::kPacketIdentifierNotFound);
  }
  const auto flow = outbound_.find(packet.packet_id);
  if (packet.type == PacketType::kPubrec && (flow == outbound_.end() || !is_error(packet.reason))) {
    acknowledge(PacketType::kPubrel, packet.packet_id,
                flow == outbound_.end() ? ReasonCode::kPacketIdentifierNotFound : ReasonCode::kSuccess);
    if (flow != outbound_.end()) flow->second = Flow::kAwaitsPubcomp;
    return;
  }
  if (flow == outbound_.end()) return;
  outbound_.erase(flow);
  handler.on_published(packet.packet_id, packet.reason, packet.properties);
}

void Client::acknowledge(PacketType type, mqtt::PacketId id, ReasonCode reason) {
  encode(out_, mqtt::AcknowledgementView{type, id, reason, {}}, version_);
}

}  // namespace mortise::cli
