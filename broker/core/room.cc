#include "broker/core/room.h"

#include <algorithm>
#include <utility>

#include "broker/core/explained.h"
#include "broker/core/talk.h"

// Design notes. An answer may overtake the one that announces it: a member answers its group's question from a third
// loop before the group's own loop is heard. So loops and members are counted apart. When all loops have answered, all
// members are announced; who passes a message on to exactly one other says nothing, so the last answer is the last
// word.

namespace mortise::core {

namespace {

using mqtt::PacketType;
using mqtt::ReasonCode;

/// Somebody had no room: the packet that says so, and what the journal must have before it.
/// Position and packet of what is parked are set; it waits for nobody any more.
void refuse_message(ShardState& state, Connection& connection, PacketType type, mqtt::PacketId packet_id,
                    Parked& parked) {
  ++state.counters.publishes_over_quota;
  if (type == PacketType::kPubrec) {
    // MQTT-4.3.3-9: what comes under this Packet Identifier from now on is another message.
    ResidentSession* session = state.session_of(connection);
    CHECK(session != nullptr);
    const session::Durably durably = session->durably(state.journal);
    session->inbound.release(packet_id, durably);
    if (durably) parked.position = std::max(parked.position, durably.journal->position());
  }
  mqtt::AcknowledgementView packet;
  packet.type = type;
  packet.packet_id = packet_id;
  packet.reason = ReasonCode::kQuotaExceeded;
  parked.packet = encode_explained(connection, packet, "the queue of a subscriber is full");
  parked.frees_receive_quota = true;
}

/// All have answered: the acknowledgement leaves when it is durable and its turn has come.
void finish(ShardState& state, const AwaitedRoom& awaited, std::uint64_t number) {
  Connection* connection = state.connections.find(awaited.connection);
  if (connection == nullptr || connection->stage != Stage::kConnected) return;
  for (std::size_t at = 0; at < connection->parked.size(); ++at) {
    Parked& parked = (*connection->parked)[at];
    if (parked.awaited_room != number) continue;
    parked.awaited_room = 0;
    if (!awaited.has_room) {
      const std::uint64_t position = parked.position;
      refuse_message(state, *connection, awaited.type, awaited.packet_id, parked);
      if (parked.position != position) wait_for_journal(state, *connection, parked.position);
    }
    return release_parked(state, *connection);
  }
}

void answer(ShardState& state, const RoomInquiry& inquiry, bool is_of_member) {
  RoomAnswer answer;
  answer.number = inquiry.question.number;
  answer.passed_on = inquiry.passed_on;
  answer.is_of_member = is_of_member;
  answer.has_room = inquiry.has_room;
  state.mail_to(inquiry.question.loop, answer);
}

}  // namespace

bool asks_for_room(const ShardState& state, const Connection& connection) noexcept {
  return connection.is_v5() && state.shared.session.queue.when_full == session::WhenFull::kReject;
}

RoomQuestion next_room_question(const ShardState& state) noexcept {
  return {state.first_awaited_room + state.awaited_rooms.size(), state.loop};
}

void no_room(PassingView& passing) noexcept {
  if (passing.inquiry != nullptr) passing.inquiry->has_room = false;
}

RoomQuestion pass_on_question(PassingView& passing) noexcept {
  if (passing.inquiry == nullptr) return {};
  ++passing.inquiry->passed_on;
  return passing.inquiry->question;
}

void acknowledge_with_room(ShardState& state, Connection& connection, const RoomInquiry& inquiry,
                           const mqtt::AcknowledgementView& packet, std::uint64_t position) {
  Parked parked;
  parked.position = position;
  parked.frees_receive_quota = packet.type == PacketType::kPuback;
  mqtt::encode(parked.packet, packet, connection.version);
  if (inquiry.asked == 0 && inquiry.passed_on == 0) {
    if (!inquiry.has_room) refuse_message(state, connection, packet.type, packet.packet_id, parked);
    return say_when_durable(state, connection, parked.position, std::move(parked.packet), parked.frees_receive_quota);
  }
  CHECK(inquiry.question.number == next_room_question(state).number);
  AwaitedRoom& awaited = state.awaited_rooms.push_back({});
  awaited.connection = connection.id;
  awaited.type = packet.type;
  awaited.packet_id = packet.packet_id;
  awaited.loops = inquiry.asked;
  awaited.members = inquiry.passed_on;
  awaited.has_room = inquiry.has_room;
  parked.awaited_room = inquiry.question.number;
  park_for_room(state, connection, std::move(parked));
}

void answer_for_loop(ShardState& state, const RoomInquiry& inquiry) { answer(state, inquiry, false); }

void answer_for_member(ShardState& state, const RoomInquiry& inquiry) {
  if (inquiry.passed_on == 0) answer(state, inquiry, true);
}

void room_answered(ShardState& state, const RoomAnswer& answer) {
  const std::uint64_t index = answer.number - state.first_awaited_room;
  CHECK(index < state.awaited_rooms.size());
  AwaitedRoom& awaited = state.awaited_rooms[index];
  awaited.has_room = awaited.has_room && answer.has_room;
  if (answer.is_of_member) {
    --awaited.members;
  } else {
    --awaited.loops;
    awaited.members += answer.passed_on;
  }
  if (!awaited.is_over()) return;
  finish(state, awaited, answer.number);
  while (!state.awaited_rooms.empty() && state.awaited_rooms.front().is_over()) {
    state.awaited_rooms.pop_front();
    ++state.first_awaited_room;
  }
}

}  // namespace mortise::core
