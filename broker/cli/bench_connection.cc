#include "broker/cli/bench_connection.h"

#include <cstring>

namespace mortise::cli {

using mqtt::PacketType;
using mqtt::QoS;
using Status = net::Transfer::Status;

namespace {

constexpr std::size_t kReadSize = 256u << 10;
constexpr std::size_t kMaximumPacketSize = 268'435'460;

}  // namespace

BenchConnection::BenchConnection(Role role, std::size_t index, const BenchOptions& options, std::string topic)
    : role_(role), index_(index), options_(options), topic_(std::move(topic)) {
  if (role_ == Role::kPublisher) prepare_publish();
}

Failure<Error> BenchConnection::failed(const std::string& what) const {
  return failure((role_ == Role::kPublisher ? "publisher " : "subscriber ") + std::to_string(index_) + ": " + what);
}

void BenchConnection::prepare_publish() {
  const std::string payload(options_.size, '\0');
  mqtt::PublishView packet;
  packet.qos = options_.qos;
  packet.packet_id = options_.qos == QoS::kAtMostOnce ? mqtt::PacketId{0} : mqtt::PacketId{1};
  packet.topic = topic_;
  packet.payload = as_bytes(payload);
  packet_id_at_ = encode_publish_head(head_, packet, {}, options_.client.version);
}

Result<void> BenchConnection::start(const net::ClientAddress& address) {
  Result<net::ClientStream> stream = net::ClientStream::start(address);
  if (!stream) return std::move(stream).as_failure();
  stream_ = std::move(*stream);
  ClientOptions client = options_.client;
  client.client_id += (role_ == Role::kPublisher ? "-p" : "-s") + std::to_string(index_);
  encode_connect(out_, client);
  return {};
}

Result<bool> BenchConnection::flush() {
  if (state_ == State::kConnecting) {
    const Result<bool> connected = stream_->finish_connect();
    if (!connected) return failed(connected.error().message);
    if (!*connected) return true;
    state_ = State::kAwaitsConnack;
  }
  while (written_ < out_.size()) {
    const net::Transfer taken = stream_->write(std::string_view(out_).substr(written_));
    if (taken.status == Status::kFailed)
      return failed(std::string("the connection failed: ") + std::strerror(taken.error));
    if (taken.status != Status::kDone) return true;
    written_ += taken.bytes;
  }
  out_.clear();
  written_ = 0;
  return false;
}

void BenchConnection::publish(std::string_view payload) {
  const std::size_t begin = out_.size();
  out_.append(head_);
  if (options_.qos != QoS::kAtMostOnce) {
    // In order of sending, acknowledged in order [MQTT-4.6.0-2]: an id comes back long after its flow ended.
    packet_id_ = static_cast<mqtt::PacketId>(packet_id_ == 65535 ? 1 : packet_id_ + 1);
    out_[begin + packet_id_at_] = static_cast<char>(packet_id_ >> 8);
    out_[begin + packet_id_at_ + 1] = static_cast<char>(packet_id_ & 0xFF);
    ++in_flight_;
  }
  out_.append(payload);
  ++sent;
}

Result<void> BenchConnection::receive(std::vector<std::uint8_t>& scratch, BenchEvents& events) {
  scratch.resize(std::max(scratch.size(), in_.size() + kReadSize));
  std::memcpy(scratch.data(), in_.data(), in_.size());
  const net::Transfer got = stream_->read(std::span(scratch).subspan(in_.size()));
  if (got.status == Status::kWouldBlock) return {};
  if (got.status == Status::kFailed) return failed(std::string("the connection failed: ") + std::strerror(got.error));
  if (got.status == Status::kEnded) return failed("the server closed the connection");
  events.on_read();
  ByteView rest = ByteView(scratch).first(in_.size() + got.bytes);
  for (;;) {
    const auto frame = mqtt::next_frame(rest, kMaximumPacketSize);
    if (!frame) return failed(frame.error().what);
    if (!*frame) break;
    if (Result<void> handled = handle(**frame, events); !handled) return handled;
    rest = rest.subspan((*frame)->size);
  }
  in_.assign(as_text(rest));
  return {};
}

Result<void> BenchConnection::handle(const mqtt::FrameView& frame, BenchEvents& events) {
  switch (frame.type) {
    case PacketType::kPublish: {
      const auto message = mqtt::decode_publish(frame, options_.client.version);
      if (!message) return failed(message.error().what);
      take_message(*message, events);
      return {};
    }
    case PacketType::kPuback:
    case PacketType::kPubrec:
    case PacketType::kPubrel:
    case PacketType::kPubcomp: {
      const auto packet = mqtt::decode_acknowledgement(frame, options_.client.version);
      if (!packet) return failed(packet.error().what);
      return take_acknowledgement(*packet, events);
    }
    default:
      return handle_other(frame, events);
  }
}

Result<void> BenchConnection::handle_other(const mqtt::FrameView& frame, BenchEvents& events) {
  const auto packet = mqtt::decode(frame, options_.client.version);
  if (!packet) return failed(packet.error().what);
  if (const auto* connack = std::get_if<mqtt::ConnackView>(&*packet)) return take_connack(*connack, events);
  if (const auto* suback = std::get_if<mqtt::SubscriptionAcknowledgementView>(&*packet)) {
    if (suback->codes.empty() || suback->codes[0] >= 0x80) return failed("the server refused the subscription");
    state_ = State::kReady;
    events.on_ready(*this);
  } else if (const auto* farewell = std::get_if<mqtt::DisconnectView>(&*packet)) {
    return failed("the server disconnected: " + describe(farewell->reason));
  }
  return {};
}

Result<void> BenchConnection::take_connack(const mqtt::ConnackView& connack, BenchEvents& events) {
  if (connack.code != 0)
    return failed("the server refused the connection: " + refusal_of(connack, options_.client.version));
  receive_maximum_ = connack.properties.number(mqtt::PropertyId::kReceiveMaximum)
                         .value_or(options_.client.version == mqtt::ProtocolVersion::k5 ? 65535 : 20);
  if (role_ == Role::kPublisher) {
    state_ = State::kReady;
    events.on_ready(*this);
    return {};
  }
  state_ = State::kAwaitsSuback;
  mqtt::SubscribeView request;
  request.packet_id = 1;
  mqtt::SubscriptionOptions subscription;
  subscription.maximum_qos = options_.qos;
  request.requests.push_back({topic_, subscription});
  encode(out_, request, options_.client.version);
  return {};
}

void BenchConnection::take_message(const mqtt::PublishView& message, BenchEvents& events) {
  if (message.qos != QoS::kAtMostOnce) {
    const PacketType type = message.qos == QoS::kAtLeastOnce ? PacketType::kPuback : PacketType::kPubrec;
    encode(out_, mqtt::AcknowledgementView{type, message.packet_id, mqtt::ReasonCode::kSuccess, {}},
           options_.client.version);
  }
  events.on_delivery(*this, message);
}

Result<void> BenchConnection::take_acknowledgement(const mqtt::AcknowledgementView& packet, BenchEvents& events) {
  if (is_error(packet.reason)) return failed("the server refused a message: " + describe(packet.reason));
  const auto answer = [&](PacketType type) {
    encode(out_, mqtt::AcknowledgementView{type, packet.packet_id, mqtt::ReasonCode::kSuccess, {}},
           options_.client.version);
  };
  if (packet.type == PacketType::kPubrec) {
    answer(PacketType::kPubrel);
  } else if (packet.type == PacketType::kPubrel) {
    answer(PacketType::kPubcomp);
  } else {
    --in_flight_;
    events.on_acknowledged(*this);
  }
  return {};
}

}  // namespace mortise::cli
