#include "world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "broker/base/check.h"
#include "tests/conformance/packet_dump.h"

namespace mortise::simulation {

using core::ShardCounters;
using core::ShardHoldings;
using core::testing::TestBroker;
using core::testing::TestOptions;

namespace {

constexpr std::uint32_t kExpiryMax = 100'000;
constexpr std::size_t kTracedMax = 20'000;

}  // namespace

World::World(std::uint64_t seed, Totals& totals)
    : seed_(seed),
      random_(seed),
      totals_(totals),
      watch_([this] {
        core::testing::WatchOptions made;
        made.on_violation = [this](const std::string& what, const std::string& id) { fail(what, id); };
        return made;
      }()),
      has_store_(chance(75)),
      model_(has_store_, kExpiryMax, [this](const std::string& what, const std::string& id) { fail(what, id); }) {
  limits_ = options();
  if (limits_.session.queue.when_full == session::WhenFull::kReject) model_.expect_refusals();
  credit_bytes_ = chance(15) ? 2000 : 16u << 20;
  if (has_store_) {
    watch_.expect_delays();
    store_.begin(limits_.loops, credit_bytes_);
  }
  broker_ = std::make_unique<TestBroker>(limits_);
  const std::size_t devices = 3 + below(6);
  for (std::size_t i = 0; i < devices; ++i) devices_.emplace_back("c" + std::to_string(i));
}

TestOptions World::options() {
  static constexpr std::uint16_t kWindows[] = {1000, 1000, 1, 3, 20};
  using session::WhenFull;
  static constexpr WhenFull kPolicies[] = {WhenFull::kDropNew, WhenFull::kDropOldest, WhenFull::kReject};
  static constexpr std::uint64_t kQueues[] = {10'000, 10'000, 10'000, 10'000, 10'000, 4, 700};
  TestOptions made;
  made.loops = 1 + below(3);
  made.has_store = has_store_;
  made.on_store_failure =
      chance(50) ? core::Shared::StoreFailure::kRefusePersistent : core::Shared::StoreFailure::kStopAcks;
  made.session.max_inflight = pick(kWindows);
  made.session.queue.max_messages = pick(kQueues);
  made.session.queue.when_full = pick(kPolicies);
  made.session.parked_acks_max = chance(15) ? 2 : 1024;
  made.session.outbox_max_bytes = chance(10) ? 2000 : 8u << 20;
  made.session.expiry_interval_max = Seconds(kExpiryMax);
  made.mqtt.receive_maximum = 12;
  made.mqtt.topic_alias_maximum = 4;
  if (chance(50)) made.replay = {2, 3};
  made.observer = this;
  if (has_store_) made.journal_of = [this](LoopIndex loop) { return store_.journal(loop); };
  return made;
}

void World::sent(const TestClient& client, std::string_view bytes, Now now) {
  traced_.push_back({client.number(), "", std::string(bytes), client.version(), true, now.wall});
  watch_.sent(client, bytes, now);
  model_.sent(client, bytes, now);
}

void World::received(const TestClient& client, const core::testing::Received& packet, Now now) {
  traced_.push_back({client.number(), "", packet.bytes, client.version(), false, now.wall});
  if (traced_.size() > kTracedMax) traced_.erase(traced_.begin(), traced_.begin() + kTracedMax / 2);
  watch_.received(client, packet, now);
  model_.received(client, packet, now);
}

// ---- A run ----------------------------------------------------------------------------------------------------------

void World::run() {
  const std::uint64_t operations = 100 + below(900);
  for (operation_ = 0; operation_ < operations; ++operation_) step();
  finish();
  ++totals_.runs;
  totals_.operations += operation_;
  totals_.packets += model_.packets();
  totals_.messages += model_.messages();
  totals_.duties += model_.duties();
  totals_.commits += store_.commits();
}

void World::settled() {
  model_.settled(
      broker_->now(), !has_store_ || store_.has_everything(),
      broker_->total(&ShardCounters::dropped_outbox_full) + broker_->total(&ShardCounters::dropped_too_large));
}

void World::step() {
  struct Chance {
    unsigned weight;
    Operation operation;
  };
  static constexpr Chance kTable[] = {
      {12, &World::connect},
      {3, &World::leave},
      {3, &World::drop},
      {8, &World::subscribe},
      {3, &World::unsubscribe},
      {30, &World::publish},
      {14, &World::acknowledge_some},
      {1, &World::stop_reading},
      {4, &World::read_on},
      {2, &World::ping},
      {10, &World::advance},
      {12, &World::commit},
      {12, &World::tell},
      {1, &World::credit},
      {1, &World::restart},
  };
  unsigned all = 0;
  for (const Chance& each : kTable) all += each.weight;
  auto at = static_cast<unsigned>(below(all));
  const Chance* chosen = kTable;
  for (; at >= chosen->weight; ++chosen) at -= chosen->weight;
  (this->*chosen->operation)(devices_[below(devices_.size())]);
  for (Device& each : devices_) take(each);
  settled();
}

void World::print_packets(const std::string& client_id) const {
  constexpr std::size_t kShown = 60;
  std::set<std::size_t> connections;
  for (const Device& device : devices_) {
    for (const Traced& each : traced_) {
      const std::string text = each.bytes;
      if (each.is_sent && device.id == client_id && text.size() > 14 && (text[0] & 0xF0) == 0x10 &&
          text.find(client_id) != std::string::npos)
        connections.insert(each.connection);
    }
  }
  std::vector<std::string> lines;
  for (const Traced& each : traced_) {
    if (!connections.contains(each.connection)) continue;
    std::string line = std::to_string(each.at.time_since_epoch().count() % 1'000'000'000) + " ms, connection " +
                       std::to_string(each.connection) + (each.is_sent ? " -> " : " <- ");
    const auto frame = mqtt::next_frame(as_bytes(each.bytes), 1u << 20);
    if (!frame || !frame->has_value()) {
      line += std::to_string(each.bytes.size()) + " bytes";
    } else if (const auto packet = mqtt::decode(**frame, each.version)) {
      line += mqtt::dump(*packet).substr(0, 300);
    }
    lines.push_back(std::move(line));
  }
  const std::size_t first = lines.size() > kShown ? lines.size() - kShown : 0;
  for (std::size_t i = first; i < lines.size(); ++i) std::fprintf(stderr, "  %s\n", lines[i].c_str());
}

void World::fail(const std::string& what, const std::string& client_id) {
  std::fprintf(stderr, "its last packets:\n");
  print_packets(client_id);
  std::fprintf(stderr, "simulation: client %s: %s\nat operation %llu of seed %llu; %zu loops, %s; again with:\n",
               client_id.c_str(), what.c_str(), static_cast<unsigned long long>(operation_),
               static_cast<unsigned long long>(seed_), broker_ ? broker_->loops() : 0,
               has_store_ ? ("the store:" + store_.describe()).c_str() : "no store");
  std::fprintf(stderr, "  simulation --runs 1 --seed %llu\n", static_cast<unsigned long long>(seed_));
  std::_Exit(1);
}

// ---- Time and the store ---------------------------------------------------------------------------------------------

void World::advance(Device&) {
  const std::uint64_t how = below(100);
  const std::uint64_t most = how < 60 ? 3'000 : (how < 85 ? 60'000 : (how < 97 ? 3'600'000 : 100'000'000));
  advance_by(Millis(below(most)));
}

void World::advance_by(Millis by) {
  for (const Device& device : devices_) {
    if (device.is_connected) totals_.client_hours += std::chrono::duration<double>(by).count() / 3600;
  }
  broker_->advance(by);
  check_keep_alive();
}

void World::check_keep_alive() {
  for (Device& device : devices_) {
    if (device.keep_alive == 0 || !can_say(device)) continue;
    if (!device.connection->is_heard()) device.said_at = broker_->now().wall;  // not counted against it
    if (broker_->now().wall > device.said_at + Millis(device.keep_alive * 1500 + 1000))
      fail("silent for more than one and a half times its Keep Alive [MQTT-3.1.2-22]", device.id);
  }
}

void World::commit(Device&) {
  if (!has_store_) return;
  store_.commit(*broker_, !is_finishing_ && chance(store_.is_failing() ? 60 : 3));
  if (store_.is_stuck()) fail("a group of changes is not whole although the broker is at rest", devices_.front().id);
}

void World::tell(Device&) {
  if (has_store_) store_.tell(*broker_, static_cast<LoopIndex>(below(broker_->loops())));
}

void World::credit(Device&) {
  const auto loop = static_cast<LoopIndex>(below(broker_->loops()));
  watch_.expect_delays();
  broker_->shard(loop).set_mail_credit(chance(70));
  broker_->settle();
}

void World::count_drops() {
  for (const auto counter :
       {&ShardCounters::dropped_outbox_full, &ShardCounters::dropped_queue_full, &ShardCounters::dropped_too_large,
        &ShardCounters::dropped_held, &ShardCounters::group_queue_dropped})
    dropped_ += broker_->total(counter);
}

void World::restart(Device&) {
  if (has_store_) kill(chance(30));
}

void World::kill(bool in_order) {
  ++totals_.restarts;
  if (in_order) {
    broker_->shut_down();
    for (int commits = 0; !store_.has_everything(); ++commits) {
      if (commits > 100) fail("the store never has everything", devices_.front().id);
      store_.commit(*broker_, false);
      for (LoopIndex loop = 0; loop < broker_->loops(); ++loop) store_.tell(*broker_, loop);
    }
    for (Device& each : devices_) take(each);
    settled();
  } else {
    // What was under way may have become durable without anybody being told.
    for (std::uint64_t left = below(3); left > 0; --left) store_.commit(*broker_, false);
  }
  count_drops();
  const bool stored = store_.has_everything();
  if (std::getenv("MORTISE_TRACE") != nullptr)
    std::fprintf(stderr, "the broker is killed at %lld ms;%s\n",
                 static_cast<long long>(broker_->now().wall.time_since_epoch().count() % 1'000'000'000),
                 store_.describe().c_str());
  broker_->sleep(Millis(below(chance(80) ? 5'000 : 10'000'000)));
  const Now now = broker_->now();
  if (chance(30)) limits_.loops = 1 + below(3);
  auto killed = std::move(broker_);
  auto left = store_.begin(limits_.loops, credit_bytes_);
  watch_.killed();
  model_.killed(now, stored);
  broker_ = std::make_unique<TestBroker>(std::move(*killed), limits_, std::move(left));
  for (Device& each : devices_) {
    each.connection = nullptr;
    each.is_connected = false;
    each.older.clear();
  }
}

// ---- The end --------------------------------------------------------------------------------------------------------

void World::finish() {
  is_finishing_ = true;
  for (LoopIndex loop = 0; loop < broker_->loops(); ++loop) broker_->shard(loop).set_mail_credit(true);
  broker_->settle();
  for (Device& each : devices_) read_on(each);
  come_to_rest();
  const auto is_away = [this](const Device& each) { return !can_say(each); };
  // Again for those whose Keep Alive ended meanwhile: what they leave is for them, too, perhaps.
  while (std::any_of(devices_.begin(), devices_.end(), is_away)) {
    for (Device& each : devices_) {
      if (is_away(each)) connect_back(each);
    }
    come_to_rest();
  }
  count_drops();
  model_.finish(broker_->now(), dropped_);
  everybody_leaves();
}

/// Everybody takes and acknowledges what there is, and the store works, until nothing is said any more.
void World::come_to_rest() {
  unsigned quiet = 0;
  for (unsigned round = 0; quiet < 6; ++round) {
    const std::uint64_t before = model_.packets();
    for (Device& each : devices_) {
      take(each);
      acknowledge(each, 1000);
    }
    commit(devices_.front());
    if (has_store_) {
      for (LoopIndex loop = 0; loop < broker_->loops(); ++loop) store_.tell(*broker_, loop);
    }
    advance_by(Millis(100));
    for (Device& each : devices_) take(each);
    settled();
    quiet = model_.packets() == before ? quiet + 1 : 0;
    if (round > 3000) fail("it never comes to rest", devices_.front().id);
  }
}

void World::everybody_leaves() {
  for (Device& each : devices_) drop(each);
  for (int round = 0; round < 3; ++round) {
    broker_->advance(Seconds(kExpiryMax));
    for (int commits = 0; has_store_ && commits < 4; ++commits) {
      store_.commit(*broker_, false);
      for (LoopIndex loop = 0; loop < broker_->loops(); ++loop) store_.tell(*broker_, loop);
    }
  }
  for (const auto what : {&ShardHoldings::connections, &ShardHoldings::sessions, &ShardHoldings::session_names,
                          &ShardHoldings::groups, &ShardHoldings::group_names, &ShardHoldings::attaching,
                          &ShardHoldings::parked, &ShardHoldings::held, &ShardHoldings::replaying}) {
    if (broker_->total(what) != 0) fail("something is left when everybody is gone", devices_.front().id);
  }
  if (broker_->index().size() != 0) fail("a subscription is left when everybody is gone", devices_.front().id);
  if (!store_.is_empty()) fail("something is left in the store when everybody is gone", devices_.front().id);
}

}  // namespace mortise::simulation
