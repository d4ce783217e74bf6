#include "harness.h"

#include <algorithm>

#include "broker/core/groups.h"
#include "fixed_random.h"

namespace mortise::core::testing {

namespace {

Shared make_shared_state(const TestOptions& options, routing::SubscriptionIndex& index,
                         routing::RetainedIndex& retained, GroupDirectory& groups) {
  Shared shared;
  shared.loops = options.loops;
  shared.home_hash = KeyedHash();  // the same in every run
  shared.subscriptions = &index;
  shared.retained = &retained;
  shared.groups = &groups;
  shared.mqtt = options.mqtt;
  shared.session = options.session;
  shared.replay = options.replay;
  shared.has_store = options.has_store;
  shared.on_store_failure = options.on_store_failure;
  return shared;
}

/// Before the indexes draw their secrets.
TestOptions with_fixed_random(TestOptions options) {
  mortise::testing::restart_random_bytes();
  return options;
}

}  // namespace

// ---- Broker ---------------------------------------------------------------------------------------------------------

TestBroker::TestBroker(TestOptions options)
    : options_(with_fixed_random(std::move(options))),
      reclaim_(options_.loops),
      index_(reclaim_, options_.subscriptions),
      retained_(reclaim_, options_.retained),
      groups_(index_),
      shared_(make_shared_state(options_, index_, retained_, groups_)) {
  for (std::size_t i = 0; i < options_.loops; ++i) {
    journals_.push_back(std::make_unique<TestJournal>(*ledger_));
    session::Journal* journal = options_.has_store ? journals_.back().get() : nullptr;
    if (options_.journal_of) journal = options_.journal_of(static_cast<LoopIndex>(i));
    shards_.push_back(std::make_unique<Shard>(static_cast<LoopIndex>(i), shared_, journal));
    if (options_.dispatch) shards_.back()->set_dispatch(options_.dispatch);
  }
}

void TestBroker::inherit(TestBroker& killed) {
  now_ = killed.now_;
  clients_ = std::move(killed.clients_);
  for (const auto& client : clients_) {
    client->is_open_ = false;
    client->broker_ = this;
  }
}

TestBroker::TestBroker(TestBroker&& killed, TestOptions options, StoredState stored) : TestBroker(std::move(options)) {
  inherit(killed);
  for (const mqtt::MessagePtr& message : stored.retained) retained_.set(message);
  for (Shard::Recovered& session : stored.sessions) {
    Shard& home = *shards_[home_loop(shared_, session.session)];
    home.recover(std::move(session), now_);
  }
  Shard::all_recovered(shards_, now_);
  settle();
}

TestBroker::TestBroker(TestBroker&& killed) : TestBroker(killed.options_) {
  inherit(killed);
  shards_.clear();
  ledger_ = std::move(killed.ledger_);
  ledger_->outstanding.clear();
  journals_ = std::move(killed.journals_);
  for (const auto& [topic, message] : ledger_->retained) retained_.set(message);
  for (LoopIndex loop = 0; loop < options_.loops; ++loop) {
    journals_[loop]->fetches.clear();
    shards_.push_back(std::make_unique<Shard>(loop, shared_, journals_[loop].get()));
    if (options_.dispatch) shards_.back()->set_dispatch(options_.dispatch);
  }
  for (LoopIndex loop = 0; loop < options_.loops; ++loop) recover(loop);
  Shard::all_recovered(shards_, now_);
  settle();
}

void TestBroker::recover(LoopIndex loop) {
  TestJournal& journal = *journals_[loop];
  for (auto& [number, stored] : journal.sessions) {
    Shard::Recovered recovered{stored.record,     {}, {stored.inbound.begin(), stored.inbound.end()}, {}, stored.will,
                               stored.will_due_at};
    for (const auto& [filter, subscription] : stored.subscriptions) recovered.subscriptions.push_back(subscription);
    recovered.queue = journal.summary(number);
    shards_[loop]->recover(std::move(recovered), now_);
  }
}

TestBroker::~TestBroker() = default;

TestClient& TestBroker::client(mqtt::ProtocolVersion version) {
  const auto number = static_cast<int>(clients_.size());
  TestClient& client = *clients_.emplace_back(std::make_unique<TestClient>(*this, version));
  client.number_ = clients_.size() - 1;
  client.loop_ = static_cast<LoopIndex>(clients_.size() % shards_.size());
  PeerInfo peer;
  peer.listener = SharedBytes::copy_of("tcp://127.0.0.1:1883");
  peer.peer_address = "127.0.0.1";
  peer.peer_port = static_cast<std::uint16_t>(number + 1);
  peer.rate = client_rate;
  client.connection_ = shards_[client.loop_]->accepted(std::move(peer), now_);
  return client;
}

PeerInfo& TestClient::peer() {
  PeerInfo* peer = broker_->shard(loop_).peer(connection_);
  CHECK(peer != nullptr);
  return *peer;
}

TestClient* TestBroker::find(LoopIndex loop, ConnectionId connection) {
  const auto at = std::find_if(clients_.begin(), clients_.end(), [&](const auto& client) {
    return client->is_open_ && client->loop_ == loop && client->connection_ == connection;
  });
  return at == clients_.end() ? nullptr : at->get();
}

namespace {

void drain(Outbox& outbox, std::string& into) {
  while (!outbox.empty()) {
    std::array<iovec, 16> vectors{};
    const std::size_t used = outbox.gather(vectors);
    std::size_t written = 0;
    for (std::size_t i = 0; i < used; ++i) {
      into.append(static_cast<const char*>(vectors[i].iov_base), vectors[i].iov_len);
      written += vectors[i].iov_len;
    }
    outbox.consume(written);
  }
}

}  // namespace

void TestBroker::split(TestClient& client) {
  std::size_t at = 0;
  while (at < client.inbound_.size()) {
    const auto frame = mqtt::next_frame(as_bytes(client.inbound_).subspan(at), 256u << 20);
    CHECK(frame);
    if (!frame->has_value()) break;
    client.received_.push_back({client.inbound_.substr(at, (*frame)->size), (*frame)->type});
    if (options_.observer != nullptr) options_.observer->received(client, client.received_.back(), now_);
    at += (*frame)->size;
  }
  client.inbound_.erase(0, at);
}

bool TestBroker::perform(LoopIndex loop) {
  Shard& shard = *shards_[loop];
  shard.end_of_iteration();
  Actions actions = std::exchange(shard.actions(), {});
  shard.actions().mail.resize(shards_.size());
  bool did = false;
  for (std::size_t to = 0; to < actions.mail.size(); ++to) {
    for (Mail& mail : actions.mail[to]) {
      shards_[to]->handle(std::move(mail), now_);
      did = true;
    }
  }
  for (Actions::Move& move : actions.moves) {
    TestClient* client = find(loop, move.connection);
    shard.take_outbox(move.connection);
    CHECK(client != nullptr);
    client->loop_ = move.to;
    client->connection_ = shards_[move.to]->arrived(std::move(*move.arrival), now_);
    offer(*client);
    did = true;
  }
  std::size_t to_write = 0;
  for (const ConnectionId id : actions.talkative) {
    Outbox* outbox = shard.outbox(id);
    if (outbox == nullptr) continue;
    to_write += outbox->size();
    TestClient* client = find(loop, id);
    if (client != nullptr && !client->takes_bytes) continue;
    std::string bytes;
    drain(*outbox, bytes);
    shard.writable(id, now_);
    if (client != nullptr) written_.push_back({client, std::move(bytes)});
    did = true;
  }
  largest_write_ = std::max(largest_write_, to_write);
  for (const Actions::Close& close : actions.closes) {
    TestClient* client = find(loop, close.connection);
    Outbox rest = shard.take_outbox(close.connection);
    if (client == nullptr) continue;
    std::string bytes;
    drain(rest, bytes);
    // Only of a client that did not read there is something left, and it was said before all this.
    written_.insert(written_.begin(), {client, std::move(bytes)});
    client->is_open_ = false;
    did = true;
  }
  for (const ConnectionId id : actions.resumed) {
    if (TestClient* client = find(loop, id)) offer(*client);
    did = true;
  }
  return did;
}

bool TestBroker::offer(TestClient& client) {
  if (!client.is_open_ || !shards_[client.loop_]->wants_bytes(client.connection_)) return false;
  const std::size_t consumed = shards_[client.loop_]->receive(client.connection_, as_bytes(client.unconsumed_), now_);
  client.unconsumed_.erase(0, consumed);
  return consumed > 0;
}

void TestBroker::settle() {
  for (bool did = true; did;) {
    did = false;
    for (LoopIndex loop = 0; loop < shards_.size(); ++loop) {
      if (shards_[loop]->next_deadline() <= now_.steady) {
        shards_[loop]->run_timers(now_);
        did = true;
      }
      did |= perform(loop);
    }
  }
  for (Written& written : std::exchange(written_, {})) {
    written.client->inbound_ += written.bytes;
    split(*written.client);
  }
}

void TestBroker::sleep(Millis by) {
  now_.steady += by;
  now_.wall += by;
}

void TestBroker::advance(Millis by) {
  sleep(by);
  settle();
}

void TestBroker::make_durable(LoopIndex loop, std::uint64_t position) {
  journals_[loop]->durable = position;
  shards_[loop]->handle(Durable{position}, now_);
  settle();
}

void TestBroker::serve_pages(bool fail) {
  for (bool did = true; did;) {
    did = false;
    for (LoopIndex loop = 0; loop < shards_.size(); ++loop) {
      for (const TestJournal::Fetch& fetch : std::exchange(journals_[loop]->fetches, {})) {
        QueuePage page{fetch.session, {}, fetch.after, true, fail};
        for (const session::QueueRecord& record : journals_[loop]->stored[fetch.session]) {
          if (record.position <= fetch.after || fail) continue;
          page.is_last = page.records.size() < fetch.max_messages;
          if (!page.is_last) break;
          page.records.push_back(record);
        }
        shards_[loop]->handle(std::move(page), now_);
        did = !fail;
      }
    }
    settle();
  }
}

void TestBroker::store_fails(bool is_failing) {
  for (const auto& shard : shards_) shard->handle(StoreState{is_failing}, now_);
  settle();
}

void TestBroker::answer(const hooks::Ticket& ticket, hooks::Resolution resolution) {
  shards_[ticket.loop]->handle(Completion{ticket, std::move(resolution)}, now_);
  settle();
}

void TestBroker::perform_intent(std::string_view client_id, hooks::Intent intent) {
  shards_[home_of(client_id)]->handle(PluginIntent{"test", std::move(intent)}, now_);
  settle();
}

std::string TestBroker::id_on(LoopIndex loop, std::string_view beginning) const {
  for (int i = 0;; ++i) {
    const std::string id = std::string(beginning) + std::to_string(i);
    if (home_of(id) == loop) return id;
  }
}

std::string TestBroker::topic_with_group_on(LoopIndex loop, std::string_view share_name) const {
  for (int i = 0;; ++i) {
    std::string topic = "t" + std::to_string(i);
    if (group_home(shared_, group_key(share_name, topic)) == loop) return topic;
  }
}

std::size_t TestBroker::total(std::size_t ShardHoldings::*what) const {
  std::size_t sum = 0;
  for (const auto& shard : shards_) sum += shard->holdings().*what;
  return sum;
}

std::uint64_t TestBroker::total(std::uint64_t ShardCounters::*counter) const {
  std::uint64_t sum = 0;
  for (const auto& shard : shards_) sum += shard->counters().*counter;
  return sum;
}

void TestBroker::shut_down() {
  for (const auto& shard : shards_) shard->shut_down(now_);
  settle();
}

void TestBroker::make_durable() {
  for (LoopIndex loop = 0; loop < shards_.size(); ++loop) {
    journals_[loop]->durable = journals_[loop]->position();
    shards_[loop]->handle(Durable{journals_[loop]->durable}, now_);
  }
  settle();
}

// ---- Client ---------------------------------------------------------------------------------------------------------

void TestClient::send(std::string_view bytes) {
  if (is_open_ && broker_->options_.observer != nullptr) broker_->options_.observer->sent(*this, bytes, broker_->now_);
  unconsumed_ += bytes;
  broker_->offer(*this);
  broker_->settle();
}

void TestClient::say_ahead(std::string_view bytes) {
  unconsumed_ += bytes;
  broker_->offer(*this);
}

void TestClient::connect(std::string_view client_id, bool clean_start, std::uint32_t session_expiry) {
  mqtt::ConnectView packet;
  packet.version = version_;
  packet.client_id = client_id;
  packet.clean_start = clean_start;
  mqtt::PropertyWriter properties;
  if (session_expiry != 0) properties.put(mqtt::PropertyId::kSessionExpiryInterval, session_expiry);
  packet.properties = properties.view();
  std::string bytes;
  mqtt::encode(bytes, packet);
  send(std::string_view(bytes));
}

std::string TestClient::bytes_of(const ConnectOptions& options) const {
  mqtt::ConnectView packet;
  packet.version = version_;
  packet.client_id = options.client_id;
  packet.clean_start = options.clean_start;
  packet.keep_alive = options.keep_alive;
  if (!options.user_name.empty()) packet.user_name = options.user_name;
  mqtt::PropertyWriter properties, will_properties;
  if (options.session_expiry != 0) properties.put(mqtt::PropertyId::kSessionExpiryInterval, options.session_expiry);
  if (options.receive_maximum != 0)
    properties.put(mqtt::PropertyId::kReceiveMaximum, std::uint32_t{options.receive_maximum});
  if (options.maximum_packet_size != 0)
    properties.put(mqtt::PropertyId::kMaximumPacketSize, options.maximum_packet_size);
  if (options.topic_alias_maximum != 0)
    properties.put(mqtt::PropertyId::kTopicAliasMaximum, std::uint32_t{options.topic_alias_maximum});
  if (options.will_delay != 0) will_properties.put(mqtt::PropertyId::kWillDelayInterval, options.will_delay);
  if (options.will_expiry) will_properties.put(mqtt::PropertyId::kMessageExpiryInterval, *options.will_expiry);
  packet.properties = properties.view();
  if (!options.will_topic.empty()) {
    packet.will = mqtt::WillView{static_cast<mqtt::QoS>(options.will_qos), options.will_retain, will_properties.view(),
                                 options.will_topic, as_bytes(options.will_payload)};
  }
  std::string bytes;
  mqtt::encode(bytes, packet);
  return bytes;
}

void TestClient::unsubscribe(std::string_view filter, mqtt::PacketId packet_id) {
  mqtt::UnsubscribeView packet;
  packet.packet_id = packet_id;
  packet.filters.push_back(filter);
  send(packet);
}

void TestClient::disconnect(mqtt::ReasonCode reason, std::optional<std::uint32_t> expiry) {
  mqtt::DisconnectView packet;
  packet.reason = reason;
  mqtt::PropertyWriter properties;
  if (expiry) properties.put(mqtt::PropertyId::kSessionExpiryInterval, *expiry);
  packet.properties = properties.view();
  send(packet);
}

std::vector<mqtt::PacketType> TestClient::take_types() {
  std::vector<mqtt::PacketType> types;
  while (has_next()) types.push_back(next().type);
  return types;
}

void TestClient::subscribe(std::string_view filter, int qos, mqtt::PacketId packet_id) {
  mqtt::SubscribeView packet;
  packet.packet_id = packet_id;
  packet.requests.push_back({filter, {static_cast<mqtt::QoS>(qos), false, false, mqtt::RetainHandling::kSend}});
  send(packet);
}

void TestClient::publish(std::string_view topic, std::string_view payload, int qos, mqtt::PacketId packet_id,
                         bool retain) {
  mqtt::PublishView packet;
  packet.topic = topic;
  packet.payload = as_bytes(payload);
  packet.qos = static_cast<mqtt::QoS>(qos);
  packet.packet_id = packet_id;
  packet.retain = retain;
  send(packet);
}

void TestClient::acknowledge(mqtt::PacketType type, mqtt::PacketId packet_id, mqtt::ReasonCode reason) {
  mqtt::AcknowledgementView packet;
  packet.type = type;
  packet.packet_id = packet_id;
  packet.reason = reason;
  send(packet);
}

void TestClient::drop() {
  if (!is_open_) return;
  is_open_ = false;
  broker_->shards_[loop_]->closed(connection_, broker_->now_);
  broker_->settle();
}

void TestClient::read_on() {
  takes_bytes = true;
  read_once();
}

void TestClient::read_once() {
  if (!is_open_) return;
  Shard& shard = *broker_->shards_[loop_];
  if (Outbox* outbox = shard.outbox(connection_)) {
    std::string bytes;
    drain(*outbox, bytes);
    broker_->written_.push_back({this, std::move(bytes)});
    shard.writable(connection_, broker_->now_);
  }
  broker_->settle();
}

Received TestClient::next() {
  CHECK(!received_.empty());
  Received packet = std::move(received_.front());
  received_.pop_front();
  return packet;
}

std::string TestClient::topic_of(const mqtt::PublishView& packet) {
  const auto alias = packet.properties.number(mqtt::PropertyId::kTopicAlias);
  if (!alias) return std::string(packet.topic);
  std::string& topic = aliases_[*alias];
  if (!packet.topic.empty()) topic = packet.topic;
  return topic;
}

std::vector<std::string> TestClient::take_publishes(bool acknowledges) {
  std::vector<std::string> messages;
  while (!received_.empty()) {
    const mqtt::PacketType type = received_.front().type;
    if (type == mqtt::PacketType::kPublish) {
      const auto packet = next_as<mqtt::PublishView>();
      messages.push_back(topic_of(packet) + "=" + std::string(as_text(packet.payload)));
      const mqtt::PacketId id = packet.packet_id;
      if (!acknowledges || packet.qos == mqtt::QoS::kAtMostOnce) continue;
      acknowledge(packet.qos == mqtt::QoS::kAtLeastOnce ? mqtt::PacketType::kPuback : mqtt::PacketType::kPubrec, id);
    } else if (type == mqtt::PacketType::kPubrel) {
      const auto packet = next_as<mqtt::AcknowledgementView>();
      if (acknowledges) acknowledge(mqtt::PacketType::kPubcomp, packet.packet_id);
    } else {
      received_.pop_front();
    }
  }
  return messages;
}

}  // namespace mortise::core::testing
