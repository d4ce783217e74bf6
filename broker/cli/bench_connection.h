#pragma once

#include <string>
#include <vector>

#include "broker/cli/bench_options.h"
#include "broker/cli/sequence_record.h"

namespace mortise::cli {

class BenchConnection;

/// What the connections of a bench tell it. Called from within BenchConnection::receive().
class BenchEvents {
 public:
  virtual ~BenchEvents() = default;
  /// CONNACK came, and SUBACK for a subscriber.
  virtual void on_ready(BenchConnection& connection) = 0;
  /// Bytes came: what is told next, until receive() returns, was there by now.
  virtual void on_read() = 0;
  virtual void on_delivery(BenchConnection& subscriber, const mqtt::PublishView& message) = 0;
  /// The flow of a message at QoS 1 or 2 ended.
  virtual void on_acknowledged(BenchConnection& publisher) = 0;
};

/// One client of `mortise bench`: no more work per message than it takes, so that the broker is what is measured.
/// Unsynchronised. Errors of its functions: the connection failed or the Server ended it; the client is named.
class BenchConnection {
 public:
  enum class Role : std::uint8_t { kPublisher, kSubscriber };

  BenchConnection(Role role, std::size_t index, const BenchOptions& options, std::string topic);

  Result<void> start(const net::ClientAddress& address);
  /// The descriptor is readable. `scratch` is memory that all connections share.
  Result<void> receive(std::vector<std::uint8_t>& scratch, BenchEvents& events);
  /// Writes what there is. True: the socket is full, say when it is writable.
  Result<bool> flush();
  /// Appends a message at the options' QoS. `payload` has the options' size.
  void publish(std::string_view payload);

  int descriptor() const noexcept { return stream_->descriptor(); }
  Role role() const noexcept { return role_; }
  std::size_t index() const noexcept { return index_; }
  std::size_t unsent_bytes() const noexcept { return out_.size() - written_; }
  std::size_t in_flight() const noexcept { return in_flight_; }
  std::size_t receive_maximum() const noexcept { return receive_maximum_; }

  // What the bench keeps of it.
  bool is_dirty = false;    // in the list of those to fill and flush
  bool is_blocked = false;  // epoll is asked for writability
  std::uint64_t sent = 0;
  std::uint64_t due = 0;             // with a rate: messages whose time has come
  std::uint64_t deliveries = 0;      // of this publisher's messages, to all subscribers
  std::uint64_t forgiven = 0;        // messages no longer waited for
  std::vector<SequenceRecord> seen;  // a subscriber's, by publisher

 private:
  enum class State : std::uint8_t { kConnecting, kAwaitsConnack, kAwaitsSuback, kReady };

  Result<void> handle(const mqtt::FrameView& frame, BenchEvents& events);
  Result<void> handle_other(const mqtt::FrameView& frame, BenchEvents& events);
  void take_message(const mqtt::PublishView& message, BenchEvents& events);
  Result<void> take_acknowledgement(const mqtt::AcknowledgementView& packet, BenchEvents& events);
  Result<void> take_connack(const mqtt::ConnackView& connack, BenchEvents& events);
  void prepare_publish();
  Failure<Error> failed(const std::string& what) const;

  const Role role_;
  const std::size_t index_;
  const BenchOptions& options_;
  const std::string topic_;
  State state_ = State::kConnecting;
  std::optional<net::ClientStream> stream_;
  std::string in_, out_;
  std::size_t written_ = 0;  // of out_
  std::string head_;         // of every PUBLISH, with the packet id at packet_id_at_
  std::size_t packet_id_at_ = 0;
  mqtt::PacketId packet_id_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t receive_maximum_ = 65535;
};

}  // namespace mortise::cli
