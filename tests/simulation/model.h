#pragma once

#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/core/harness.h"

namespace mortise::simulation {

/// Counts what was said in either direction.
using Step = std::uint64_t;
inline constexpr Step kNeverStep = std::numeric_limits<Step>::max();

/// What well-behaved clients must and may receive, from what was said and acknowledged alone. ClientWatch judges each
/// packet for itself; this knows what a session was promised: an acknowledged message reaches every session whose
/// acknowledged subscription it matches, restarts or not. Where it cannot know (a SUBSCRIBE that was never answered),
/// it takes either for right. Payloads begin with "m{number}." and no two messages have the same. Unsynchronised.
class Model final : public core::testing::ClientObserver {
 public:
  using TestClient = core::testing::TestClient;
  /// Hears what is wrong, in a line, and the client it is about; does not return.
  using Violated = std::function<void(const std::string& what, const std::string& client_id)>;
  Model(bool has_store, std::uint32_t expiry_max, Violated violated)
      : has_store_(has_store), expiry_max_(expiry_max), violated_(std::move(violated)) {}

  void sent(const TestClient& client, std::string_view bytes, Now now) override;
  void received(const TestClient& client, const core::testing::Received& packet, Now now) override;
  /// What the client receives may have been said long before.
  void expect_slowness(const TestClient& client) { link(client).is_slow = true; }
  /// A 5.0 publisher may hear that somebody's queue was full.
  void expect_refusals() { has_refusals_ = true; }
  /// After everything that the simulation does: the broker has come to rest. `stored`: all of it is durable. So many
  /// messages at QoS 0 were dropped since it began, because somebody's outbox was full.
  void settled(Now now, bool stored, std::uint64_t dropped);
  /// The broker was killed, or ended, and goes on with what the store has.
  void killed(Now now, bool stored);
  /// Everybody came back and took what there was: what was owed has come, but for what the broker counted as dropped.
  void finish(Now now, std::uint64_t dropped);
  /// Whether it is known that this session is there.
  bool is_sure(const std::string& client_id, Now now) const;

  std::uint64_t packets() const { return step_; }
  std::uint64_t messages() const { return messages_.size(); }
  /// So many deliveries were owed, and came.
  std::uint64_t duties() const { return duties_; }

 private:
  /// A PUBLISH, or a Will.
  struct Message {
    int number = 0;
    std::string publisher, topic, payload;
    mqtt::QoS qos = mqtt::QoS::kAtMostOnce;
    bool retain = false;
    bool is_will = false;
    bool must_not_come = false;         // a Will that was taken back
    std::size_t link = 0;               // of a Will
    int times = 1;                      // how often it may have been published
    Step first_sent = 0;                // not before
    Step routed_from = 0;               // what stands since then matches it
    Step last_possible = kNeverStep;    // not after
    Step surely_retained = kNeverStep;  // it has replaced what was retained before
    WallTime earliest{}, latest = kNeverWall;
    std::optional<std::uint32_t> expiry;  // seconds
    bool has_varied = false;              // it was sent again by a version that cannot say it
    bool is_dropped = false;              // perhaps, at QoS 0
    WallTime expires_first() const { return expiry ? earliest + Seconds(*expiry) : kNeverWall; }
    WallTime expires_last() const { return expiry && latest != kNeverWall ? latest + Seconds(*expiry) : kNeverWall; }
  };
  struct Subscription {
    std::string asked, filter;
    bool is_shared = false;
    mqtt::SubscriptionOptions options;
    std::uint32_t identifier = 0;
    std::size_t place = 0;  // in its SUBSCRIBE
    WallTime asked_at{};
    Step from = 0, surely_from = kNeverStep;
    Step until = kNeverStep, surely_until = kNeverStep;  // may be gone from, is gone from
    bool may_replay = false, must_replay = false;
    bool is_sure(Step since) const { return surely_from <= since && until == kNeverStep; }
  };
  struct Got {
    int times = 0;
    int live = 0;  // as it was published, those with DUP left out but for the first
    Step replayed = 0;
  };
  struct Session {
    std::string client_id;
    int generation = 0;
    std::vector<Subscription> subscriptions;
    std::map<int, Got> got;                    // by number
    std::map<mqtt::PacketId, int> unreleased;  // QoS 2 received and not released
    std::map<mqtt::PacketId, int> publishing;  // QoS > 0 sent and not acknowledged
    std::map<std::string, int> newest;         // by connection, topic and QoS
    std::set<int> owed;                        // must come
    bool was_shared = false;
    std::size_t smallest_packet = std::numeric_limits<std::size_t>::max();
    Step newest_connect = 0;
    Step last_online = 0;  // a connection of it ended
    // While nobody is connected it is there until then; afterwards it is gone.
    WallTime surely_until{}, maybe_until{};
    std::uint32_t least_expiry = 0, most_expiry = 0;  // that the store may have
    std::uint32_t live_expiry = 0;
    bool is_exact = false, is_gone = false;
    bool is_forgotten = false;  // by its client, until the next CONNACK
  };
  struct Asked {
    bool is_subscribe = true;
    mqtt::PacketId packet_id = 0;
    std::vector<std::string> filters;
    Step at = 0;
  };
  struct Link {
    const TestClient* client = nullptr;
    std::string stream;
    bool has_connect = false, is_connected = false, clean = false, is_slow = false;
    bool was_sure = false, was_possible = false;  // the session, when CONNECT was sent
    bool is_stored = true;                        // as far as it is known, the session is
    Step connected_at = 0, greeted_at = 0;
    WallTime connected_wall{};
    std::string session;
    mqtt::ProtocolVersion version = mqtt::ProtocolVersion::k5;
    std::uint32_t expiry = 0;
    int will = 0;
    std::uint32_t will_delay = 0;
    std::deque<Asked> asked;
    std::map<std::uint32_t, std::string> aliases;
    std::vector<int> unheard;  // messages at QoS 0
    bool has_left = false;     // DISCONNECT
    mqtt::ReasonCode reason = mqtt::ReasonCode::kSuccess;
    std::optional<std::uint32_t> left_expiry;
  };
  struct PendingWill {
    int number = 0;
    std::string session;
    WallTime due_first{}, due{};
    bool is_sure = true;        // it comes when it is due; else then, or never
    bool is_durable = false;    // the store may have it
    bool is_contested = false;  // a connection came back before it was due
    Step contested_at = 0;      // the first that did
  };
  struct ReplayDue {
    std::size_t link = 0;
    int number = 0;
    Step from = 0;          // of its subscription
    std::size_t place = 0;  // in its SUBSCRIBE
  };

  Link& link(const TestClient& client);
  Session& session(const Link& link) { return sessions_[link.session]; }
  void sent_packet(Link& link, const mqtt::FrameView& frame, Now now);
  void sent_connect(Link& link, const mqtt::ConnectView& packet, Now now);
  void sent_publish(Link& link, const mqtt::PublishView& packet, Now now);
  void sent_subscribe(Link& link, const mqtt::SubscribeView& packet, Now now);
  void sent_unsubscribe(Link& link, const mqtt::UnsubscribeView& packet);

  void received_connack(Link& link, const mqtt::ConnackView& packet, Now now);
  void began_anew(Session& of, Step connected_at);
  void received_answer(Link& link, const mqtt::SubscriptionAcknowledgementView& packet, Now now);
  void received_acknowledgement(Link& link, const mqtt::AcknowledgementView& packet, Now now);
  void received_publish(Link& link, const mqtt::PublishView& packet, Now now);

  // ---- Judging one delivery
  struct Reason {
    bool live = false, replay = false;                    // there may be one
    bool may_be_retained = false, sure_retained = false;  // a live one, with the RETAIN flag
    bool shared = false;
    bool is_certain = true;  // every subscription that matches stood all the time
    mqtt::QoS most = mqtt::QoS::kAtMostOnce;
    std::multiset<std::uint32_t> identifiers;
    std::set<std::string> groups;
  };
  Reason reason_for(const Session& of, const Message& message) const;
  bool may_be_current(const Message& message, const Subscription& by) const;
  void check_copy(const Link& link, const Message& message, const mqtt::PublishView& packet, const Reason& reason);
  void check_expiry(const Link& link, const Message& message, const mqtt::PublishView& packet, Now now);
  void check_repetition(Link& link, const Message& message, const mqtt::PublishView& packet, const Reason& reason,
                        Now now);
  void check_will(const Link& link, const Message& will, Now now);
  void check_clear(const Link& link, const mqtt::PublishView& packet);
  void note_copy(Link& link, const Message& message, const mqtt::PublishView& packet, const Reason& reason);

  // ---- What is owed
  void published(const Message& message);
  void owe(Session& of, const Message& message);
  static bool is_for(const Session& of, const Subscription& by, const Message& message);
  const Message* current(const std::vector<int>& history, Step before, Now now) const;
  void owe_replays(const Link& link, const Subscription& by, Now now);
  void check_replays();
  void check_at_most_once(std::uint64_t dropped);
  static void forget_duties(Session& of, Step since);
  void forget_memory(const Session& of);
  void check_groups(Now now, std::uint64_t& missing, std::uint64_t dropped);
  bool is_for_group(const Subscription& by, const Message& message) const;

  // ---- Sessions and Wills in time
  void notice_ends(Now now);
  void closed(Link& link, Now now);
  void close_will(Link& link, bool has_surely_left, std::uint32_t expiry, Now now);
  void may_come(Message& will, const Link& from, Now now);
  void come_back(const Link& link, bool is_present, Now now);
  void settle_wills(Now now);
  void refresh(Session& of, Now now);
  void stored_now();
  void kill_sessions(Now now, bool stored);
  void kill_wills(Now now, bool stored);
  void forget_end(PendingWill will, Now now);
  void wait_anew(PendingWill& will, Now now) const;
  bool has_other(const Link& link) const;
  bool is_online(const std::string& client_id) const;
  bool is_sure_to_others(const Link& link, Now now) const;
  [[nodiscard]] static std::string describe(const Message& message);
  void violated(const Link& link, const std::string& what) const {
    violated_("connection " + std::to_string(link.client->number()) + ": " + what, link.session);
  }

  const bool has_store_;
  const std::uint32_t expiry_max_;
  const Violated violated_;
  Step step_ = 0;
  std::uint64_t duties_ = 0;
  std::uint64_t dropped_ = 0;
  bool has_refusals_ = false;
  std::map<std::size_t, Link> links_;
  std::set<std::size_t> open_;
  std::map<std::string, Session> sessions_;
  std::map<int, Message> messages_;
  std::map<std::string, std::vector<int>> retained_;  // by topic, all that ever were, clears included
  std::vector<PendingWill> wills_;
  std::vector<ReplayDue> replays_due_;
  std::vector<int> fresh_;  // at QoS 0, heard just now
  std::vector<int> unstored_retained_;
  std::vector<PendingWill> unstored_wills_;                                    // published, perhaps, or taken back
  std::map<std::string, std::map<int, std::set<std::string>>> shared_copies_;  // by group: message -> who got it
  std::map<std::string, std::set<int>> reached_;  // by group: messages that a member got, or may have got
  int clears_ = 0;
};

}  // namespace mortise::simulation
