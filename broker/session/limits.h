#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "broker/base/time.h"
#include "broker/mqtt/topic.h"
#include "broker/mqtt/types.h"

namespace mortise::session {

/// Whom a Reason String is sent to, in answers that are errors. kRequested: whoever asked for problem information in so
/// many words; kAlways: whoever did not decline it, and in CONNACK and DISCONNECT everybody.
enum class ReasonStrings : std::uint8_t { kRequested, kAlways, kNever };

/// What the Server announces and enforces (`mqtt:` of the configuration). Immutable once filled.
struct MqttLimits {
  std::uint32_t max_packet_size = 1u << 20;  // bytes
  std::uint16_t receive_maximum = 100;
  std::uint16_t topic_alias_maximum = 16;
  std::uint16_t outbound_topic_alias_maximum = 16;  // set by the Server, where a Client takes as many
  mqtt::QoS maximum_qos = mqtt::QoS::kExactlyOnce;
  bool retain_available = true;
  bool wildcard_subscription_available = true;
  bool shared_subscription_available = true;
  bool subscription_identifier_available = true;
  std::uint16_t max_keep_alive = 0;  // seconds; 0: the Client's value stands
  Millis connect_timeout{10'000};
  std::uint16_t max_client_id_length = 65535;  // bytes
  mqtt::TopicLimits topic;
  bool check_payload_format = false;  // Payload Format Indicator 1 must hold UTF-8
  ReasonStrings reason_strings = ReasonStrings::kRequested;
  std::string response_information;  // with placeholders (core/response_information.h); empty: none is given
  std::string server_reference;      // where Clients are sent with Use another server and Server moved; empty: nowhere
  bool server_moved = false;         // all are sent there, for good
};

/// How much one connection may send; then it is not read for a while. 0: no limit. Immutable once filled.
struct ClientRate {
  std::uint32_t messages_per_second = 0;  // PUBLISH packets
  std::uint64_t bytes_per_second = 0;     // of whatever it sends
  Millis burst{1000};                     // what was not used for so long may come at once
  bool is_limited() const noexcept { return messages_per_second != 0 || bytes_per_second != 0; }
};

/// What to do with a message for a queue that is full. kReject: drop it, and tell its publisher.
enum class WhenFull : std::uint8_t { kDropOldest, kDropNew, kReject };

struct QueueLimits {
  std::uint64_t max_messages = 10'000;
  std::uint64_t max_bytes = 16u << 20;
  WhenFull when_full = WhenFull::kDropOldest;
};

enum class TakeOver : std::uint8_t { kSameUser, kAny };
enum class Durability : std::uint8_t { kCommit, kInterval, kNone };

/// What one session may use (`session:`). Immutable once filled.
struct SessionLimits {
  Seconds expiry_interval_max{7 * 24 * 3600};
  TakeOver takeover = TakeOver::kSameUser;
  Durability durability = Durability::kCommit;
  Millis durability_interval{1000};
  QueueLimits queue;
  std::uint16_t max_inflight = 1000;  // PUBLISH at QoS > 0 on their way to one Client; its Receive Maximum may be lower
  std::uint32_t max_subscriptions = 10'000;         // of one Client
  std::size_t outbox_max_bytes = 8u << 20;          // encoded and not yet taken by the socket, per connection
  std::size_t read_ahead_max_bytes = 256u << 10;    // held behind a pending hook, per connection
  std::size_t parked_acks_max = 1024;               // acknowledgements that wait for the store, per connection
  std::uint32_t authorization_cache_entries = 128;  // per session
};

}  // namespace mortise::session
