#pragma once

#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness.h"

/// What the broker may say to its clients, whatever they do: checked packet by packet. For simulations and fuzzing.
namespace mortise::core::testing {

struct WatchOptions {
  /// Clients see what clients of the same tenant publish.
  std::function<std::string(std::string_view client_id)> tenant_of = [](std::string_view) { return std::string(); };
  /// What nobody may receive, by its topic.
  std::function<bool(std::string_view topic)> is_forbidden = [](std::string_view) { return false; };
  std::size_t max_packet_size = 1u << 20;
  /// Hears what is wrong, and the Client Identifier, before the program ends.
  std::function<void(const std::string& what, const std::string& session)> on_violation;
};

/// Follows every client's bytes in both directions and ends the program when the broker breaks a rule, with a line that
/// says which. Knows less than the broker: where it cannot know (a hook is pending, a client does not read), it allows
/// what may be. Unsynchronised.
///
/// What it checks: a packet decodes, and may be said at this moment in this version; acknowledgements come once for
/// each packet and in its order; a PUBLISH was published, to a topic that the session is or was subscribed to, with its
/// tenant's topic, no higher QoS than both sides allow, not later than it expires, not to its own publisher under No
/// Local; Packet Identifiers are not in use twice; no more than Receive Maximum are in flight; QoS 2 comes once; order
/// is kept (MQTT-4.6.0-5); Topic Aliases are ones that the client takes, and known when they stand for a topic; one
/// connection for each session.
class ClientWatch final : public ClientObserver {
 public:
  explicit ClientWatch(WatchOptions options) : options_(std::move(options)) {}

  void sent(const TestClient& client, std::string_view bytes, Now now) override;
  void received(const TestClient& client, const Received& packet, Now now) override;

  /// A plugin publishes, too.
  void published_by_plugin(std::string_view topic, std::string_view payload, mqtt::QoS qos);
  /// From now on the broker may act later than it is told: hooks are pending, publishers wait for credit.
  void expect_delays() { is_prompt_ = false; }
  /// The broker was killed and goes on with what its store has: it may not know of what it sent at QoS 1, nor that it
  /// published a Will.
  void killed();
  /// What the client receives may have been said long before.
  void expect_slowness(const TestClient& client) { connection(client).is_slow = true; }

  /// What the client owes the broker for what it received, oldest first.
  struct Owed {
    mqtt::PacketType type;
    mqtt::PacketId packet_id;
  };
  std::deque<Owed>& owed(const TestClient& client) { return connection(client).owed; }
  std::uint64_t deliveries() const { return deliveries_; }

 private:
  static constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

  /// Steps: a count of what was said in either direction.
  struct Publication {
    std::string tenant, topic, payload, session;
    std::size_t connection = 0;  // its number
    std::uint64_t generation = 0;
    std::uint64_t number = 0;
    std::uint64_t earliest = 0, latest = kForever;  // when it may have been published
    mqtt::QoS qos = mqtt::QoS::kAtMostOnce;
    bool is_will = false;
    bool is_of_plugin = false;
    WallTime expires_at = kNeverWall;
  };
  /// One Topic Filter of a session, from when it was asked for until it was certainly gone.
  struct Subscription {
    std::string asked, filter;
    bool is_shared = false;
    mqtt::SubscriptionOptions options;
    std::uint32_t identifier = 0;
    std::size_t connection = 0;
    std::size_t place = 0;  // in its SUBSCRIBE, which may name a filter twice
    std::uint64_t from = 0, until = kForever;
  };
  struct InFlight {
    std::string payload;
    std::size_t connection = 0;  // the last one it was sent on
    bool counts = true;          // against Receive Maximum
  };
  struct WatchedSession {
    std::uint64_t generation = 0;
    std::vector<Subscription> subscriptions;
    bool was_shared = false;
    std::map<mqtt::PacketId, InFlight> in_flight;
    std::set<mqtt::PacketId> received;  // PUBREC was sent
    std::set<mqtt::PacketId> unreleased;
    std::set<std::string> seen;        // payloads, of unique ones
    std::set<std::string> may_repeat;  // of those that the client ended out of turn
    std::map<std::string, std::uint64_t> newest;
    std::set<std::size_t> unanswered;  // connections whose CONNECT was not answered
  };
  struct Asked {
    mqtt::PacketType answer;
    mqtt::PacketId packet_id;
    std::vector<std::string> filters;
    std::uint64_t at = 0;
  };
  struct Connection {
    const TestClient* client = nullptr;
    std::string stream;  // sent, not a whole packet yet
    bool is_unreadable = false;
    bool is_broken = false;  // it said its last packet
    bool has_sent_connect = false;
    bool is_connected = false;  // CONNACK received
    bool is_over = false;       // nothing may be said any more
    mqtt::ProtocolVersion version = mqtt::ProtocolVersion::k311;
    std::string session;  // its key
    std::string tenant;
    bool clean_start = false;
    bool has_method = false;  // an Authentication Method in CONNECT
    std::size_t receive_maximum = 65535;
    std::size_t maximum_packet_size = 256u << 20;
    std::map<std::uint32_t, std::string> aliases;         // the client's
    std::map<std::uint32_t, std::string> broker_aliases;  // towards it
    std::uint32_t topic_alias_maximum = 0;
    std::map<mqtt::PacketType, std::deque<mqtt::PacketId>> acknowledgements;  // due, in order
    std::deque<Asked> asked;                                                  // SUBSCRIBE and UNSUBSCRIBE
    std::size_t pings = 0;
    std::set<mqtt::PacketId> blind;     // acknowledged before they were received
    std::set<mqtt::PacketId> released;  // PUBREL received
    bool is_slow = false;
    std::deque<Owed> owed;
  };

  Connection& connection(const TestClient& client);
  WatchedSession& session(const Connection& connection) { return sessions_[connection.session]; }

  // What the client says.
  void sent_packet(Connection& connection, const mqtt::FrameView& frame, Now now);
  void sent_connect(Connection& connection, const mqtt::ConnectView& packet);
  void sent_publish(Connection& connection, const mqtt::PublishView& packet, Now now);
  void sent_acknowledgement(Connection& connection, const mqtt::AcknowledgementView& packet);
  void sent_subscribe(Connection& connection, const mqtt::SubscribeView& packet);
  void sent_unsubscribe(Connection& connection, const mqtt::UnsubscribeView& packet);

  // What the broker says.
  void received_connack(Connection& connection, const mqtt::ConnackView& packet);
  void received_publish(Connection& connection, const mqtt::PublishView& packet, Now now);
  std::string_view topic_of(Connection& connection, const mqtt::PublishView& packet);
  void received_acknowledgement(Connection& connection, const mqtt::AcknowledgementView& packet);
  void received_answer(Connection& connection, const mqtt::SubscriptionAcknowledgementView& packet);
  void check_reason_to_deliver(const Connection& connection, const mqtt::PublishView& packet, Now now);
  bool may_deliver(const Connection& connection, const Publication& publication, const mqtt::PublishView& packet,
                   Now now);
  void check_in_flight(Connection& connection, const mqtt::PublishView& packet);
  void check_once_and_in_order(Connection& connection, const mqtt::PublishView& packet, bool is_known_id);
  void forget(WatchedSession& session, std::size_t connection);
  static void trace(const Connection& connection, const char* direction, const mqtt::ControlPacketView& packet);
  [[noreturn]] void violated(const Connection& connection, const std::string& what) const;

  WatchOptions options_;
  bool is_prompt_ = true;
  bool was_killed_ = false;
  std::uint64_t step_ = 0;
  std::uint64_t deliveries_ = 0;
  std::uint64_t publications_ = 0;
  std::map<std::size_t, Connection> connections_;
  std::map<std::string, WatchedSession> sessions_;
  std::multimap<std::string, Publication> publications_by_payload_;
};

}  // namespace mortise::core::testing
