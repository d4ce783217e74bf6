#pragma once

#include <optional>
#include <span>

#include "broker/core/received.h"
#include "broker/core/shard_state.h"
#include "broker/mqtt/encode.h"

/// From a routed message to the outboxes and queues of this loop's subscribers.
namespace mortise::core {

struct RoomInquiry;

/// Deliveries at QoS 0 of messages that are not durable yet, for all subscribers of a loop together. Beyond it they are
/// dropped: the credit of the store bounds messages, not how many subscribers each has.
inline constexpr std::size_t kMaximumHeld = 1u << 16;

/// Whom a shared subscription's group gives a message to.
struct GroupChoice {
  mqtt::SessionId group;
  mqtt::SessionId member;     // empty: nobody is online
  routing::MatchEntry entry;  // the member's
};

/// A message on its way to this loop's subscribers. Of a PUBLISH the Message itself is made only when somebody keeps
/// it, and nothing is encoded for receivers whom the packet suits as it came: most messages are copied and forgotten.
/// For the call, with what it was made from.
class PassingView {
 public:
  /// `message` stays as long as this.
  PassingView(ShardState& state, const mqtt::MessagePtr& message) : layouts_(state.layouts), kept_(&message) {
    fields_ = &of_message_.emplace(message->view());
    layouts_.begin();
  }
  /// `fields` and `received` stay as long as this.
  PassingView(ShardState& state, const mqtt::MessageView& fields, const ReceivedView& received)
      : layouts_(state.layouts), fields_(&fields), received_(&received) {
    if (!fields.has_only_forwarded_properties()) {
      received_ = &kNotReceived;
      fields_ = &of_message_.emplace(kept()->view());
    }
    layouts_.begin();
  }
  PassingView(const PassingView&) = delete;
  PassingView& operator=(const PassingView&) = delete;

  const mqtt::MessageView& fields() const noexcept { return *fields_; }
  std::string_view topic() const noexcept { return fields_->topic; }
  mqtt::QoS qos() const noexcept { return fields_->qos; }
  /// The packet as it came; empty when nobody may get it.
  const ReceivedView& received() const noexcept { return *received_; }
  /// The Message, made if it is not yet.
  const mqtt::MessagePtr& kept() {
    if (kept_ == nullptr) {
      made_ = mqtt::Message::make(*fields_);
      kept_ = &made_;
    }
    return *kept_;
  }
  bool is(const mqtt::MessagePtr& message) const noexcept { return kept_ != nullptr && *kept_ == message; }
  /// The Message if it is made already, or null.
  const mqtt::Message* made() const noexcept { return kept_ != nullptr ? kept_->get() : nullptr; }
  /// Its lifetime ended on the way. An interval of 0 (5.0 section 3.3.2.3.3) is for whoever can be given it in the
  /// moment it arrives: whatever has to wait, for a window, for the store, for a client, has expired.
  bool came_too_late(Now now) const noexcept {
    return fields_->expires_at <= now.wall && fields_->expires_at > fields_->received_at;
  }
  bool must_not_wait(Now now) const noexcept { return fields_->expires_at <= now.wall; }
  /// For a receiver that knows it under `topic`. Borrowed until another layout is asked for.
  EncodedLayouts::EncodedView encode(const EncodedLayouts::Layout& layout, std::string_view topic, WallTime now) {
    return layouts_.encode(*fields_, layout, topic, now);
  }

  std::uint64_t retained_sequence = 0;  // 0: not retained
  std::uint64_t group = 0;              // of the journal; 0: none
  bool is_held = false;                 // live deliveries wait for the journal
  bool is_in_piece = false;             // between begin_piece and end_piece
  bool is_from_queue = false;           // of a group, the oldest that waits there
  std::uint64_t share_tag = 0;          // while a member of a group is given it
  std::vector<GroupChoice> choices;     // by groups among the targets, made before the piece begins
  RoomInquiry* inquiry = nullptr;       // when somebody asks whether there is room; stays as long as this

  /// The position of the journal that a held delivery waits for: inside a piece its end is at least one further on.
  std::uint64_t hold_until(const session::Journal& journal) const noexcept {
    return journal.position() + (is_in_piece ? 1 : 0);
  }

 private:
  EncodedLayouts& layouts_;
  mqtt::MessagePtr made_;
  const mqtt::MessagePtr* kept_ = nullptr;
  std::optional<mqtt::MessageView> of_message_;
  const mqtt::MessageView* fields_;
  const ReceivedView* received_ = &kNotReceived;
};

/// Who gets a topic, on loan from the match cache, which nothing that delivery does may ask meanwhile. For the call.
class MatchLoan {
 public:
  MatchLoan(ShardState& state, std::string_view topic) : state_(state), result_(lend(state, topic)) {}
  ~MatchLoan() { state_.is_match_lent = false; }
  MatchLoan(const MatchLoan&) = delete;
  MatchLoan& operator=(const MatchLoan&) = delete;
  const routing::MatchResult* operator->() const noexcept { return &result_; }
  const routing::MatchResult& operator*() const noexcept { return result_; }

 private:
  static const routing::MatchResult& lend(ShardState& state, std::string_view topic) {
    CHECK(!std::exchange(state.is_match_lent, true));
    return *state.matches.match(topic);
  }
  ShardState& state_;
  const routing::MatchResult& result_;
};

/// A message that belongs to a durable group is delivered in two phases: what goes into stored queues within the
/// group's piece, everything that is said or queued in memory after it.
enum class Phase : std::uint8_t { kAll, kDurable, kLive };

/// What another loop passed on. `inquiry`: null when nobody asks.
void deliver_mail(ShardState& state, const Delivery& delivery, RoomInquiry* inquiry, Now now);
void deliver_mail(ShardState& state, const PacketBundle& bundle, Now now);

/// `targets` are entries of this loop. Never ends a connection or a session.
void deliver_here(ShardState& state, PassingView& passing, std::span<const routing::MatchEntry> targets, Phase phase,
                  Now now);
/// One subscriber's entries, a group's choice included.
void deliver_to_session(ShardState& state, ResidentSession& session, PassingView& passing,
                        std::span<const routing::MatchEntry> entries, Phase phase, Now now);

/// What was retained before the session subscribed: said at QoS 0, else queued, which pump sends.
void deliver_retained(ShardState& state, ResidentSession& session, const mqtt::MessagePtr& message,
                      mqtt::QoS effective_qos, std::uint32_t subscription_identifier, Now now);
/// So much is in the outbox that queue and replay wait for the socket.
bool is_outbox_choked(const ShardState& state, const Connection& connection);

/// Says what the session has to say, as far as outbox, window and journal allow. `layouts` serve the message they were
/// made for.
void pump(ShardState& state, ResidentSession& session, Now now, PassingView* passing = nullptr);
/// Has the next page of the session's queue read, when there is one to read and room for it.
void ask_for_page(ShardState& state, ResidentSession& session);
/// The journal moved on: what was held may be passed on.
void release_held(ShardState& state, Now now);

}  // namespace mortise::core
