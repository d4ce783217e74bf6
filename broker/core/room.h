#pragma once

#include <cstdint>

#include "broker/core/deliver.h"
#include "broker/core/shard_state.h"
#include "broker/mqtt/packets.h"

/// With `session.queue.when_full: reject` a 5.0 publisher hears whether everybody who is owed its message had room for
/// it. Whoever has room gets it; the publisher is told Quota exceeded when somebody had none. Every loop with
/// subscribers answers, and so does whomever a shared subscription's group gave the message to; the acknowledgement
/// waits for them in its place among the others, as it does for the journal. What is refused is over: a QoS 2 Packet
/// Identifier is free, in the store as well, before its publisher hears. If the broker, or the connection, ends before
/// all have answered, the message that is sent again is a duplicate and acknowledged as one.
namespace mortise::core {

/// What becomes of one message on one loop, while it passes there.
struct RoomInquiry {
  RoomQuestion question;
  std::uint32_t asked = 0;      // other loops
  std::uint32_t passed_on = 0;  // deliveries of groups here that are answered by whoever takes them
  bool has_room = true;         // of everybody here
};

/// Whether the publisher of a message at QoS > 0 is to hear of it.
bool asks_for_room(const ShardState& state, const Connection& connection) noexcept;
/// The number that the next acknowledgement that waits will have.
RoomQuestion next_room_question(const ShardState& state) noexcept;

/// A queue on this loop that should take the message is full.
void no_room(PassingView& passing) noexcept;
/// The question, for somebody else that the message is given to; empty when nobody asks.
RoomQuestion pass_on_question(PassingView& passing) noexcept;

/// PUBACK or PUBREC with what came of the message: now, or when all have answered who were asked.
void acknowledge_with_room(ShardState& state, Connection& connection, const RoomInquiry& inquiry,
                           const mqtt::AcknowledgementView& packet, std::uint64_t position);

/// The message was delivered on this loop, which was asked.
void answer_for_loop(ShardState& state, const RoomInquiry& inquiry);
/// A group's message was given to whom it is for, or to nobody, unless it was passed on.
void answer_for_member(ShardState& state, const RoomInquiry& inquiry);
void room_answered(ShardState& state, const RoomAnswer& answer);

}  // namespace mortise::core
