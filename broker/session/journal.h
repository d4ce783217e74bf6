#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/time.h"
#include "broker/mqtt/message.h"
#include "broker/mqtt/principal.h"

namespace mortise::session {

/// Names a session in the store. Given by the broker, never reused, also not after a restart; 0: not a durable session.
using SessionNumber = std::uint64_t;
/// The place of a message in one session's queue; from 1, never reused in that session.
using QueuePosition = std::uint64_t;

/// Said of a queue of which nobody knows how far it was sent: everything in it may have been.
inline constexpr QueuePosition kAllMayBeSent = UINT64_MAX;

/// The topic affix a stored session was bound with.
struct AffixRecord {
  std::string prefix, suffix;
  std::uint8_t operations = 0;
  std::uint64_t rule_version = 0;
};

/// A durable session, without its subscriptions and messages.
struct SessionRecord {
  SessionNumber number = 0;
  mqtt::PrincipalPtr principal;       // client id, user name, namespace, listener, peer, version, properties
  std::uint32_t expiry_interval = 0;  // seconds; 0xFFFFFFFF: never
  WallTime expires_at = kNeverWall;   // while nobody is connected; kNeverWall while connected or never
  std::optional<AffixRecord> affix;
  QueuePosition sent_until = 0;  // of its queue, what has been sent or, while somebody is connected, may be
  std::string share_group;       // "$share/{ShareName}/{filter}" when this is a shared subscription's own queue
};

/// One subscription of a durable session.
struct SubscriptionRecord {
  std::string filter;         // as the Client asked, `$share/...` included
  std::string routed_filter;  // as it was routed when it was granted
  mqtt::SubscriptionOptions options;
  std::uint32_t subscription_identifier = 0;
  std::vector<std::vector<std::pair<bool, std::string>>> rules;  // authorization's lists of {allow, filter}
};

/// One message in a session's queue.
struct QueueRecord {
  QueuePosition position = 0;
  mqtt::MessagePtr message;
  mqtt::QoS effective_qos = mqtt::QoS::kAtLeastOnce;
  bool retain = false;    // the RETAIN flag of the delivery
  bool released = false;  // PUBREC received, PUBREL sent or due
  std::vector<std::uint32_t> subscription_identifiers;
  std::uint64_t share_tag = 0;  // of the shared subscription it was given for (origin.h); 0: none
};

/// What a store knows of a session's queue without reading it.
struct QueueSummary {
  QueuePosition first = 0, last = 0;
  std::uint64_t messages = 0, bytes = 0;
};

/// Where one loop writes what must survive. Everything appended is made durable in the order of appending, and whatever
/// one packet changes on several loops becomes durable at once (pieces of a group). Unsynchronised (loop-owned).
class Journal {
 public:
  virtual ~Journal() = default;

  virtual SessionNumber new_session_number() = 0;
  virtual void session_put(const SessionRecord& record) = 0;
  /// Removes the session and everything that belongs to it.
  virtual void session_remove(SessionNumber session) = 0;
  virtual void subscription_put(SessionNumber session, const SubscriptionRecord& record) = 0;
  virtual void subscription_remove(SessionNumber session, std::string_view filter) = 0;
  /// Several puts of one message in a row store it once.
  virtual void queue_put(SessionNumber session, const QueueRecord& record) = 0;
  virtual void queue_released(SessionNumber session, QueuePosition position) = 0;
  virtual void queue_remove(SessionNumber session, QueuePosition first, QueuePosition last) = 0;
  virtual void inbound_put(SessionNumber session, mqtt::PacketId packet_id) = 0;
  virtual void inbound_remove(SessionNumber session, mqtt::PacketId packet_id) = 0;
  /// `change`: its number in the index of retained messages. Of what several loops append about one topic the last
  /// change holds, whoever hands over first.
  virtual void retained_put(const mqtt::MessagePtr& message, std::uint64_t change) = 0;
  virtual void retained_remove(std::string_view topic, std::uint64_t change) = 0;
  virtual void will_put(SessionNumber session, WallTime due_at, const mqtt::MessagePtr& message) = 0;
  virtual void will_remove(SessionNumber session) = 0;

  /// The number of the last thing appended. What must wait for durability keeps it and waits until is_durable says so.
  virtual std::uint64_t position() const noexcept = 0;
  /// True at once when the configured durability asks for no waiting.
  virtual bool is_durable(std::uint64_t position) const noexcept = 0;

  /// A new group for what one packet changes on several loops. Whatever is appended between begin_piece and end_piece
  /// is a piece of it. `announces`: how many pieces this one adds to what the group waits for: the first piece says all
  /// of them, itself included; others say 0, or how many more they passed on. A piece may be empty. Pieces do not nest.
  virtual std::uint64_t new_group() = 0;
  virtual void begin_piece(std::uint64_t group, std::uint32_t announces) = 0;
  virtual void end_piece() = 0;

  /// Reads queued messages behind `after`, everything appended before included; the answer comes as a page to the loop.
  virtual void fetch(SessionNumber session, QueuePosition after, std::uint32_t max_messages,
                     std::uint64_t max_bytes) = 0;

  /// Hands over what was appended. Once per iteration of the loop, before its mail to other loops leaves: what another
  /// loop appends because of that mail must not reach the store first. Not within a piece.
  virtual void flush() = 0;

  /// False: too much waits for the store; publishers must wait until the loop hears of progress.
  virtual bool has_credit() const noexcept = 0;
};

}  // namespace mortise::session
