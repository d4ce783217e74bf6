#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "broker/base/boxed.h"
#include "broker/core/packet_bundle.h"
#include "broker/hooks/instances.h"
#include "broker/mqtt/message.h"
#include "broker/mqtt/principal.h"
#include "broker/routing/filter_rules.h"
#include "broker/routing/match_result.h"
#include "broker/session/journal.h"
#include "broker/session/limits.h"

/// What loops (and the threads of the store and of plugins) tell a loop. Everything owns what it says.
namespace mortise::core {

/// A socket between two loops: whatever net needs to go on with it (descriptor, TLS state, bytes read and not
/// consumed).
class DetachedStream {
 public:
  virtual ~DetachedStream() = default;
};

/// What the socket knows of its peer.
struct PeerInfo {
  SharedBytes listener;      // its URL
  std::string peer_address;  // empty on a Unix socket
  std::uint16_t peer_port = 0;
  std::string local_address;
  std::uint16_t local_port = 0;
  mqtt::CertificatePtr certificate;
  std::optional<mqtt::PeerProcess> process;  // of a Unix socket
  std::uint8_t versions = 0xFF;              // of MQTT that the listener speaks: 1 << ProtocolVersion
  mqtt::IdentitySource identity_source = mqtt::IdentitySource::kConnect;
  session::ClientRate rate;                            // of the listener, for each connection
  std::optional<std::string> pre_shared_key_identity;  // whose key the TLS connection was made with
};

/// An authenticated client on its way to its home loop. `connect` is the whole CONNECT packet as it was received.
struct Arrival {
  std::unique_ptr<DetachedStream> stream;
  PeerInfo peer;
  mqtt::PrincipalPtr principal;
  std::string connect;
  bool has_assigned_client_id = false;
  std::uint32_t session_expiry_maximum = 0xFFFFFFFF;  // seconds, as authentication limited it
  std::optional<std::string> authentication_data;     // for CONNACK
  SteadyTime valid_until = kNever;                    // likewise
};

/// A message for subscribers on the receiving loop. Counts against the credit of the pair of loops.
/// The receiver finds out for whom: so loops share nothing but the message.
struct Delivery {
  mqtt::MessagePtr message;
  std::uint64_t retained_sequence = 0;  // 0: the message was not retained
  std::uint64_t group = 0;              // the durable group this is a piece of; 0: none
  bool is_held = false;  // nothing is passed on before the group is durable (a durable publisher's QoS 2)
};

/// The same for messages that nobody keeps: at QoS 0, not retained, small.
using PacketMail = Boxed<PacketBundle>;

/// Whose publisher waits to hear whether everybody had room for its message (room.h): an acknowledgement on `loop`.
struct RoomQuestion {
  std::uint64_t number = 0;  // among those that wait there; 0: nobody asks
  LoopIndex loop = 0;
};

/// A Delivery that a publisher waits for.
struct AskingDelivery {
  Delivery delivery;
  RoomQuestion question;
};

/// What a RoomQuestion is answered: once by every loop that was asked, and once by whomever a group gave the message
/// to.
struct RoomAnswer {
  std::uint64_t number = 0;     // of the question
  std::uint32_t passed_on = 0;  // of a loop: so many groups here gave the message to members that answer for themselves
  bool is_of_member = false;
  bool has_room = true;
};

/// A message of a shared subscription that its group chose a member for; without `member`: for the group, on its home
/// loop.
struct GroupDelivery {
  mqtt::MessagePtr message;
  mqtt::SessionId member;
  mqtt::SessionId group;      // where to return it when the member cannot take it
  routing::MatchEntry entry;  // the member's
  std::uint8_t returns = 0;   // how often a member could not take it
  std::uint64_t retained_sequence = 0;
  std::uint64_t group_piece = 0;  // as Delivery::group
  bool is_held = false;
  RoomQuestion question{};  // whoever takes it, or ends its way, answers
};

/// A member of a shared subscription tells the group's home loop of itself.
struct GroupMembership {
  /// kReady: it has nearly worked off what groups gave it.
  enum class Change : std::uint8_t { kJoin, kLeave, kOnline, kOffline, kReady };
  Change change = Change::kJoin;
  std::string key;  // "$share/{ShareName}/{routed filter}"
  mqtt::SessionId member;
  routing::MatchEntry entry;  // of a join
  mqtt::SessionId group;
  routing::FilterRulesPtr rules;
  bool is_online = false;
  bool is_persistent = false;
  std::uint16_t credit = 0;  // so many messages at QoS > 0 it may be given; ready: so many more
};

/// A plugin's pending answer.
struct Completion {
  hooks::Ticket ticket;
  hooks::Resolution resolution;
};

/// What a plugin wants done.
struct PluginIntent {
  std::string plugin;
  hooks::Intent intent;
};

/// The store made everything up to `position` of this loop's journal durable.
struct Durable {
  std::uint64_t position = 0;
};

/// An answer to Journal::fetch.
struct QueuePage {
  session::SessionNumber session = 0;
  std::vector<session::QueueRecord> records;
  session::QueuePosition after = 0;  // as asked
  bool is_last = false;              // nothing is stored behind these
  bool failed = false;
};

/// The store began to fail, or works again.
struct StoreState {
  bool is_failing = false;
};

using Mail =
    std::variant<Delivery, PacketMail, Durable, StoreState, RoomAnswer, Boxed<AskingDelivery>, Boxed<GroupDelivery>,
                 Boxed<GroupMembership>, Boxed<Arrival>, Boxed<Completion>, Boxed<PluginIntent>, Boxed<QueuePage>>;
static_assert(sizeof(Mail) <= 40);  // most are deliveries, thousands in an iteration

/// What a mail charges against the credit of its pair of loops, in bytes; 0 for those of the reserved lane.
std::size_t cost_of(const Mail& mail) noexcept;

}  // namespace mortise::core
