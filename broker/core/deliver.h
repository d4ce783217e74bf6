#pragma once

#include <array>
#include <span>

#include "broker/core/shard_state.h"
#include "broker/mqtt/encode.h"

/// From a routed message to the outboxes and queues of this loop's subscribers.
namespace mortise::core {

/// Whom a shared subscription's group gives a message to.
struct GroupChoice {
  mqtt::SessionId group;
  mqtt::SessionId member;     // empty: nobody is online
  routing::MatchEntry entry;  // the member's
};

/// One message on its way to this loop's subscribers.
struct Passing {
  Passing(ShardState& state, mqtt::MessagePtr passing_message) : message(std::move(passing_message)) {
    state.layouts.begin();
  }

  const mqtt::MessagePtr message;
  std::uint64_t retained_sequence = 0;  // 0: not retained
  std::uint64_t group = 0;              // of the journal; 0: none
  bool is_held = false;                 // live deliveries wait for the journal
  bool is_in_piece = false;             // between begin_piece and end_piece
  bool is_from_queue = false;           // of a group: it needs a member's credit
  std::vector<GroupChoice> choices;     // by groups among the targets, made before the piece begins

  /// The position of the journal that a held delivery waits for: inside a piece its end is at least one further on.
  std::uint64_t hold_until(const session::Journal& journal) const noexcept {
    return journal.position() + (is_in_piece ? 1 : 0);
  }
};

/// A message that belongs to a durable group is delivered in two phases: what goes into stored queues within the
/// group's piece, everything that is said or queued in memory after it.
enum class Phase : std::uint8_t { kAll, kDurable, kLive };

/// `targets` are entries of this loop. Never ends a connection or a session.
void deliver_here(ShardState& state, Passing& passing, std::span<const routing::MatchEntry> targets, Phase phase,
                  Now now);
/// One subscriber's entries, a group's choice included.
void deliver_to_session(ShardState& state, ResidentSession& session, Passing& passing,
                        std::span<const routing::MatchEntry> entries, Phase phase, Now now);

/// Says what the session has to say, as far as outbox, window and journal allow. `layouts` serve the message they were
/// made for.
void pump(ShardState& state, ResidentSession& session, Now now, Passing* passing = nullptr);
/// The journal moved on: what was held may be passed on.
void release_held(ShardState& state, Now now);

}  // namespace mortise::core
