#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "broker/base/ring.h"
#include "broker/base/time.h"
#include "broker/mqtt/message.h"
#include "broker/session/journal.h"
#include "broker/session/limits.h"
#include "broker/session/queue_share.h"

namespace mortise::session {

/// A session's place in the journal; neither set: the session is not durable.
struct Durably {
  Journal* journal = nullptr;
  SessionNumber number = 0;
  bool waits = true;  // false: nothing waits for durability (the store fails, and the policy is memory_only)
  explicit operator bool() const noexcept { return journal != nullptr && number != 0; }
};

/// The messages at QoS > 0 on their way to one client: a queue whose front part is in flight. Positions only grow; a
/// Packet Identifier follows from the position, so it is the same after a reconnect and after a restart. Of a durable
/// queue only a window is in memory, the rest waits in the store and comes back in pages; up to which position its
/// messages may have been sent the store is told before they are, a window at a time. Unsynchronised (loop-owned).
class OutboundFlow {
 public:
  /// What one send is: a PUBLISH, or with `is_release` a PUBREL that is due again after a reconnect.
  struct Send {
    mqtt::PacketId packet_id = 0;
    bool is_release = false;
    bool dup = false;
    mqtt::QoS effective_qos = mqtt::QoS::kAtLeastOnce;
    bool retain = false;
    mqtt::MessagePtr message;
    const std::vector<std::uint32_t>* subscription_identifiers = nullptr;  // borrowed until the next change of the flow
  };
  struct Offer {
    mqtt::MessagePtr message;
    mqtt::QoS effective_qos = mqtt::QoS::kAtLeastOnce;
    bool retain = false;
    std::vector<std::uint32_t> subscription_identifiers;
    /// Not sent before the journal has made this position durable: a QoS 2 position must not be taken by another
    /// message after a crash.
    std::uint64_t not_before = 0;
    std::uint64_t share_tag = 0;  // of the shared subscription it is given for (origin.h); 0: none
  };
  enum class Enqueued : std::uint8_t { kQueued, kQueuedDroppingOldest, kDropped };
  /// kUnknown: no such Packet Identifier is in flight. kWrong: one is, and this packet does not acknowledge it.
  enum class Acknowledged : std::uint8_t { kDone, kReleased, kUnknown, kWrong };

  /// `scope` outlives this.
  explicit OutboundFlow(QueueScope& scope) : held_(scope) {}

  /// Appends. At a limit the configured policy applies; the caller counts and logs what it is told.
  Enqueued enqueue(Offer offer, Durably durably);

  /// The next thing to send, which is in flight from then on; nothing when the window (`quota`: the Client's Receive
  /// Maximum) is full, the queue is empty, or the next is not durable or not announced yet. A PUBREL
  /// needs no room in the window (MQTT-3.3.4-10). Expired messages are removed and counted on the way; `arriving` is
  /// not taken for expired: it is sent in the moment it arrives, or not at all.
  std::optional<Send> next(std::uint16_t quota, WallTime now, Durably durably, const mqtt::Message* arriving = nullptr);

  /// PUBACK.
  Acknowledged acknowledged(mqtt::PacketId packet_id, Durably durably);
  /// PUBREC with an error: the message is done.
  Acknowledged refused(mqtt::PacketId packet_id, Durably durably);
  /// PUBREC: the message may be forgotten; a PUBREL is due. kReleased also for a second one.
  Acknowledged received(mqtt::PacketId packet_id, Durably durably);
  /// PUBCOMP.
  Acknowledged completed(mqtt::PacketId packet_id, Durably durably);

  /// The client is back: everything in flight is due again, in order (MQTT-4.4.0-1, MQTT-4.6.0-1).
  void restart() noexcept;
  /// Removes queued (not yet sent) messages that `is_unwanted` picks (revoked rights, a topic without inverse); returns
  /// how many.
  template <class Predicate>
  std::size_t remove_if(Predicate&& is_unwanted, Durably durably) {
    std::size_t removed = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      Entry& entry = entries_[i];
      if (entry.state != State::kQueued || !is_unwanted(*entry.message)) continue;
      finish(front_ + i, durably);
      ++removed;
    }
    return removed;
  }

  /// Removes what was given for a shared subscription that `has_left` picks, and was not sent yet.
  template <class HasLeft>
  void remove_unsent_shared_if(HasLeft&& has_left, Durably durably) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const Entry& entry = entries_[i];
      if (entry.state == State::kQueued && entry.share_tag != 0 && has_left(entry.share_tag))
        finish(front_ + i, durably);
    }
  }
  /// Calls visit(share tag, message) for what was given for shared subscriptions and not sent yet. Of what is in
  /// memory.
  template <class Visit>
  void visit_unsent_shared(Visit&& visit) const {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const Entry& entry = entries_[i];
      if (entry.state == State::kQueued && entry.share_tag != 0) visit(entry.share_tag, entry.message);
    }
  }
  /// Calls visit(share tag, message) for what another member of a shared subscription gets when this session ends: at
  /// QoS 1 what is not acknowledged, at QoS 2 what was not sent (5.0 section 4.8.2, MQTT-4.8.2-5). Of what is in
  /// memory.
  template <class Visit>
  void visit_unfinished_shared(Visit&& visit) const {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const Entry& entry = entries_[i];
      const bool is_unfinished = entry.state == State::kQueued ||
                                 (entry.state == State::kSent && entry.effective_qos == mqtt::QoS::kAtLeastOnce);
      if (is_unfinished && entry.share_tag != 0) visit(entry.share_tag, entry.message);
    }
  }

  // ---- What the store knows of sending ----------------------------------------------------------------------------
  // The owner writes announced() with the session's record. A durable queue sends nothing behind it, so after a crash
  // DUP and expiry know what was sent: what certainly was not, is not taken for it.

  /// The next message waits for an announcement, or soon will.
  bool wants_announcement(std::uint16_t quota) const noexcept;
  /// The same for a message that is about to be enqueued: announced before it, it need not wait.
  bool wants_announcement_first(std::uint16_t quota) const noexcept {
    return next_position_ > announced_ && could_send_at_once(quota);
  }
  /// A client connects: what its window allows may be sent.
  void announce_connection(std::uint16_t quota) noexcept {
    announced_ = std::max(announced_, front_ + window(quota) - 1);
  }
  void announce(std::uint16_t quota) noexcept;
  /// What was announced last is durable with this position of the journal; what waited already is not sent before.
  void announcement_is_at(std::uint64_t journal_position) noexcept;
  /// Nobody is connected: nothing is sent until the next announcement.
  void withdraw_announcement() noexcept { announced_ = sent_until_; }
  QueuePosition announced() const noexcept { return announced_; }
  /// A message enqueued now would be the next to send, and the window has room.
  bool could_send_at_once(std::uint16_t quota) const noexcept {
    return std::max(send_, front_) >= next_position_ && in_flight_ < window(quota);
  }

  /// What the store said of this queue at start; up to `sent_until` its messages may have been sent.
  void restore(const QueueSummary& summary, QueuePosition sent_until);
  /// Soon the oldest must go, and only what is in memory can.
  bool is_nearly_full() const noexcept {
    const QueueLimits& most = held_.limits().queue;
    return held_.messages() >= most.max_messages / 8 * 7 || held_.bytes() >= most.max_bytes / 8 * 7;
  }
  /// Whether a page should be asked for now, and from where.
  bool wants_page() const noexcept;
  /// A page was asked for: messages behind this position.
  QueuePosition begin_page();
  void append_page(std::vector<QueueRecord> records, bool is_last);
  /// The page could not be read; it is asked for again later.
  void page_failed() noexcept { is_fetching_ = false; }

  /// A window in memory at the most, for fetch.
  static constexpr std::uint32_t kPageMessages = 512;
  static constexpr std::uint64_t kPageBytes = 1u << 20;

  std::uint64_t messages() const noexcept { return held_.messages(); }
  std::uint64_t bytes() const noexcept { return held_.bytes(); }
  std::uint32_t expired() const noexcept { return expired_; }
  std::uint16_t in_flight() const noexcept { return in_flight_; }
  bool empty() const noexcept { return held_.messages() == 0; }
  /// What the queue takes in memory, gaps between what is in flight included.
  std::size_t entries_in_memory() const noexcept { return entries_.size(); }
  /// Messages that only the store holds.
  std::uint64_t paged_out() const noexcept { return paged_out_; }
  bool is_in_store_alone() const noexcept { return entries_.empty() && paged_out_ > 0; }
  /// The next message waits for the journal.
  bool is_held(Durably durably) const noexcept;
  /// Takes the first message out (a shared subscription's group hands it to a member); nothing when none is in memory.
  std::optional<Offer> take_front(Durably durably);
  /// The message take_front would take, or null.
  mqtt::MessagePtr front() noexcept {
    pop_done();
    return entries_.empty() ? mqtt::MessagePtr() : entries_.front().message;
  }

 private:
  enum class State : std::uint8_t { kQueued, kSent, kReleased, kDone };
  struct Entry {
    mqtt::MessagePtr message;
    std::vector<std::uint32_t> subscription_identifiers;
    std::uint64_t not_before = 0;
    std::uint64_t share_tag = 0;
    std::uint32_t cost = 0;
    mqtt::QoS effective_qos = mqtt::QoS::kAtLeastOnce;
    State state = State::kQueued;
    bool retain = false;
    bool is_counted = false;  // sent as PUBLISH on this connection, and in in_flight_
  };

  static mqtt::PacketId packet_id_of(QueuePosition position) noexcept;
  std::uint16_t window(std::uint16_t quota) const noexcept { return std::min(quota, held_.limits().max_inflight); }
  /// The entry in flight under a Packet Identifier, or null.
  Entry* in_flight_entry(mqtt::PacketId packet_id, QueuePosition& position) noexcept;
  Send send_of(QueuePosition position) const noexcept;
  std::optional<Send> next_release() noexcept;
  Acknowledged finish_in_flight(QueuePosition position, Durably durably);
  bool is_full(std::uint64_t cost) const noexcept;
  bool make_room(std::uint64_t cost, Durably durably);
  void finish(QueuePosition position, Durably durably);
  void pop_done() noexcept;
  void push_done();
  QueuePosition end_in_memory() const noexcept { return front_ + entries_.size(); }
  /// What can be announced, one behind: not what is in the store alone, which could not be made to wait.
  QueuePosition end_of_announceable() const noexcept { return paged_out_ > 0 ? end_in_memory() : next_position_; }

  Ring<Entry> entries_;  // positions front_ ... end_in_memory() - 1
  QueuePosition front_ = 1;
  QueuePosition next_position_ = 1;  // of the next message enqueued
  QueuePosition send_ = 1;           // of the next message to send
  QueuePosition release_ = 1;        // up to here each PUBREL is said, though send_ may wait for room
  QueuePosition sent_until_ = 0;     // what was sent ever, or before a restart may have been
  QueuePosition announced_ = 0;      // what the store was told may be sent
  QueuePosition fetch_until_ = 0;
  // Queued and in flight, in memory and in the store. What follows stands in its padding.
  [[no_unique_address]] QueueShare held_;
  std::uint32_t paged_out_ = 0;
  std::uint32_t expired_ = 0;
  std::uint32_t enqueued_since_fetch_ = 0;
  std::uint16_t in_flight_ = 0;
  bool is_fetching_ = false;
};

}  // namespace mortise::session
