#include "broker/core/receive.h"

#include "broker/core/acknowledge.h"
#include "broker/core/connect.h"
#include "broker/core/disconnect.h"
#include "broker/core/exchange.h"
#include "broker/core/publish.h"
#include "broker/core/questions.h"
#include "broker/core/subscribe.h"
#include "broker/core/talk.h"
#include "broker/mqtt/decode.h"

// Design notes. A connection is held back in two ways. Before it is connected, and while must_wait says so, receive()
// leaves whole packets unconsumed: the loop keeps them and stops reading. While a PUBLISH or SUBSCRIBE waits for a
// hook, packets behind it are copied to the read-ahead, except acknowledgements, PINGREQ and AUTH, which are processed
// at once: a client that waits for its PUBACK before it acknowledges ours would otherwise wait for ever. What the
// broker answers is bounded by not reading on: nothing else stops a client that sends and never reads.

namespace mortise::core {

namespace {

using mqtt::FrameView;
using mqtt::PacketType;
using mqtt::ReasonCode;
using mqtt::Refusal;

bool passes_pending(PacketType type) {
  switch (type) {
    case PacketType::kPuback:
    case PacketType::kPubrec:
    case PacketType::kPubrel:
    case PacketType::kPubcomp:
    case PacketType::kPingreq:
    case PacketType::kAuth:
      return true;
    default:
      return false;
  }
}

/// Packets that other loops or the store must hear of.
bool needs_credit(PacketType type) {
  return type == PacketType::kPublish || type == PacketType::kPubrel || type == PacketType::kSubscribe ||
         type == PacketType::kUnsubscribe;
}

/// What others must hear of has room in the mailboxes, and what must be kept in the store. A message at QoS 0 that is
/// not retained is not kept, nor what a Client whose session is not stored subscribes to: they do not wait for a disk.
bool has_credit(ShardState& state, const Connection& connection, const FrameView& frame) {
  if (state.accepts_publishes() || !state.may_publish) return state.may_publish;
  constexpr unsigned kQoSAndRetain = 0x07;
  if (frame.type == PacketType::kPublish) return (frame.flags & kQoSAndRetain) == 0;
  const ResidentSession* session = state.session_of(connection);
  return session != nullptr && session->number == 0;
}

/// The packet waits: until the client takes what it is told, until the store made durable what is parked, for credit in
/// the mailboxes or the store, or for the next iteration.
bool must_wait(ShardState& state, Connection& connection, const FrameView& frame) {
  if (is_outbox_full(state, connection)) {
    connection.is_deaf = true;
    ++state.counters.held_back_outbox;
    return true;
  }
  if (connection.parked.size() >= state.shared.session.parked_acks_max) {
    ++state.counters.held_back_parked;
    return true;
  }
  if (needs_credit(frame.type) && !has_credit(state, connection, frame)) {
    if (!connection.is_stalled) state.stalled_publishers.push_back(connection.id);
    connection.is_stalled = true;
    if (state.refuses_to_wait()) state.unserved.push_back(connection.id);
    ++state.counters.held_back_credit;
    return true;
  }
  if (frame.type != PacketType::kPublish || !state.has_said_enough()) return false;
  state.put_off.push_back(connection.id);
  ++state.counters.held_back_iteration;
  return true;
}

constexpr Refusal kServersPacket{ReasonCode::kProtocolError, "5.0 2.1.2", "a packet that only a Server sends"};

/// No Client may send it, whatever is in it.
bool is_servers_packet(PacketType type) {
  return type == PacketType::kConnack || type == PacketType::kSuback || type == PacketType::kUnsuback;
}

constexpr Refusal kNoMethod{ReasonCode::kProtocolError, "MQTT-4.12.0-7",
                            "AUTH without an Authentication Method in CONNECT"};

Result<void, Refusal> dispatch(ShardState& state, Connection& connection, const FrameView& frame, Now now) {
  switch (frame.type) {
    case PacketType::kPublish: {
      auto packet = mqtt::decode_publish(frame, connection.version, mqtt::TopicCheck::kByCaller);
      if (!packet) return std::move(packet).as_failure();
      return publish(state, connection, frame, *packet, now);
    }
    case PacketType::kPuback:
    case PacketType::kPubrec:
    case PacketType::kPubrel:
    case PacketType::kPubcomp: {
      auto packet = mqtt::decode_acknowledgement(frame, connection.version);
      if (!packet) return std::move(packet).as_failure();
      return acknowledgement_received(state, connection, *packet, now);
    }
    case PacketType::kConnect:
      return failure(Refusal{ReasonCode::kProtocolError, "MQTT-3.1.0-2", "a second CONNECT"});
    default:
      break;
  }
  if (is_servers_packet(frame.type)) return failure(kServersPacket);
  if (frame.type == PacketType::kAuth && !connection.enhanced) return failure(kNoMethod);
  auto packet = mqtt::decode(frame, connection.version);
  if (!packet) return std::move(packet).as_failure();
  if (const auto* subscribe_packet = std::get_if<mqtt::SubscribeView>(&*packet))
    return subscribe(state, connection, *subscribe_packet, now);
  if (const auto* unsubscribe_packet = std::get_if<mqtt::UnsubscribeView>(&*packet)) {
    return unsubscribe(state, connection, *unsubscribe_packet, now);
  }
  if (const auto* disconnect_packet = std::get_if<mqtt::DisconnectView>(&*packet)) {
    return disconnect_received(state, connection, *disconnect_packet, now);
  }
  if (std::holds_alternative<mqtt::PingreqView>(*packet)) {
    say(state, connection, mqtt::PingrespView{});
    return {};
  }
  if (const auto* auth_packet = std::get_if<mqtt::AuthView>(&*packet))
    return auth_received(state, connection, *auth_packet, now);
  CHECK(std::holds_alternative<mqtt::PingrespView>(*packet));
  return failure(kServersPacket);
}

/// One whole packet. False: it is not consumed now.
bool take(ShardState& state, Connection& connection, const FrameView& frame, ByteView packet, Now now) {
  const bool has_something_before = connection.pending || !connection.read_ahead.empty();
  if (has_something_before && !passes_pending(frame.type)) {
    if (connection.read_ahead.size() + packet.size() > state.shared.session.read_ahead_max_bytes) {
      ++state.counters.held_back_read_ahead;
      return false;
    }
    connection.read_ahead->append(as_text(packet));
    return true;
  }
  if (must_wait(state, connection, frame)) return false;
  ++state.counters.packets_received;
  if (auto handled = dispatch(state, connection, frame, now); !handled) refuse(state, connection, handled.error(), now);
  return true;
}

/// Before CONNACK only one CONNECT is consumed, and what an enhanced authentication asks for.
bool take_first(ShardState& state, Connection& connection, const FrameView& frame, ByteView packet, Now now) {
  if (awaits_auth(connection)) return receive_step(state, connection, frame, now), true;
  if (connection.stage != Stage::kAwaitingConnect) return false;
  if (frame.type != PacketType::kConnect) {
    refuse(state, connection, {ReasonCode::kProtocolError, "MQTT-3.1.0-1", "the first packet is not CONNECT"}, now);
    return true;
  }
  ++state.counters.packets_received;
  connect(state, connection, frame, packet, now);
  return true;
}

}  // namespace

namespace {

/// The peer closed while something was pending; now all it sent is worked through. The loop has forgotten the id
/// already.
void finish_gone(ShardState& state, Connection& connection, Now now) {
  connection_lost(state, connection, ReasonCode::kUnspecifiedError, now);
  connection.stage = Stage::kEnded;
  state.gone.push_back(connection.id);
}

/// A piece of a packet is no Control Packet (MQTT-3.1.2-22, 3.1.1's MQTT-3.1.2-24), but a large one that makes progress
/// keeps its connection: its sender cannot ping meanwhile.
void note_piece(Connection& connection, std::size_t size, Now now) {
  constexpr std::size_t kProgress = 1024;
  if (size < connection.counted_piece) connection.counted_piece = 0;
  if (size < connection.counted_piece + kProgress) return;
  connection.counted_piece = static_cast<std::uint32_t>(size);
  connection.last_received = now.steady;
}

/// All of `bytes` that nothing holds back.
std::size_t receive_all(ShardState& state, Connection& connection, ByteView bytes, Now now) {
  // What was not listened to is not counted against the client.
  if (connection.is_resuming) connection.last_received = now.steady;
  connection.has_held_back = connection.is_resuming = false;
  if (!connection.read_ahead.empty() && !connection.pending) operation_finished(state, connection, now);
  std::size_t consumed = 0;
  while (connection.stage != Stage::kEnded && consumed < bytes.size()) {
    const ByteView rest = bytes.subspan(consumed);
    const auto found = mqtt::next_frame(rest, state.shared.mqtt.max_packet_size);
    if (!found) {
      if (awaits_auth(connection)) return refuse_step(state, connection, found.error()), bytes.size();
      if (connection.stage == Stage::kAuthenticating || connection.stage == Stage::kAttaching) break;
      refuse(state, connection, found.error(), now);
      break;
    }
    if (!found->has_value()) return note_piece(connection, rest.size(), now), consumed;
    const FrameView& frame = **found;
    connection.last_received = now.steady;
    const ByteView packet = rest.first(frame.size);
    const bool is_connected = connection.stage == Stage::kConnected;
    if (!(is_connected ? take(state, connection, frame, packet, now)
                       : take_first(state, connection, frame, packet, now))) {
      connection.has_held_back = true;
      return consumed;
    }
    consumed += frame.size;
  }
  return connection.stage == Stage::kEnded && !connection.is_moving ? bytes.size() : consumed;
}

/// The same for a client with a limited rate: what exceeds it waits, and then nothing more is read of it.
std::size_t receive_at_rate(ShardState& state, Connection& connection, ByteView bytes, Now now) {
  ClientRate& rate = *connection.rate;
  const ByteView admitted = rate.admit(bytes, state.shared.mqtt.max_packet_size, now.steady);
  const std::size_t consumed = receive_all(state, connection, admitted, now);
  if (connection.stage == Stage::kEnded) return connection.is_moving ? consumed : bytes.size();
  rate.spend(bytes, consumed, now.steady);
  if (connection.stage != Stage::kConnected || !rate.is_used_up(now.steady)) return consumed;
  connection.has_held_back = true;
  ++state.counters.held_back_rate;
  state.arm(connection, rate.resumes_at());
  return consumed;
}

}  // namespace

std::size_t receive(ShardState& state, Connection& connection, ByteView bytes, Now now) {
  return connection.rate ? receive_at_rate(state, connection, bytes, now) : receive_all(state, connection, bytes, now);
}

bool wants_bytes(const ShardState&, const Connection& connection) {
  switch (connection.stage) {
    case Stage::kAwaitingConnect:
      return true;
    case Stage::kAuthenticating:
      return awaits_auth(connection);
    case Stage::kConnected:
      return !connection.has_held_back;
    default:
      return false;
  }
}

bool is_outbox_full(const ShardState& state, const Connection& connection) {
  return connection.outbox.size() > state.outbox_maximum;
}

void go_on_with_put_off(ShardState& state) {
  for (const ConnectionId id : std::exchange(state.put_off, {})) {
    if (Connection* connection = state.connections.find(id)) resume_reading(state, *connection);
  }
}

void resume_reading(ShardState& state, Connection& connection) {
  if (connection.stage == Stage::kEnded || !connection.has_held_back) return;
  connection.has_held_back = false;
  connection.is_resuming = true;
  state.actions.resumed.push_back(connection.id);
}

void operation_finished(ShardState& state, Connection& connection, Now now) {
  // A SUBSCRIBE of the read-ahead that is answered at once ends here, too, and is not the one to go on.
  if (connection.is_working_off) return;
  // Before the rest: a client that always has something pending must not put it off.
  if (connection.wants_invalidation && connection.stage == Stage::kConnected && !connection.is_gone)
    return begin_invalidation(state, connection, now);
  // What stands in the read-ahead may itself start an operation that is pending; the rest then stays.
  std::size_t at = 0;
  connection.is_working_off = true;
  while (!connection.pending && connection.stage == Stage::kConnected && at < connection.read_ahead.size()) {
    // Of a peer that has gone nobody offers anything again.
    if (state.has_said_enough() && !connection.is_gone) break;
    const ByteView rest = as_bytes(*connection.read_ahead).subspan(at);
    const auto found = mqtt::next_frame(rest, state.shared.mqtt.max_packet_size);
    CHECK(found && found->has_value());
    const std::string packet(as_text(rest.first((*found)->size)));
    const auto frame = mqtt::next_frame(as_bytes(packet), state.shared.mqtt.max_packet_size);
    at += packet.size();
    ++state.counters.packets_received;
    if (auto handled = dispatch(state, connection, **frame, now); !handled)
      refuse(state, connection, handled.error(), now);
  }
  connection.is_working_off = false;
  if (connection.stage == Stage::kEnded) return;
  if (!connection.read_ahead.empty()) connection.read_ahead->erase(0, at);
  if (connection.read_ahead.empty()) connection.read_ahead.clear();
  if (connection.pending) return;
  if (!connection.read_ahead.empty() && !connection.is_gone) {
    connection.has_held_back = true;
    state.put_off.push_back(connection.id);
    ++state.counters.held_back_iteration;
    return;
  }
  if (connection.is_gone) return finish_gone(state, connection, now);
  resume_reading(state, connection);
}

}  // namespace mortise::core
