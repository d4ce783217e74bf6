#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/counters.h"
#include "broker/core/shard.h"
#include "broker/mqtt/decode.h"
#include "broker/mqtt/encode.h"
#include "test_journal.h"

/// Several shards without sockets: what loops do, by hand and under a manual clock. For tests.
namespace mortise::core::testing {

/// A packet a client received, with its bytes.
struct Received {
  std::string bytes;
  mqtt::PacketType type;
};

class TestBroker;
class TestClient;

/// Hears of everything that clients and the broker say to each other.
class ClientObserver {
 public:
  virtual ~ClientObserver() = default;
  virtual void sent(const TestClient& client, std::string_view bytes, Now now) = 0;
  virtual void received(const TestClient& client, const Received& packet, Now now) = 0;
};

/// A CONNECT with all that tests want to say in it.
struct ConnectOptions {
  std::string client_id;
  bool clean_start = true;
  std::uint32_t session_expiry = 0;
  std::uint16_t keep_alive = 0;
  std::uint16_t receive_maximum = 0;      // 0: not sent
  std::uint32_t maximum_packet_size = 0;  // 0: not sent
  std::uint16_t topic_alias_maximum = 0;  // 0: not sent
  std::string user_name;
  std::string will_topic;  // empty: no Will
  std::string will_payload = "gone";
  int will_qos = 0;
  bool will_retain = false;
  std::uint32_t will_delay = 0;
  std::optional<std::uint32_t> will_expiry = {};
};

/// One client's end of a connection.
class TestClient {
 public:
  TestClient(TestBroker& broker, mqtt::ProtocolVersion version) : broker_(&broker), version_(version) {}

  /// What the socket tells of this client; until its CONNECT is answered.
  PeerInfo& peer();

  /// Sends raw bytes and lets the broker work until nothing moves any more.
  void send(std::string_view bytes);
  void send(const std::string& bytes) { send(std::string_view(bytes)); }
  template <class Packet>
  void send(const Packet& packet) {
    std::string bytes;
    mqtt::encode(bytes, packet, version_);
    send(std::string_view(bytes));
  }
  /// The same, and the broker works on it only with what is said next: to see what crosses on the way.
  void say_ahead(std::string_view bytes);
  /// The bytes of a packet as this client sends it.
  template <class Packet>
  std::string bytes_of(const Packet& packet) const {
    std::string bytes;
    mqtt::encode(bytes, packet, version_);
    return bytes;
  }
  std::string bytes_of(const ConnectOptions& options) const;
  void connect(const ConnectOptions& options) { send(std::string_view(bytes_of(options))); }
  void connect(std::string_view client_id, bool clean_start = true, std::uint32_t session_expiry = 0);
  void subscribe(std::string_view filter, int qos, mqtt::PacketId packet_id = 1);
  void unsubscribe(std::string_view filter, mqtt::PacketId packet_id = 1);
  void disconnect(mqtt::ReasonCode reason = mqtt::ReasonCode::kSuccess, std::optional<std::uint32_t> expiry = {});
  void publish(std::string_view topic, std::string_view payload, int qos = 0, mqtt::PacketId packet_id = 0,
               bool retain = false);
  void acknowledge(mqtt::PacketType type, mqtt::PacketId packet_id,
                   mqtt::ReasonCode reason = mqtt::ReasonCode::kSuccess);
  /// The socket is gone, without DISCONNECT.
  void drop();
  /// The socket takes bytes again, and at once what waited.
  void read_on();
  /// The socket takes what waits now, and what that leads to waits again.
  void read_once();

  bool is_open() const { return is_open_; }
  bool is(LoopIndex loop, ConnectionId connection) const { return loop_ == loop && connection_ == connection; }
  mqtt::ProtocolVersion version() const { return version_; }
  /// The how many-th connection it is.
  std::size_t number() const { return number_; }
  /// Whether the broker took every byte that was sent.
  bool is_heard() const { return unconsumed_.empty(); }
  /// Takes the oldest packet received; fails the test when there is none.
  Received next();
  mqtt::PacketType next_type() const { return received_.front().type; }
  bool has_next() const { return !received_.empty(); }
  /// Takes the next packet and decodes it as a T.
  template <class T>
  T next_as() {
    last_ = next();
    const auto frame = mqtt::next_frame(as_bytes(last_.bytes), last_.bytes.size());
    CHECK(frame && frame->has_value());
    auto packet = mqtt::decode(**frame, version_);
    CHECK(packet);
    CHECK(std::holds_alternative<T>(*packet));
    decoded_ = std::move(*packet);
    return std::get<T>(decoded_);
  }
  /// The topic of a PUBLISH that was taken, also where a Topic Alias stands for it. Once for each packet, in their
  /// order.
  std::string topic_of(const mqtt::PublishView& packet);
  /// The topics and payloads ("topic=payload") of all PUBLISH packets received, acknowledged when `acknowledges`; other
  /// packets are dropped.
  std::vector<std::string> take_publishes(bool acknowledges = true);
  /// The types of all packets received, which are dropped.
  std::vector<mqtt::PacketType> take_types();
  /// How many whole packets wait to be taken.
  std::size_t waiting() const { return received_.size(); }
  /// False: the peer's socket takes nothing.
  bool takes_bytes = true;

 private:
  friend class TestBroker;
  TestBroker* broker_;
  mqtt::ProtocolVersion version_;
  std::size_t number_ = 0;
  bool is_open_ = true;
  LoopIndex loop_ = 0;
  ConnectionId connection_;
  std::string unconsumed_;
  std::string inbound_;
  std::deque<Received> received_;
  Received last_;
  mqtt::ControlPacketView decoded_;
  std::map<std::uint32_t, std::string> aliases_;  // the broker's
};

struct TestOptions {
  std::size_t loops = 1;
  bool has_store = false;
  session::SessionLimits session;
  session::MqttLimits mqtt;
  routing::SubscriptionIndex::Limits subscriptions;
  routing::RetainedIndex::Limits retained;
  Shared::ReplayLimits replay;
  hooks::DispatchPtr dispatch;
  Shared::StoreFailure on_store_failure = Shared::StoreFailure::kRefusePersistent;
  ClientObserver* observer = nullptr;
  /// The journals, when they are not the broker's own.
  std::function<session::Journal*(LoopIndex)> journal_of;
};

/// What a store that is not the broker's own gave back.
struct StoredState {
  std::vector<Shard::Recovered> sessions;
  std::vector<mqtt::MessagePtr> retained;
};

class TestBroker {
 public:
  explicit TestBroker(TestOptions options = {});
  /// One that is started after the other was killed, with the other's store. All clients of the other are gone.
  explicit TestBroker(TestBroker&& killed);
  /// The same with a store of its own, and perhaps with other settings. The clients of the other keep their numbers.
  TestBroker(TestBroker&& killed, TestOptions options, StoredState stored);
  ~TestBroker();

  TestClient& client(mqtt::ProtocolVersion version = mqtt::ProtocolVersion::k5);
  session::ClientRate client_rate;  // of who connects from here on
  /// Works until nothing moves: mail, actions, timers that are due.
  void settle();
  void advance(Millis by);
  void sleep(Millis by);  // nobody works meanwhile
  Shard& shard(LoopIndex loop) { return *shards_[loop]; }
  TestJournal& journal(LoopIndex loop) { return *journals_[loop]; }
  const ShardCounters& counters(LoopIndex loop = 0) { return shards_[loop]->counters(); }
  Now now() const { return now_; }
  std::size_t loops() const { return shards_.size(); }
  /// Everybody who ever connected, by number.
  std::size_t clients() const { return clients_.size(); }
  TestClient& client_at(std::size_t number) { return *clients_[number]; }
  /// Makes everything appended so far durable, on every loop, and tells the shards.
  void make_durable();
  /// The same up to a position of one loop.
  void make_durable(LoopIndex loop, std::uint64_t position);
  /// Answers every fetch from what the journals stored, until nobody asks any more.
  void serve_pages(bool fail = false);
  /// The store began to fail, or works again.
  void store_fails(bool is_failing);
  void answer(const hooks::Ticket& ticket, hooks::Resolution resolution);
  void perform_intent(std::string_view client_id, hooks::Intent intent);
  void invalidate(std::string_view id) { perform_intent(id, hooks::InvalidateIntent{"", std::string(id)}); }
  void kick(std::string_view id) { perform_intent(id, hooks::DisconnectIntent{"", std::string(id)}); }
  LoopIndex home_of(std::string_view client_id) const { return home_loop(shared_, "", client_id); }
  /// A client id that lives on this loop.
  std::string id_on(LoopIndex loop, std::string_view beginning = "c") const;
  /// A topic whose shared subscription "$share/{share_name}/{topic}" has its group on this loop.
  std::string topic_with_group_on(LoopIndex loop, std::string_view share_name) const;
  /// Sums up a counter of all loops.
  std::uint64_t total(std::uint64_t ShardCounters::*counter) const;
  std::size_t total(std::size_t ShardHoldings::*what) const;
  const JournalLedger& ledger() const { return *ledger_; }
  /// The most that was in all outboxes of one loop together when they were written.
  std::size_t largest_write() const { return largest_write_; }
  void shut_down();
  routing::RetainedIndex& retained() { return retained_; }
  routing::SubscriptionIndex& index() { return index_; }

 private:
  friend class TestClient;
  /// What left for a client, in the order in which it did.
  struct Written {
    TestClient* client;
    std::string bytes;
  };
  void recover(LoopIndex loop);
  void inherit(TestBroker& killed);
  bool perform(LoopIndex loop);
  bool offer(TestClient& client);
  void split(TestClient& client);
  TestClient* find(LoopIndex loop, ConnectionId connection);

  TestOptions options_;
  Now now_{SteadyTime{} + std::chrono::hours(1), WallTime{} + std::chrono::hours(24 * 365 * 50)};
  routing::ReclaimDomain reclaim_;
  routing::SubscriptionIndex index_;
  routing::RetainedIndex retained_;
  GroupDirectory groups_;
  Shared shared_;
  std::unique_ptr<JournalLedger> ledger_ = std::make_unique<JournalLedger>();
  std::vector<Written> written_;
  std::size_t largest_write_ = 0;
  std::vector<std::unique_ptr<TestJournal>> journals_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::unique_ptr<TestClient>> clients_;
};

}  // namespace mortise::core::testing
