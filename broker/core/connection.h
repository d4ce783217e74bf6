#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker/base/on_demand.h"
#include "broker/base/ring.h"
#include "broker/base/time.h"
#include "broker/core/client_rate.h"
#include "broker/core/mail.h"
#include "broker/core/outbox.h"
#include "broker/core/subscription_review.h"
#include "broker/hooks/affix.h"
#include "broker/hooks/chain.h"
#include "broker/session/outbound_topic_aliases.h"
#include "broker/session/topic_alias.h"

namespace mortise::core {

using hooks::ConnectionId;

/// How far a connection has come.
/// kCommitting: attached to its session, but CONNACK waits for the journal, and nothing may be said before it
/// (MQTT-3.2.0-1).
enum class Stage : std::uint8_t { kAwaitingConnect, kAuthenticating, kAttaching, kCommitting, kConnected, kEnded };

/// Whose PUBLISH packets a Client can be sent as they came, the topic apart: those of a publisher that speaks as it
/// does; nobody's where Topic Aliases are used.
enum class PassedOn : std::uint8_t { kFrom3, kFrom5, kFromNobody };

/// The Topic Aliases of one connection, once there is one.
struct Aliases {
  session::TopicAliases of_client;
  std::optional<session::OutboundTopicAliases> of_broker;
};

/// What a connection is between CONNECT and CONNACK. The CONNECT packet is kept as bytes and decoded where it is
/// needed.
struct Opening {
  std::string connect;  // the packet, fixed header included
  std::optional<hooks::AuthenticateRun> authenticate;
  mqtt::PrincipalPtr principal;
  bool has_assigned_client_id = false;
  std::uint32_t session_expiry_maximum = 0xFFFFFFFF;
  // On the home loop, in this order:
  std::optional<hooks::BindRun> bind;
  hooks::AffixPtr affix;
  std::optional<hooks::AuthorizeRun> authorize_will;
  mqtt::MessagePtr will;                           // its topic is routed
  std::optional<SubscriptionReview> review;        // of a stored session's subscriptions
  mqtt::ByteBuffer connack;                        // while it waits for the journal
  std::optional<std::string> authentication_data;  // for CONNACK
  bool has_new_session = false;                    // while it waits for the journal
};

/// An enhanced authentication that goes on: it is the plugin's turn, or the client's.
struct Exchange {
  hooks::ExchangeId id = 0;
  std::uint32_t step = 0;
  bool awaits_client = false;
  SteadyTime deadline = kNever;      // of the whole
  SteadyTime due_at = kNever;        // of the turn
  hooks::ConnectRequestPtr connect;  // null for a re-authentication
  std::optional<hooks::ExchangeRun> run;
};

/// Of a client whose CONNECT has an Authentication Method. Its questions have numbers of their own, with the highest
/// bit set: a re-authentication goes on beside whatever else the connection asks.
struct EnhancedAuthentication {
  std::string method;
  std::uint32_t questions = 0;
  std::unique_ptr<Exchange> exchange;
};
inline constexpr std::uint32_t kExchangeQuestion = 0x80000000;

/// A PUBLISH that waits for authorization.
struct PendingPublish {
  hooks::AuthorizeRun authorize;
  mqtt::MessagePtr message;
  mqtt::PacketId packet_id = 0;
};

/// A SUBSCRIBE that waits for authorization.
struct PendingSubscribe {
  SubscriptionReview review;
  mqtt::PacketId packet_id = 0;
  std::vector<mqtt::ReasonCode> codes;  // one per asked filter
  std::vector<std::size_t> code_of;     // which code each reviewed filter decides
  const char* why = "";                 // the first of them that is an error, for the client that wants words

  void refuse(mqtt::ReasonCode& code, const mqtt::Refusal& refusal) noexcept {
    code = refusal.reason;
    if (*why == '\0') why = refusal.what;
  }
};

/// Rights or topics were invalidated: the affix is bound again, then every subscription is reviewed.
struct PendingInvalidation {
  std::optional<hooks::BindRun> bind;
  hooks::AffixPtr affix;
  std::optional<SubscriptionReview> review;
};

using PendingOperation = std::variant<PendingPublish, PendingSubscribe, PendingInvalidation>;

/// A packet that leaves when the journal has made `position` durable and the other loops have said what room they had,
/// in order.
struct Parked {
  std::uint64_t position = 0;
  std::uint64_t awaited_room = 0;  // the number of its AwaitedRoom; 0: nobody is asked, or all have answered
  mqtt::ByteBuffer packet;
  bool frees_receive_quota = false;
};

/// One client's connection as the protocol sees it. Dies with its socket; nobody outside the shard's operations holds
/// one: its session is named by id, and whatever must outlive it holds the Principal. Unsynchronised (loop-owned).
struct Connection {
  Connection(ConnectionId connection_id, PeerInfo peer_info, OutboxPool& buffers)
      : id(connection_id),
        outbox(buffers),
        peer(std::make_unique<PeerInfo>(std::move(peer_info))),
        rate(ClientRate::of(peer->rate)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const ConnectionId id;
  Stage stage = Stage::kAwaitingConnect;
  mqtt::ProtocolVersion version = mqtt::ProtocolVersion::k311;
  PassedOn passed_on = PassedOn::kFrom3;
  bool is_talkative = false;                   // named in Actions::talkative already
  bool is_stalled : 1 = false;                 // named in stalled_publishers
  bool wants_invalidation : 1 = false;         // when the pending operation is over
  bool is_choked : 1 = false;                  // queue and replay wait for the socket
  bool is_deaf : 1 = false;                    // held back because it does not take what it is told
  bool is_gone : 1 = false;                    // the peer closed; what it sent before is still worked through
  bool has_held_back : 1 = false;              // receive() left whole packets unconsumed
  bool is_resuming : 1 = false;                // named in Actions::resumed, and not offered bytes since
  bool is_moving : 1 = false;                  // ended here, and goes on on its home loop with what is unconsumed
  bool is_working_off : 1 = false;             // the read-ahead is being worked through
  bool wants_problem_information : 1 = false;  // what is no error, but tells of one, is said
  bool takes_reason_of_answer : 1 = false;     // a Reason String, in an acknowledgement
  bool takes_reason_of_end : 1 = false;        // likewise in CONNACK and DISCONNECT
  std::uint16_t keep_alive = 0;                // seconds, as enforced
  std::uint16_t receive_maximum = 65535;       // the Client's
  std::uint16_t outbound_alias_maximum = 0;    // the Client's, or the Server's own limit; 0: none are sent
  std::uint32_t maximum_packet_size = 0;       // the Client's; 0: none
  std::uint32_t question = 0;                  // of the last hook question; 0: none was asked
  std::uint32_t unacknowledged = 0;            // PUBLISH at QoS > 0 from the Client without its final acknowledgement
  std::uint32_t counted_piece = 0;             // of an unfinished packet, when it last counted as life
  mqtt::SessionId session;                     // once connected
  SteadyTime last_received{};                  // when a whole packet last came
  SteadyTime stage_deadline = kNever;          // of the stage (CONNECT time-out), or of the pending question
  SteadyTime valid_until = kNever;             // what authentication granted is over then
  SteadyTime armed_for = kNever;               // the earliest timer entry
  Outbox outbox;
  OnDemand<Ring<Parked>> parked;
  OnDemand<std::string> read_ahead;  // whole packets behind a pending operation
  std::unique_ptr<PeerInfo> peer;    // until the Principal is made
  std::unique_ptr<Opening> opening;
  std::unique_ptr<PendingOperation> pending;
  std::unique_ptr<Aliases> aliases;
  std::unique_ptr<EnhancedAuthentication> enhanced;
  std::unique_ptr<ClientRate> rate;  // null: its listener has no limit

  bool is_v5() const noexcept { return version == mqtt::ProtocolVersion::k5; }
};

/// Whether the Client takes a packet of `size` bytes (MQTT-3.1.2-24).
inline bool fits(const Connection& connection, std::size_t size) noexcept {
  return connection.maximum_packet_size == 0 || size <= connection.maximum_packet_size;
}

}  // namespace mortise::core
