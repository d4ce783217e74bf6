#include "tests/bench/one_loop.h"

#include <array>
#include <utility>

#include "broker/base/check.h"
#include "broker/core/counters.h"
#include "broker/core/groups.h"
#include "broker/mqtt/encode.h"

namespace mortise::core {

namespace {

Shared make_shared_state(routing::SubscriptionIndex& index, routing::RetainedIndex& retained, GroupDirectory& groups) {
  Shared shared;
  shared.home_hash = KeyedHash();
  shared.subscriptions = &index;
  shared.retained = &retained;
  shared.groups = &groups;
  return shared;
}

}  // namespace

struct OneLoop::Broker {
  routing::ReclaimDomain reclaim{1};
  routing::SubscriptionIndex index{reclaim};
  routing::RetainedIndex retained{reclaim, {}};
  GroupDirectory groups{index};
  Shared shared = make_shared_state(index, retained, groups);
  Shard shard{0, shared, nullptr};
  Now now{SteadyTime{} + std::chrono::hours(1), WallTime{} + std::chrono::hours(24 * 365 * 50)};
};

OneLoop::OneLoop(hooks::DispatchPtr dispatch) : broker_(std::make_unique<Broker>()) {
  broker_->reclaim.woke_up(0);
  if (dispatch) broker_->shard.set_dispatch(std::move(dispatch));
}

OneLoop::~OneLoop() = default;

ConnectionId OneLoop::connect(std::string_view client_id, mqtt::ProtocolVersion version,
                              std::uint16_t topic_alias_maximum) {
  PeerInfo peer;
  peer.listener = SharedBytes::copy_of("tcp://127.0.0.1:1883");
  peer.peer_address = "127.0.0.1";
  peer.peer_port = 1;
  const ConnectionId client = broker_->shard.accepted(std::move(peer), broker_->now);
  mqtt::ConnectView packet;
  packet.version = version;
  mqtt::PropertyWriter properties;
  if (topic_alias_maximum != 0)
    properties.put(mqtt::PropertyId::kTopicAliasMaximum, std::uint32_t{topic_alias_maximum});
  packet.properties = properties.view();
  packet.clean_start = true;
  packet.client_id = client_id;
  std::string bytes;
  mqtt::encode(bytes, packet);
  receive(client, bytes);
  turn();
  return client;
}

void OneLoop::subscribe(ConnectionId client, std::string_view filter, mqtt::QoS qos, mqtt::ProtocolVersion version) {
  mqtt::SubscribeView packet;
  packet.packet_id = 1;
  mqtt::SubscriptionOptions options;
  options.maximum_qos = qos;
  packet.requests.push_back({filter, options});
  std::string bytes;
  mqtt::encode(bytes, packet, version);
  receive(client, bytes);
  turn();
}

void OneLoop::retain(std::string_view topic, std::string_view payload) {
  mqtt::MessageView fields;
  fields.topic = topic;
  fields.payload = as_bytes(payload);
  fields.retain = true;
  broker_->retained.set(mqtt::Message::make(fields));
}

void OneLoop::receive(ConnectionId client, std::string_view bytes) {
  const std::size_t consumed = broker_->shard.receive(client, as_bytes(bytes), broker_->now);
  if (consumed < bytes.size()) held_back_.push_back({client, std::string(bytes.substr(consumed))});
}

void OneLoop::turn() {
  while (perform()) {
  }
}

bool OneLoop::iterate() {
  Shard& shard = broker_->shard;
  const bool is_due = shard.next_deadline() <= broker_->now.steady;
  if (is_due) shard.run_timers(broker_->now);
  return perform() || is_due;
}

bool OneLoop::offer_again() {
  if (held_back_.empty()) return false;
  std::vector<HeldBack> again;
  again.swap(held_back_);
  for (const HeldBack& held : again) receive(held.client, held.bytes);
  return true;
}

bool OneLoop::perform() {
  Shard& shard = broker_->shard;
  shard.end_of_iteration();
  Actions& actions = shard.actions();
  bool did = !actions.talkative.empty() || !actions.resumed.empty();
  CHECK(actions.closes.empty() && actions.moves.empty());
  for (std::vector<Mail>& letters : actions.mail) {
    if (letters.empty()) continue;
    did = true;
    std::vector<Mail> mail;
    mail.swap(letters);
    for (Mail& letter : mail) shard.handle(std::move(letter), broker_->now);
  }
  talkative_.swap(actions.talkative);
  for (const ConnectionId client : talkative_) write(client);
  talkative_.clear();
  actions.resumed.clear();
  broker_->reclaim.passed_iteration(0);
  return offer_again() || did;
}

void OneLoop::write(ConnectionId client) {
  Outbox* outbox = broker_->shard.outbox(client);
  if (outbox == nullptr) return;
  while (!outbox->empty()) {
    std::array<iovec, 64> vectors;
    const std::size_t used = outbox->gather(vectors);
    std::size_t size = 0;
    for (std::size_t i = 0; i < used; ++i) {
      size += vectors[i].iov_len;
      if (said_ != nullptr && client == heard_) {
        said_->append(static_cast<const char*>(vectors[i].iov_base), vectors[i].iov_len);
      }
    }
    outbox->consume(size);
    bytes_said_ += size;
  }
  broker_->shard.writable(client, broker_->now);
}

void OneLoop::listen_to(ConnectionId client, std::string* said) {
  heard_ = client;
  said_ = said;
}

}  // namespace mortise::core
