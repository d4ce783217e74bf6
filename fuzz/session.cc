// Clients that do anything at any moment, against a broker of one to three loops with a manual clock, hooks that answer
// late or never, and a store that is slow or fails. ClientWatch checks every packet; at the end everybody leaves, time
// passes, and nothing may be left of it: no connection, session, group, timer, subscription, token or stored session.
// The input is a script: five bytes of settings, then operations (a byte each; kOperations), each followed by what it
// reads. session.seeds.py writes scripts by name.

#include <array>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/base/check.h"
#include "broker/base/log.h"
#include "fuzz/input.h"
#include "tests/unit/core/client_watch.h"
#include "tests/unit/core/scripted_hooks.h"

namespace mortise::fuzz {
namespace {

using namespace core::testing;
using core::ShardHoldings;
using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::QoS;

constexpr std::size_t kMaximumOperations = 250;
constexpr std::size_t kDevices = 5;

class Script {
 public:
  explicit Script(InputView input) : input_(input), watch_(watch_options()) {
    const std::uint8_t hooks = input_.byte();
    has_tenants_ = (hooks & 1) != 0;
    has_rights_ = (hooks & 2) != 0;
    answers_late_ = (hooks & 4) != 0;
    authenticates_ = (hooks & 8) != 0;
    plugins_.auth->is_still_open = (hooks & 16) == 0;
    if ((hooks & 32) != 0) plugins_.auth_failure = hooks::AuthFailurePolicy::kNext;
    has_exchanges_ = (hooks & 64) != 0;
    late_questions_ = input_.byte();
    script_hooks();
    broker_ = std::make_unique<TestBroker>(options(input_.byte(), input_.byte(), input_.byte()));
    if (answers_late_ || has_store_) watch_.expect_delays();
  }

  void run() {
    for (std::size_t done = 0; !input_.is_empty() && done < kMaximumOperations; ++done) step();
    leave();
    check_nothing_is_left();
  }

 private:
  struct Device {
    TestClient* connection = nullptr;
    mqtt::PacketId next_packet_id = 1;
  };
  using Operation = void (Script::*)(Device&);
  /// A pending question of the auth plugin: of authorize, of exchange, or else of authenticate.
  struct LateQuestion {
    hooks::AccessRequestPtr access = {};
    hooks::ExchangeId exchange = 0;
    std::uint32_t step = 0;
  };

  // ---- Settings -----------------------------------------------------------------------------------------------------

  WatchOptions watch_options() {
    WatchOptions made;
    made.tenant_of = [this](std::string_view client_id) { return tenant(client_id); };
    made.is_forbidden = [this](std::string_view topic) { return has_rights_ && topic.ends_with("secret"); };
    return made;
  }

  TestOptions options(std::uint8_t where, std::uint8_t limits, std::uint8_t queue) {
    static constexpr std::uint16_t kWindows[] = {1000, 1, 2, 8};
    using session::WhenFull;
    static constexpr WhenFull kPolicies[] = {WhenFull::kDropOldest, WhenFull::kDropNew, WhenFull::kReject};
    static constexpr std::uint64_t kQueues[] = {10'000, 2, 5, 700};
    TestOptions made;
    made.loops = 1 + where % 3;
    made.has_store = has_store_ = (where & 4) != 0;
    made.on_store_failure = static_cast<core::Shared::StoreFailure>((where >> 3) % 3);
    made.session.takeover = (where & 64) != 0 ? session::TakeOver::kAny : session::TakeOver::kSameUser;
    made.session.max_inflight = kWindows[limits % 4];
    made.mqtt.receive_maximum = (limits & 4) != 0 ? 2 : 100;
    made.mqtt.topic_alias_maximum = 3;
    made.mqtt.max_keep_alive = (limits & 8) != 0 ? 7 : 0;
    made.session.max_subscriptions = (limits & 16) != 0 ? 3 : 1000;
    made.session.read_ahead_max_bytes = (limits & 32) != 0 ? 60 : 256u << 10;
    made.session.parked_acks_max = (limits & 64) != 0 ? 2 : 1024;
    made.session.outbox_max_bytes = (limits & 128) != 0 ? 200 : 8u << 20;
    made.replay = {2, 3};
    made.session.expiry_interval_max = Seconds(100'000);
    made.session.queue.max_messages = kQueues[queue % 4];
    made.session.queue.when_full = kPolicies[(queue >> 4) % 4 == 3 ? 2 : queue >> 2 & 1];
    made.session.queue.max_bytes = (queue & 8) != 0 ? 2000 : 16u << 20;
    made.dispatch = plugins_.dispatch();
    made.observer = &watch_;
    return made;
  }

  /// Tenants differ by the first letter of the Client Identifier; those that are assigned begin with "auto-".
  std::string tenant(std::string_view client_id) const {
    return has_tenants_ ? std::string(client_id.empty() ? "a" : client_id.substr(0, 1)) : std::string();
  }

  hooks::BindDecision affix(const mqtt::Principal& principal) const {
    return bind_to("tenant-" + tenant(principal.client_id) + "/");
  }

  /// Nobody reads "secret", nobody writes "denied".
  static hooks::AccessDecision decide(const hooks::AccessRequest& request) {
    if (request.action != hooks::Action::kSubscribe) return access(!request.original_topic.starts_with("denied"));
    hooks::AccessDecision decision = access(!request.original_topic.ends_with("secret"));
    decision.rules = {{{false, "secret"}, {false, "tenant-a/secret"}, {false, "tenant-b/secret"}}};
    return decision;
  }

  bool is_late() { return answers_late_ && !is_leaving_ && ((late_questions_ >> (questions_++ % 8)) & 1) != 0; }
  hooks::Pending pending() { return {broker_->now().steady + Millis(4000)}; }

  void script_hooks() {
    if (authenticates_) {
      plugins_.auth->on_authenticate = [this](const hooks::ConnectRequest&) -> hooks::Answer<hooks::AuthDecision> {
        if (!is_late()) return allow_connect();
        late_auth_.emplace_back();
        return pending();
      };
    }
    if (has_rights_) {
      plugins_.auth->on_authorize = [this](const hooks::AccessRequest& asked) -> hooks::Answer<hooks::AccessDecision> {
        if (!is_late()) return decide(asked);
        late_auth_.push_back({std::make_shared<hooks::AccessRequest>(asked)});
        return pending();
      };
    }
    if (has_exchanges_) {
      plugins_.auth->on_exchange =
          [this](const hooks::ExchangeRequest& asked) -> hooks::Answer<hooks::ExchangeDecision> {
        CHECK((asked.step == 1) == running_.insert(asked.exchange).second);
        if (!is_late()) return take_step(asked.exchange, asked.step);
        late_auth_.push_back({nullptr, asked.exchange, asked.step});
        return pending();
      };
    }
    if (!has_tenants_) return;
    plugins_.topic->on_bind = [this](const hooks::BindRequest& asked) -> hooks::Answer<hooks::BindDecision> {
      if (!is_late()) return affix(*asked.principal);
      return pending();
    };
  }

  /// A few steps, then yes or no, by the number of the exchange.
  hooks::ExchangeDecision take_step(hooks::ExchangeId exchange, std::uint32_t number) {
    if (number <= exchange % 3) return core::testing::step(hooks::Verdict::kContinue, "more");
    // An answer that comes too late decides nothing.
    const auto& ended = plugins_.auth->ended;
    if (std::find(ended.begin(), ended.end(), exchange) == ended.end()) running_.erase(exchange);
    return core::testing::step(exchange % 5 == 4 ? hooks::Verdict::kDeny : hooks::Verdict::kAllow);
  }

  // ---- Operations ---------------------------------------------------------------------------------------------------

  static constexpr std::size_t kOperations = 22;

  void step() {
    static constexpr std::array<Operation, kOperations> kTable{
        &Script::connect,  &Script::subscribe,     &Script::unsubscribe, &Script::publish, &Script::owed_front,
        &Script::owed_any, &Script::wrong,         &Script::disconnect,  &Script::drop,    &Script::stop_reading,
        &Script::read_on,  &Script::advance,       &Script::answer,      &Script::durable, &Script::pages,
        &Script::store,    &Script::plugin_intent, &Script::credit,      &Script::ping,    &Script::raw,
        &Script::accept,   &Script::owed_all,
    };
    const Operation operation = kTable[input_.byte() % kOperations];
    Device& device = devices_[input_.byte() % kDevices];
    if (device.connection != nullptr && !device.connection->is_open()) device.connection = nullptr;
    (this->*operation)(device);
    for (Device& each : devices_) {
      if (each.connection != nullptr) each.connection->take_types();
    }
  }

  template <class Packet>
  void send(const Device& device, const Packet& packet) {
    if (device.connection != nullptr && device.connection->is_open()) device.connection->send(packet);
  }

  void accept(Device& device) {
    static constexpr mqtt::ProtocolVersion kVersions[] = {mqtt::ProtocolVersion::k5, mqtt::ProtocolVersion::k311,
                                                          mqtt::ProtocolVersion::k31};
    // The older one is dropped, or stays open for a take-over.
    const bool drops = input_.flag();
    if (device.connection != nullptr && drops) device.connection->drop();
    device.connection = &broker_->client(input_.pick(kVersions));
    device.next_packet_id = 1;
  }

  void connect(Device& device) {
    static constexpr std::string_view kClientIds[] = {"a1", "b1", "a2", ""};
    static constexpr std::uint32_t kExpiries[] = {0, 30, 1, 0xFFFFFFFF};
    static constexpr std::uint32_t kReceiveMaxima[] = {0, 1, 2, 5};
    static constexpr std::uint32_t kPacketSizes[] = {0, 0, 60, 200};
    static constexpr std::string_view kUsers[] = {"", "", "", "u"};
    accept(device);
    const TestClient& client = *device.connection;
    mqtt::ConnectView packet;
    packet.version = client.version();
    packet.client_id = input_.pick(kClientIds);
    const std::uint8_t how = input_.byte();
    packet.clean_start = (how & 1) != 0 || (packet.client_id.empty() && client.version() != mqtt::ProtocolVersion::k5);
    packet.keep_alive = (how & 2) != 0 ? 10 : 0;
    mqtt::PropertyWriter properties, will_properties;
    put_if(properties, PropertyId::kSessionExpiryInterval, input_.pick(kExpiries));
    if ((how & 4) != 0) {
      put_if(properties, PropertyId::kReceiveMaximum, input_.pick(kReceiveMaxima));
      put_if(properties, PropertyId::kMaximumPacketSize, input_.pick(kPacketSizes));
      const std::string_view user = input_.pick(kUsers);
      if (!user.empty()) packet.user_name = user;
    }
    if (has_exchanges_ && (how & 2) != 0) properties.put(PropertyId::kAuthenticationMethod, std::string_view("M"));
    packet.properties = properties.view();
    const std::string payload = next_payload(0);
    if ((how & 8) != 0) {
      if ((how & 16) != 0) will_properties.put(PropertyId::kWillDelayInterval, std::uint32_t{input_.byte()});
      packet.will = mqtt::WillView{static_cast<QoS>(how / 32 % 3), (how & 128) != 0, will_properties.view(), topic(),
                                   as_bytes(payload)};
    }
    std::string bytes;
    mqtt::encode(bytes, packet);
    device.connection->send(std::string_view(bytes));
  }

  static void put_if(mqtt::PropertyWriter& properties, PropertyId id, std::uint32_t number) {
    if (number != 0) properties.put(id, number);
  }

  std::string_view topic() {
    static constexpr std::string_view kTopics[] = {"a", "a/b", "a/c", "b", "secret", "denied/x", "$x/a", "$SYS/a"};
    return input_.pick(kTopics);
  }
  std::string_view filter() {
    static constexpr std::string_view kFilters[] = {"a",      "#",          "a/+",        "a/#",          "+/b",
                                                    "secret", "$x/#",       "$share/g/#", "$share/g/a/+", "$share/h/a",
                                                    "b",      "$share/h/#", "$SYS/#",     "a//+",         "+"};
    return input_.pick(kFilters);
  }

  void subscribe(Device& device) {
    mqtt::SubscribeView packet;
    packet.packet_id = packet_id(device);
    const std::uint8_t count = input_.byte();
    for (int left = 1 + count % 3; left > 0; --left) {
      mqtt::SubscriptionRequestView request;
      request.filter = filter();
      const std::uint8_t how = input_.byte();
      request.options = {static_cast<QoS>(how % 3), false, (how & 8) != 0,
                         static_cast<mqtt::RetainHandling>(how / 16 % 3)};
      request.options.no_local = (how & 4) != 0 && (!request.filter.starts_with("$share") || (how & 64) != 0);
      packet.requests.push_back(request);
    }
    mqtt::PropertyWriter properties;
    put_if(properties, PropertyId::kSubscriptionIdentifier, count / 3u % 4);
    packet.properties = properties.view();
    send(device, packet);
  }

  void unsubscribe(Device& device) {
    mqtt::UnsubscribeView packet;
    packet.packet_id = packet_id(device);
    for (int left = 1 + input_.byte() % 2; left > 0; --left) packet.filters.push_back(filter());
    send(device, packet);
  }

  void publish(Device& device) {
    static constexpr std::uint32_t kExpiries[] = {1, 5, 0, 60};
    const std::uint8_t how = input_.byte();
    mqtt::PublishView packet;
    packet.qos = static_cast<QoS>(how % 3);
    packet.retain = (how & 4) != 0;
    packet.dup = (how & 8) != 0 && packet.qos != QoS::kAtMostOnce;
    if (packet.qos != QoS::kAtMostOnce) packet.packet_id = packet_id(device);
    const std::string payload = (how & 16) != 0 ? next_payload(input_.byte()) : next_payload(0);
    packet.payload = as_bytes(payload);
    packet.topic = topic();
    mqtt::PropertyWriter properties;
    if ((how & 32) != 0) {
      const std::uint8_t alias = input_.byte();
      properties.put(PropertyId::kTopicAlias, std::uint32_t{alias} % 5);
      const bool is_v5 = device.connection != nullptr && device.connection->version() == mqtt::ProtocolVersion::k5;
      if ((alias & 128) != 0 && is_v5) packet.topic = {};
    }
    if ((how & 64) != 0) properties.put(PropertyId::kMessageExpiryInterval, input_.pick(kExpiries));
    packet.properties = properties.view();
    send(device, packet);
  }

  /// Mostly one that is not in use.
  mqtt::PacketId packet_id(Device& device) {
    const std::uint8_t how = input_.byte();
    if (how >= 200) return static_cast<mqtt::PacketId>(1 + how % 4);
    device.next_packet_id = static_cast<mqtt::PacketId>(device.next_packet_id % 60'000 + 1);
    return device.next_packet_id;
  }

  /// Each one differs, but the empty one that removes what is retained; long ones are referenced instead of copied.
  std::string next_payload(std::uint8_t how) {
    if (how % 4 == 1) return {};
    std::string payload = "n" + std::to_string(++payloads_);
    if (how % 4 == 2) payload.append(how * 40u, '.');
    return payload;
  }

  void send_owed(const Device& device, std::size_t at, mqtt::ReasonCode reason) {
    if (device.connection == nullptr || !device.connection->is_open()) return;
    auto& owed = watch_.owed(*device.connection);
    if (at >= owed.size()) return;
    mqtt::AcknowledgementView packet;
    packet.type = owed[at].type;
    packet.packet_id = owed[at].packet_id;
    packet.reason = reason;
    owed.erase(owed.begin() + static_cast<std::ptrdiff_t>(at));
    send(device, packet);
  }

  void owed_front(Device& device) { send_owed(device, 0, mqtt::ReasonCode::kSuccess); }
  void owed_any(Device& device) {
    const std::uint8_t how = input_.byte();
    if (device.connection == nullptr) return;
    const auto& owed = watch_.owed(*device.connection);
    const std::size_t at = owed.empty() ? 0 : how % owed.size();
    const bool may_fail =
        !owed.empty() && (owed[at].type == PacketType::kPuback || owed[at].type == PacketType::kPubrec);
    send_owed(device, at, may_fail && how >= 200 ? mqtt::ReasonCode::kQuotaExceeded : mqtt::ReasonCode::kSuccess);
  }
  void owed_all(Device& device) {
    for (int left = 60; left > 0; --left) owed_front(device);
  }
  void wrong(Device& device) {
    static constexpr PacketType kTypes[] = {PacketType::kPuback, PacketType::kPubrec, PacketType::kPubrel,
                                            PacketType::kPubcomp};
    mqtt::AcknowledgementView packet;
    packet.type = input_.pick(kTypes);
    packet.packet_id = static_cast<mqtt::PacketId>(1 + input_.byte() % 16);
    send(device, packet);
  }

  void disconnect(Device& device) {
    const std::uint8_t how = input_.byte();
    mqtt::DisconnectView packet;
    if ((how & 1) != 0) packet.reason = mqtt::ReasonCode::kDisconnectWithWillMessage;
    mqtt::PropertyWriter properties;
    if ((how & 2) != 0) properties.put(PropertyId::kSessionExpiryInterval, std::uint32_t{how} / 4);
    packet.properties = properties.view();
    send(device, packet);
  }
  void drop(Device& device) {
    if (device.connection != nullptr) device.connection->drop();
    device.connection = nullptr;
  }
  void stop_reading(Device& device) {
    if (device.connection == nullptr) return;
    watch_.expect_slowness(*device.connection);
    device.connection->takes_bytes = false;
  }
  void read_on(Device& device) {
    if (device.connection != nullptr) device.connection->read_on();
  }
  void ping(Device& device) {
    if (!has_exchanges_) return send(device, mqtt::PingreqView{});
    static constexpr std::string_view kMethods[] = {"M", "M", "M", "N"};
    mqtt::AuthView packet;
    packet.reason = input_.flag() ? mqtt::ReasonCode::kReAuthenticate : mqtt::ReasonCode::kContinueAuthentication;
    mqtt::PropertyWriter properties;
    properties.put(PropertyId::kAuthenticationMethod, input_.pick(kMethods));
    packet.properties = properties.view();
    const bool is_v5 = device.connection != nullptr && device.connection->version() == mqtt::ProtocolVersion::k5;
    if (is_v5) send(device, packet);
  }
  void raw(Device& device) {
    const std::string_view bytes = input_.text(input_.byte() % 48);
    if (device.connection != nullptr && device.connection->is_open()) device.connection->send(bytes);
  }

  void advance(Device&) {
    static constexpr std::int64_t kMillis[] = {10, 900, 4100, 16'000, 61'000, 200'000'000, 1000, 8000};
    broker_->advance(Millis(input_.pick(kMillis)));
  }

  /// The oldest or the newest question, as it should be answered or with a failure.
  void answer(Device&) {
    const std::uint8_t how = input_.byte();
    const bool fails = how % 8 == 7;
    auto& binds = *plugins_.topic;
    if ((how & 64) != 0 && !binds.pending.empty())
      return answer_bind((how & 128) != 0 ? binds.pending.size() - 1 : 0, fails);
    if (!plugins_.auth->pending.empty()) answer_auth((how & 128) != 0 ? plugins_.auth->pending.size() - 1 : 0, fails);
  }
  void answer_bind(std::size_t at, bool fails) {
    auto& binds = *plugins_.topic;
    const hooks::Ticket ticket = binds.pending[at];
    const hooks::BindRequestPtr request = binds.pending_requests[at];
    binds.pending.erase(binds.pending.begin() + static_cast<std::ptrdiff_t>(at));
    binds.pending_requests.erase(binds.pending_requests.begin() + static_cast<std::ptrdiff_t>(at));
    if (fails) return broker_->answer(ticket, hooks::FailureKind::kError);
    broker_->answer(ticket, affix(*request->principal));
  }
  void answer_auth(std::size_t at, bool fails) {
    const hooks::Ticket ticket = plugins_.auth->pending[at];
    const LateQuestion question = late_auth_[at];
    plugins_.auth->pending.erase(plugins_.auth->pending.begin() + static_cast<std::ptrdiff_t>(at));
    late_auth_.erase(late_auth_.begin() + static_cast<std::ptrdiff_t>(at));
    if (fails) return broker_->answer(ticket, hooks::FailureKind::kError);
    if (question.exchange != 0) return broker_->answer(ticket, take_step(question.exchange, question.step));
    if (question.access == nullptr) return broker_->answer(ticket, allow_connect());
    broker_->answer(ticket, decide(*question.access));
  }

  void durable(Device&) {
    const std::uint8_t how = input_.byte();
    if (how % 4 == 0) return broker_->make_durable();
    const auto loop = static_cast<LoopIndex>(how % broker_->loops());
    const std::uint64_t from = broker_->journal(loop).durable, to = broker_->journal(loop).position();
    if (to > from) broker_->make_durable(loop, from + 1 + how % (to - from));
  }
  void pages(Device&) { broker_->serve_pages(input_.byte() % 4 == 3); }
  void store(Device&) { broker_->store_fails(input_.flag()); }

  void plugin_intent(Device&) {
    static constexpr const char* kClientIds[] = {"a1", "b1", "a2"};
    const std::uint8_t how = input_.byte();
    if (how % 4 == 0) return broker_->kick(kClientIds[how / 4 % 3]);
    if (how % 4 == 1) return broker_->invalidate(kClientIds[how / 4 % 3]);
    const std::string payload = next_payload(0);
    mqtt::MessageView fields;
    fields.topic = topic();
    fields.payload = as_bytes(payload);
    fields.qos = static_cast<QoS>(how / 4 % 3);
    fields.received_at = broker_->now().wall;
    // A plugin's topics are routed as they are; what a tenant sees of them, its affix says.
    if (has_tenants_) return;
    watch_.published_by_plugin(fields.topic, payload, fields.qos);
    broker_->perform_intent("a1", hooks::PublishIntent{mqtt::Message::make(fields)});
  }

  void credit(Device&) {
    const std::uint8_t how = input_.byte();
    watch_.expect_delays();
    broker_->shard(static_cast<LoopIndex>(how / 2 % broker_->loops())).set_mail_credit((how & 1) != 0);
    broker_->settle();
  }

  // ---- The end ------------------------------------------------------------------------------------------------------

  void answer_everything() {
    while (!plugins_.topic->pending.empty()) answer_bind(0, false);
    while (!plugins_.auth->pending.empty()) answer_auth(0, false);
  }

  void leave() {
    is_leaving_ = true;
    watch_.expect_delays();
    broker_->store_fails(false);
    for (LoopIndex loop = 0; loop < broker_->loops(); ++loop) broker_->shard(loop).set_mail_credit(true);
    // A late answer that is on its way does come.
    if (!plugins_.auth->is_still_open) answer_everything();
    for (std::size_t number = 0; number < broker_->clients(); ++number) broker_->client_at(number).drop();
    for (int round = 0; round < 3; ++round) {
      broker_->advance(Millis(20'000));  // what is pending is over
      broker_->make_durable();
      broker_->serve_pages();
    }
    broker_->advance(std::chrono::hours(48));  // sessions and Wills
    broker_->make_durable();
    broker_->advance(std::chrono::hours(48));
  }

  void check_nothing_is_left() {
    CHECK(broker_->total(&ShardHoldings::connections) == 0);
    CHECK(broker_->total(&ShardHoldings::sessions) == 0);
    CHECK(broker_->total(&ShardHoldings::session_names) == 0);
    CHECK(broker_->total(&ShardHoldings::groups) == 0);
    CHECK(broker_->total(&ShardHoldings::group_names) == 0);
    CHECK(broker_->total(&ShardHoldings::attaching) == 0);
    CHECK(broker_->total(&ShardHoldings::timers) == 1);
    CHECK(broker_->total(&ShardHoldings::parked) == 0);
    CHECK(broker_->total(&ShardHoldings::held) == 0);
    CHECK(broker_->total(&ShardHoldings::ending) == 0);
    CHECK(broker_->total(&ShardHoldings::replaying) == 0);
    CHECK(broker_->total(&ShardHoldings::stalled_publishers) == 0);
    CHECK(broker_->index().size() == 0);
    CHECK(broker_->ledger().outstanding.empty());
    for (LoopIndex loop = 0; loop < broker_->loops(); ++loop) CHECK(broker_->journal(loop).sessions.empty());
    check_exchanges();
    check_tokens(plugins_.auth->pending, plugins_.auth->cancelled, plugins_.auth->expired);
    check_tokens(plugins_.topic->pending, plugins_.topic->cancelled, plugins_.topic->expired);
  }

  /// Each one ended once: by a verdict, or the plugin was told.
  void check_exchanges() {
    for (const hooks::ExchangeId exchange : plugins_.auth->ended) CHECK(running_.erase(exchange) == 1);
    CHECK(running_.empty());
  }

  /// What was never answered was cancelled or ran out of time: no plugin waits for nobody.
  static void check_tokens(const std::vector<hooks::Ticket>& pending, const std::vector<hooks::Ticket>& cancelled,
                           const std::vector<hooks::Ticket>& expired) {
    for (const hooks::Ticket& ticket : pending) {
      CHECK(std::find(cancelled.begin(), cancelled.end(), ticket) != cancelled.end() ||
            std::find(expired.begin(), expired.end(), ticket) != expired.end());
    }
  }

  InputView input_;
  bool has_tenants_ = false, has_rights_ = false, answers_late_ = false, authenticates_ = false, has_store_ = false;
  bool has_exchanges_ = false;
  bool is_leaving_ = false;
  std::uint8_t late_questions_ = 0;  // a bit for each of eight in turn
  unsigned questions_ = 0;
  ClientWatch watch_;
  Plugins plugins_;
  std::vector<LateQuestion> late_auth_;  // of plugins_.auth->pending
  std::set<hooks::ExchangeId> running_;  // neither decided nor, by `ended`, over
  std::unique_ptr<TestBroker> broker_;
  std::array<Device, kDevices> devices_;
  std::uint32_t payloads_ = 0;
};

}  // namespace
}  // namespace mortise::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool is_traced = std::getenv("MORTISE_TRACE") != nullptr;  // ClientWatch prints packets then
  if (!is_traced)
    mortise::set_log_sink([](mortise::LogLevel, std::string_view, std::string_view) {}, mortise::LogLevel::kError);
  mortise::fuzz::Script(mortise::fuzz::InputView(data, size)).run();
  return 0;
}
