#include <map>
#include <random>
#include <set>

#include "core_test.h"
#include "tests/conformance/proof.h"

// A broker in which everything happens at random moments: drops, reconnects with and without clean start, take-overs,
// pending hooks, deadlines, invalidations, durability, pages. What the clients saw is then compared with what the
// specification says they must and may see.

namespace mortise::core::testing {
namespace {

struct Published {
  std::string tenant, topic;
  int publisher = 0, qos = 0, number = 0;
  int sent_at = 0;
  bool is_acknowledged = false;
};

/// A client with a memory: what it sent and has not had acknowledged, what it received.
struct SimulatedClient {
  SimulatedClient(std::string client_id, std::string its_tenant, std::vector<std::string> asked)
      : id(std::move(client_id)), tenant(std::move(its_tenant)), filters(std::move(asked)) {}
  struct InFlight {
    std::string payload;
    bool is_released = false;  // PUBREC received
  };
  std::string id, tenant;
  std::vector<std::string> filters;
  TestClient* connection = nullptr;
  bool is_connected = false;  // CONNACK received
  int subscribed_at = -1;     // -1: not
  std::map<mqtt::PacketId, InFlight> in_flight;
  mqtt::PacketId next_id = 1;
  std::set<mqtt::PacketId> unreleased;  // of QoS 2 messages received
  std::set<std::string> early;          // payloads sent before the subscription they came by
  std::vector<std::string> received;    // payloads, duplicates by Packet Identifier left out
};

class Simulation {
 public:
  Simulation(std::uint32_t seed, std::size_t loops, bool has_store) : random_(seed) {
    script();
    TestOptions options;
    options.loops = loops;
    options.has_store = has_store;
    options.session.max_inflight = 8;
    options.mqtt.receive_maximum = 20;
    options.dispatch = plugins_.dispatch();
    broker_ = std::make_unique<TestBroker>(std::move(options));
    for (const char* tenant : {"t1", "t2"}) {
      const std::string prefix(tenant);
      clients_.push_back(SimulatedClient(prefix + "-all", prefix, {"#"}));
      clients_.push_back(SimulatedClient(prefix + "-some", prefix, {"a", "b/+", "secret"}));
      clients_.push_back(SimulatedClient(prefix + "-share1", prefix, {"$share/g/#"}));
      clients_.push_back(SimulatedClient(prefix + "-share2", prefix, {"$share/g/#"}));
    }
  }

  void run(int steps) {
    for (now_ = 0; now_ < steps; ++now_) step();
    finish();
    check();
  }

 private:
  std::uint32_t below(std::size_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

  void script() {
    plugins_.topic->on_bind = [this](const hooks::BindRequest& request) -> hooks::Answer<hooks::BindDecision> {
      if (!is_finishing_ && below(8) == 0) return hooks::Pending{deadline()};
      return bind_of(*request.principal);
    };
    plugins_.auth->on_authorize = [this](const hooks::AccessRequest& request) -> hooks::Answer<hooks::AccessDecision> {
      // Without a deadline in reach: a denial that the client never hears of would be overruled when it sends again,
      // and ends subscriptions; the model follows neither.
      if (!is_finishing_ && below(4) == 0) return hooks::Pending{deadline() + Millis(36'000'000)};
      return decide(request);
    };
  }
  SteadyTime deadline() { return broker_->now().steady + Millis(4000); }
  static hooks::BindDecision bind_of(const mqtt::Principal& principal) {
    return bind_to(principal.client_id.substr(0, 2) + "/");
  }
  /// Nobody but publishers has to do with "secret": neither by its name nor through a wildcard.
  static hooks::AccessDecision decide(const hooks::AccessRequest& request) {
    if (request.action != hooks::Action::kSubscribe) return access(true);
    hooks::AccessDecision decision = access(!request.topic.ends_with("secret"));
    decision.rules = {{{false, "t1/secret"}, {false, "t2/secret"}}};
    return decision;
  }

  void step() {
    SimulatedClient& client = clients_[below(clients_.size())];
    switch (below(20)) {
      case 0:
        if (client.connection != nullptr) lose(client);
        break;
      case 1:
      case 2:
        connect(client, below(12) == 0);  // also over a connection that is alive: a take-over
        break;
      case 3:
        broker_->advance(Millis(below(1500)));
        break;
      case 4:
        broker_->invalidate(client.id);
        break;
      case 5:
        broker_->serve_pages();
        break;
      case 6:
      case 7:
        durable();
        break;
      case 8:
      case 9:
        answer_one();
        break;
      case 10:
      case 11:
      case 12:
      case 13:
        work(client, 1 + below(6));
        break;
      default:
        publish(client);
    }
  }

  void lose(SimulatedClient& client) {
    client.connection->drop();
    client.connection = nullptr;
    client.is_connected = false;
  }

  void connect(SimulatedClient& client, bool is_clean) {
    client.connection = &broker_->client();
    client.is_connected = false;
    if (is_clean) client.subscribed_at = -1;
    ConnectOptions options;
    options.client_id = client.id;
    options.clean_start = is_clean;
    options.session_expiry = 100'000;
    // Of the four topics some have one, and they change.
    options.topic_alias_maximum = static_cast<std::uint16_t>(below(4));
    client.connection->connect(options);
    if (!is_clean) return;
    // A client that asks for a clean start forgets its state; the model does not follow one that never hears whether
    // the Server did, too.
    while (!client.is_connected && client.connection != nullptr) {
      if (plugins_.auth->pending.empty() && plugins_.topic->pending.empty()) broker_->make_durable();
      answer_one();
      broker_->advance(Millis(100));
      work(client, 1);
    }
  }

  void durable() {
    const auto loop = static_cast<LoopIndex>(below(broker_->loops()));
    const std::uint64_t from = broker_->journal(loop).durable, to = broker_->journal(loop).position();
    if (to > from) broker_->make_durable(loop, from + 1 + random_() % (to - from));
  }

  void answer_one() {
    if (!plugins_.topic->pending.empty()) {
      const hooks::Ticket ticket = plugins_.topic->pending.front();
      plugins_.topic->pending.erase(plugins_.topic->pending.begin());
      // The ticket does not say whose it is; every tenant's would do harm if it reached another one's connection.
      hooks::BindDecision decision;
      if (const SimulatedClient* client = owner(ticket)) decision = bind_to(client->tenant + "/");
      if (decision.is_bound) broker_->answer(ticket, decision);
    }
    if (plugins_.auth->pending.empty()) return;
    const std::size_t at = below(plugins_.auth->pending.size());
    const hooks::Ticket ticket = plugins_.auth->pending[at];
    const hooks::AccessRequestPtr request = plugins_.auth->pending_requests[at];
    plugins_.auth->pending.erase(plugins_.auth->pending.begin() + static_cast<std::ptrdiff_t>(at));
    plugins_.auth->pending_requests.erase(plugins_.auth->pending_requests.begin() + static_cast<std::ptrdiff_t>(at));
    broker_->answer(ticket, decide(*request));
  }

  const SimulatedClient* owner(const hooks::Ticket& ticket) const {
    for (const SimulatedClient& client : clients_) {
      if (client.connection != nullptr && client.connection->is(ticket.loop, ticket.connection)) return &client;
    }
    return nullptr;
  }

  void publish(SimulatedClient& client) {
    static constexpr const char* kTopics[] = {"a", "b/c", "secret", "x"};
    if (!client.is_connected || !client.connection->is_open() || client.in_flight.size() >= 10) return;
    Published made;
    made.tenant = client.tenant;
    made.topic = kTopics[below(4)];
    made.publisher = static_cast<int>(&client - clients_.data());
    made.qos = static_cast<int>(below(3));
    made.number = next_number_++;
    made.sent_at = now_;
    const std::string payload = client.tenant + ":" + made.topic + ":" + std::to_string(made.number);
    published_[payload] = made;
    mqtt::PacketId id = 0;
    if (made.qos > 0) {
      id = client.next_id++;
      client.in_flight[id] = {payload};
    }
    client.connection->publish(made.topic, payload, made.qos, id);
  }

  /// The client works through some of what it received.
  void work(SimulatedClient& client, std::size_t most) {
    for (; most > 0 && client.connection != nullptr && client.connection->has_next(); --most) take(client);
    if (client.connection != nullptr && !client.connection->is_open() && !client.connection->has_next()) {
      client.connection = nullptr;
      client.is_connected = false;
    }
  }

  void take(SimulatedClient& client) {
    TestClient& connection = *client.connection;
    switch (connection.next_type()) {
      case PacketType::kConnack:
        return connected(client);
      case PacketType::kSuback:
        if (client.subscribed_at < 0) client.subscribed_at = now_;
        break;
      case PacketType::kPublish:
        return received(client);
      case PacketType::kPubrel: {
        const auto packet = connection.next_as<mqtt::AcknowledgementView>();
        client.unreleased.erase(packet.packet_id);
        return connection.acknowledge(PacketType::kPubcomp, packet.packet_id);
      }
      case PacketType::kPuback:
      case PacketType::kPubrec:
      case PacketType::kPubcomp:
        return acknowledged(client);
      default:
        break;
    }
    connection.next();
  }

  void connected(SimulatedClient& client) {
    const auto connack = client.connection->next_as<mqtt::ConnackView>();
    if (connack.code != 0) return;  // a hook's deadline: tried again
    client.is_connected = true;
    if (!connack.session_present) {
      client.subscribed_at = -1;
      client.in_flight.clear();
      client.unreleased.clear();
    }
    if (client.subscribed_at < 0) {
      mqtt::SubscribeView packet;
      packet.packet_id = 60000;
      for (const std::string& filter : client.filters)
        packet.requests.push_back({filter, {mqtt::QoS::kExactlyOnce, false, false, mqtt::RetainHandling::kSend}});
      client.connection->send(packet);
    }
    // MQTT-4.4.0-1: what was not acknowledged is sent again, in order.
    for (const auto& [id, waiting] : std::map<mqtt::PacketId, SimulatedClient::InFlight>(client.in_flight)) {
      if (waiting.is_released) {
        client.connection->acknowledge(PacketType::kPubrel, id);
        continue;
      }
      mqtt::PublishView packet;
      const Published& made = published_.at(waiting.payload);
      packet.topic = made.topic;
      packet.payload = as_bytes(waiting.payload);
      packet.qos = static_cast<mqtt::QoS>(made.qos);
      packet.packet_id = id;
      packet.dup = true;
      client.connection->send(packet);
    }
  }

  void received(SimulatedClient& client) {
    const auto packet = client.connection->next_as<mqtt::PublishView>();
    const std::string payload(as_text(packet.payload));
    const std::string topic = client.connection->topic_of(packet);
    const mqtt::PacketId id = packet.packet_id;
    const mqtt::QoS qos = packet.qos;
    const auto made = published_.find(payload);
    ASSERT_NE(made, published_.end()) << payload;
    EXPECT_EQ(made->second.topic, topic) << "the topic as the client knows it";
    // What was sent before the subscription may come by the publisher's repetition, and then late.
    if (client.subscribed_at < 0 || made->second.sent_at <= client.subscribed_at) client.early.insert(payload);
    if (qos != mqtt::QoS::kExactlyOnce || client.unreleased.insert(id).second) client.received.push_back(payload);
    if (qos == mqtt::QoS::kAtLeastOnce) client.connection->acknowledge(PacketType::kPuback, id);
    if (qos == mqtt::QoS::kExactlyOnce) client.connection->acknowledge(PacketType::kPubrec, id);
  }

  void acknowledged(SimulatedClient& client) {
    const auto packet = client.connection->next_as<mqtt::AcknowledgementView>();
    const auto at = client.in_flight.find(packet.packet_id);
    if (at == client.in_flight.end()) return;
    if (packet.type != PacketType::kPubcomp && !mqtt::is_error(packet.reason))
      published_.at(at->second.payload).is_acknowledged = true;
    if (packet.type == PacketType::kPubrec && !mqtt::is_error(packet.reason)) {
      at->second.is_released = true;
      return client.connection->acknowledge(PacketType::kPubrel, packet.packet_id);
    }
    client.in_flight.erase(at);
  }

  void finish() {
    is_finishing_ = true;
    while (!plugins_.auth->pending.empty() || !plugins_.topic->pending.empty()) answer_one();
    broker_->advance(Millis(10'000));  // whatever is pending still is over
    for (int round = 0; round < 200; ++round) {
      bool is_quiet = true;
      for (SimulatedClient& client : clients_) {
        if (client.connection == nullptr || !client.connection->is_open()) connect(client, false);
        is_quiet &= !client.connection->has_next();
        work(client, 1000);
      }
      broker_->make_durable();
      broker_->serve_pages();
      if (is_quiet && round > 20) return;
    }
    FAIL() << "it never comes to rest";
  }

  void check() {
    std::map<std::string, int> shared;
    for (SimulatedClient& client : clients_) {
      const bool is_shared = client.filters[0].starts_with("$share");
      std::map<std::string, int> times;
      std::map<std::string, int> newest;  // by publisher, topic and QoS
      for (const std::string& payload : client.received) {
        const Published& made = published_.at(payload);
        EXPECT_EQ(made.tenant, client.tenant) << client.id << " received another tenant's " << payload;
        EXPECT_NE(made.topic, "secret") << client.id;
        if (is_shared) ++shared[payload];
        if (++times[payload] > 1) {
          EXPECT_EQ(made.qos, 1) << client.id << " received twice: " << payload;
          continue;
        }
        if (is_shared || client.early.contains(payload)) continue;
        int& last = newest[std::to_string(made.publisher) + "/" + made.topic + "/" + std::to_string(made.qos)];
        EXPECT_LE(last, made.number) << client.id << " received out of order: " << payload << " at QoS "
                                     << made.qos;  // MQTT-4.6.0-5
        last = std::max(last, made.number);
      }
      EXPECT_TRUE(client.in_flight.empty()) << client.id << " waits for acknowledgements for ever";
      EXPECT_GE(client.subscribed_at, 0) << client.id;
      if (!is_shared) check_complete(client, times);
    }
    for (const auto& [payload, count] : shared) {
      if (published_.at(payload).qos == 1) continue;
      EXPECT_EQ(count, 1) << "a shared subscription received twice: " << payload;
    }
  }

  void check_complete(const SimulatedClient& client, const std::map<std::string, int>& times) {
    for (const auto& [payload, made] : published_) {
      const bool is_wanted = made.topic != "secret" && (client.filters[0] == "#" || made.topic != "x");
      const bool must = made.qos > 0 && made.is_acknowledged && is_wanted && made.tenant == client.tenant &&
                        made.sent_at > client.subscribed_at;
      EXPECT_TRUE(!must || times.contains(payload)) << client.id << " missed " << payload;
    }
  }

  std::mt19937 random_;
  Plugins plugins_;
  std::unique_ptr<TestBroker> broker_;
  std::vector<SimulatedClient> clients_;
  std::map<std::string, Published> published_;
  int now_ = 0;
  int next_number_ = 1;
  bool is_finishing_ = false;
};

class SimulationTest : public ::testing::TestWithParam<std::tuple<std::size_t, bool>> {};
INSTANTIATE_TEST_SUITE_P(LoopsAndStore, SimulationTest, ::testing::Combine(::testing::Values(1, 3), ::testing::Bool()));

TEST_P(SimulationTest, EveryClientSeesWhatItMustAndNothingItMustNot) {
  PROVES("5.0 MQTT-4.3.3-4", "5.0 MQTT-4.4.0-1", "5.0 MQTT-4.5.0-1");
  const char* one = std::getenv("MORTISE_SEED");
  const std::uint32_t first = one != nullptr ? static_cast<std::uint32_t>(std::atoi(one)) : 1;
  const std::uint32_t last = one != nullptr ? first : 12;
  for (std::uint32_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("MORTISE_SEED=" + std::to_string(seed));
    Simulation simulation(seed, std::get<0>(GetParam()), std::get<1>(GetParam()));
    simulation.run(600);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace mortise::core::testing
