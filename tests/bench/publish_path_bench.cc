// One PUBLISH through the core: received bytes, decoded, routed, delivered, in the outboxes; no sockets. `batch`: whole
// packets in one read, as the loop finds them at that load. `each` is the time of one delivery.
// Run: publish_path_bench --benchmark_min_time=0.5

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/mqtt/encode.h"
#include "tests/bench/instructions.h"
#include "tests/bench/one_loop.h"

namespace mortise::core {
namespace {

using mqtt::ProtocolVersion;
using mqtt::QoS;

constexpr std::size_t kPairs = 50;
const std::string kPayload(64, 'x');

std::string topic_of(std::size_t pair) { return "bench/12345678901234567890/" + std::to_string(pair + 10); }

std::string publish_bytes(const std::string& topic, QoS qos, mqtt::PacketId packet_id, ProtocolVersion version) {
  mqtt::PublishView packet;
  packet.qos = qos;
  packet.packet_id = packet_id;
  packet.topic = topic;
  packet.payload = as_bytes(kPayload);
  std::string bytes;
  mqtt::encode(bytes, packet, version);
  return bytes;
}

/// `batch` packets as one read finds them.
std::string batch_of(const std::string& topic, QoS qos, std::int64_t batch, ProtocolVersion version) {
  std::string bytes;
  for (std::int64_t i = 1; i <= batch; ++i) {
    bytes += publish_bytes(topic, qos, qos == QoS::kAtMostOnce ? mqtt::PacketId{0} : static_cast<mqtt::PacketId>(i),
                           version);
  }
  return bytes;
}

/// Ends a benchmark: `deliveries` in each iteration, and every byte of them must have been said.
void finish(benchmark::State& state, std::int64_t deliveries, std::uint64_t said, std::uint64_t expected) {
  state.counters["each"] = benchmark::Counter(static_cast<double>(state.iterations() * deliveries),
                                              benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  if (said != expected) state.SkipWithError("not everything was delivered");
}

// ---- Plugins that are not asked about a PUBLISH ----

/// Lets everybody in, and has no authorize hook.
class OtherHook final : public hooks::AuthHooks {
 public:
  bool has_authenticate() const noexcept override { return true; }
  bool has_authorize() const noexcept override { return false; }
  hooks::Answer<hooks::AuthDecision> authenticate(const hooks::ConnectRequestPtr&, const hooks::Ticket&, Now) override {
    hooks::AuthDecision decision;
    decision.verdict = hooks::Verdict::kAllow;
    return decision;
  }
  hooks::Answer<hooks::AccessDecision> authorize(const hooks::AccessRequestPtr&, const hooks::Ticket&, Now) override {
    return hooks::FailureKind::kError;
  }
  bool expire(const hooks::Ticket&) override { return false; }
  void cancel(const hooks::Ticket&) override {}
};

class PrefixForAll final : public hooks::TopicHooks {
 public:
  hooks::Answer<hooks::BindDecision> bind(const hooks::BindRequestPtr&, const hooks::Ticket&, Now) override {
    hooks::BindDecision decision;
    decision.is_bound = true;
    decision.prefix = "tenant/alice/";
    return decision;
  }
  bool expire(const hooks::Ticket&) override { return false; }
  void cancel(const hooks::Ticket&) override {}
};

/// Allows every PUBLISH, and says for how long that may be kept.
class AllowAndCache final : public hooks::AuthHooks {
 public:
  bool has_authenticate() const noexcept override { return false; }
  bool has_authorize() const noexcept override { return true; }
  hooks::Answer<hooks::AuthDecision> authenticate(const hooks::ConnectRequestPtr&, const hooks::Ticket&, Now) override {
    return hooks::FailureKind::kError;
  }
  hooks::Answer<hooks::AccessDecision> authorize(const hooks::AccessRequestPtr&, const hooks::Ticket&, Now) override {
    hooks::AccessDecision decision;
    decision.verdict = hooks::Verdict::kAllow;
    decision.cache_scope = hooks::CacheScope::kTopic;
    decision.cache_for = Millis(3'600'000);
    return decision;
  }
  bool expire(const hooks::Ticket&) override { return false; }
  void cancel(const hooks::Ticket&) override {}
};

enum class Plugins { kNone, kOtherHook, kAffix, kCachedRights };

hooks::DispatchPtr dispatch_of(Plugins plugins) {
  auto dispatch = std::make_shared<hooks::Dispatch>();
  if (plugins == Plugins::kOtherHook) dispatch->auth.push_back({"other", std::make_shared<OtherHook>()});
  if (plugins == Plugins::kCachedRights) dispatch->auth.push_back({"rights", std::make_shared<AllowAndCache>()});
  if (plugins == Plugins::kAffix) dispatch->topic.push_back({"prefix", std::make_shared<PrefixForAll>()});
  return dispatch;
}

// ---- Who talks to whom ----

/// Fifty publishers, each with a subscriber of its own; every one of them had a batch in this turn.
void pairs(benchmark::State& state, Plugins plugins, ProtocolVersion version) {
  OneLoop loop(dispatch_of(plugins));
  const std::int64_t batch = state.range(0);
  std::vector<ConnectionId> publishers;
  std::vector<std::string> reads;
  for (std::size_t i = 0; i < kPairs; ++i) {
    publishers.push_back(loop.connect("p" + std::to_string(i), version));
    loop.subscribe(loop.connect("s" + std::to_string(i), version), topic_of(i), QoS::kAtMostOnce, version);
    reads.push_back(batch_of(topic_of(i), QoS::kAtMostOnce, batch, version));
  }
  const std::uint64_t before = loop.bytes_said();
  {
    const CountedInstructions counted(state);
    for (auto _ : state) {
      for (std::size_t i = 0; i < kPairs; ++i) loop.receive(publishers[i], reads[i]);
      loop.turn();
    }
  }
  finish(state, static_cast<std::int64_t>(kPairs) * batch, loop.bytes_said() - before,
         static_cast<std::uint64_t>(state.iterations()) * kPairs * reads[0].size());
}
BENCHMARK_CAPTURE(pairs, v311, Plugins::kNone, ProtocolVersion::k311)->ArgName("batch")->Arg(1)->Arg(16);
BENCHMARK_CAPTURE(pairs, v5, Plugins::kNone, ProtocolVersion::k5)->ArgName("batch")->Arg(1)->Arg(16);
BENCHMARK_CAPTURE(pairs, v311_other_hook, Plugins::kOtherHook, ProtocolVersion::k311)->ArgName("batch")->Arg(16);
BENCHMARK_CAPTURE(pairs, v311_affix, Plugins::kAffix, ProtocolVersion::k311)->ArgName("batch")->Arg(16);
BENCHMARK_CAPTURE(pairs, v311_cached_rights, Plugins::kCachedRights, ProtocolVersion::k311)->ArgName("batch")->Arg(16);

/// The same where subscribers take Topic Aliases: after the first message the topic, 29 bytes of 98, is three.
void pairs_with_aliases(benchmark::State& state) {
  constexpr ProtocolVersion kVersion = ProtocolVersion::k5;
  OneLoop loop;
  const std::int64_t batch = state.range(0);
  std::vector<ConnectionId> publishers;
  std::vector<std::string> reads;
  for (std::size_t i = 0; i < kPairs; ++i) {
    publishers.push_back(loop.connect("p" + std::to_string(i), kVersion));
    loop.subscribe(loop.connect("s" + std::to_string(i), kVersion, 16), topic_of(i), QoS::kAtMostOnce, kVersion);
    reads.push_back(batch_of(topic_of(i), QoS::kAtMostOnce, batch, kVersion));
  }
  const std::uint64_t before = loop.bytes_said();
  {
    const CountedInstructions counted(state);
    for (auto _ : state) {
      for (std::size_t i = 0; i < kPairs; ++i) loop.receive(publishers[i], reads[i]);
      loop.turn();
    }
  }
  const std::size_t topic = topic_of(0).size();
  const std::size_t saved = static_cast<std::size_t>(batch) * (topic - 3);
  finish(state, static_cast<std::int64_t>(kPairs) * batch, loop.bytes_said() - before,
         kPairs * (static_cast<std::uint64_t>(state.iterations()) * (reads[0].size() - saved) + topic));
}
BENCHMARK(pairs_with_aliases)->ArgName("batch")->Arg(1)->Arg(16);

/// The same at QoS 1, one pair: PUBLISH and PUBACK on both sides.
void pair_qos1(benchmark::State& state) {
  constexpr ProtocolVersion kVersion = ProtocolVersion::k311;
  OneLoop loop;
  const std::int64_t batch = state.range(0);
  const ConnectionId publisher = loop.connect("p", kVersion);
  const ConnectionId subscriber = loop.connect("s", kVersion);
  const std::string topic = topic_of(0);
  loop.subscribe(subscriber, topic, QoS::kAtLeastOnce, kVersion);
  const std::string read = batch_of(topic, QoS::kAtLeastOnce, batch, kVersion);
  const std::size_t packet_size = read.size() / static_cast<std::size_t>(batch);
  const std::size_t packet_id_at = 4 + topic.size();  // fixed header, length of the topic, the topic
  std::string said, acknowledgements;
  loop.listen_to(subscriber, &said);
  bool is_whole = true;
  {
    const CountedInstructions counted(state);
    for (auto _ : state) {
      said.clear();
      loop.receive(publisher, read);
      loop.turn();
      is_whole = is_whole && said.size() == read.size();
      acknowledgements.clear();
      for (std::size_t at = packet_id_at; at < said.size(); at += packet_size) {
        acknowledgements.append("\x40\x02", 2).append(said, at, 2);
      }
      loop.receive(subscriber, acknowledgements);
      loop.turn();
    }
  }
  finish(state, batch, is_whole ? 1 : 0, 1);
}
BENCHMARK(pair_qos1)->ArgName("batch")->Arg(1)->Arg(16);

void fan_out(benchmark::State& state, Plugins plugins) {
  constexpr ProtocolVersion kVersion = ProtocolVersion::k311;
  constexpr std::size_t kReceivers = 100;
  OneLoop loop(dispatch_of(plugins));
  const std::int64_t batch = state.range(0);
  const ConnectionId publisher = loop.connect("p", kVersion);
  for (std::size_t i = 0; i < kReceivers; ++i) {
    loop.subscribe(loop.connect("s" + std::to_string(i), kVersion), topic_of(0), QoS::kAtMostOnce, kVersion);
  }
  const std::string read = batch_of(topic_of(0), QoS::kAtMostOnce, batch, kVersion);
  const std::uint64_t before = loop.bytes_said();
  {
    const CountedInstructions counted(state);
    for (auto _ : state) {
      loop.receive(publisher, read);
      loop.turn();
    }
  }
  finish(state, static_cast<std::int64_t>(kReceivers) * batch, loop.bytes_said() - before,
         static_cast<std::uint64_t>(state.iterations()) * kReceivers * read.size());
}
BENCHMARK_CAPTURE(fan_out, none, Plugins::kNone)->ArgName("batch")->Arg(1)->Arg(16);
BENCHMARK_CAPTURE(fan_out, affix, Plugins::kAffix)->ArgName("batch")->Arg(16);

void fan_in(benchmark::State& state) {
  constexpr ProtocolVersion kVersion = ProtocolVersion::k311;
  OneLoop loop;
  const std::int64_t batch = state.range(0);
  std::vector<ConnectionId> publishers;
  for (std::size_t i = 0; i < kPairs; ++i) publishers.push_back(loop.connect("p" + std::to_string(i), kVersion));
  loop.subscribe(loop.connect("s", kVersion), topic_of(0), QoS::kAtMostOnce, kVersion);
  const std::string read = batch_of(topic_of(0), QoS::kAtMostOnce, batch, kVersion);
  const std::uint64_t before = loop.bytes_said();
  {
    const CountedInstructions counted(state);
    for (auto _ : state) {
      for (const ConnectionId publisher : publishers) loop.receive(publisher, read);
      loop.turn();
    }
  }
  finish(state, static_cast<std::int64_t>(kPairs) * batch, loop.bytes_said() - before,
         static_cast<std::uint64_t>(state.iterations()) * kPairs * read.size());
}
BENCHMARK(fan_in)->ArgName("batch")->Arg(1)->Arg(16);

}  // namespace
}  // namespace mortise::core
