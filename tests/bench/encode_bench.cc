// What encoding a PUBLISH costs: for one receiver, and for a hundred of the same layout (encoded once, copied, the
// Packet Identifier patched) against encoding for each of them.
// Run: encode_bench --benchmark_min_time=0.5

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "broker/mqtt/encode.h"
#include "tests/bench/instructions.h"

namespace mortise::mqtt {
namespace {

const std::string kPayload(64, 'x');

PublishView packet_of(QoS qos) {
  PublishView packet;
  packet.qos = qos;
  packet.packet_id = qos == QoS::kAtMostOnce ? PacketId{0} : PacketId{1};
  packet.topic = "site/042/dev/0001234/temperature/celsius";
  packet.payload = as_bytes(kPayload);
  return packet;
}

std::vector<ByteBuffer> buffers_of(std::int64_t receivers) {
  std::vector<ByteBuffer> buffers(static_cast<std::size_t>(receivers));
  for (ByteBuffer& buffer : buffers) buffer.reserve(256);
  return buffers;
}

void count_each(benchmark::State& state) {
  state.counters["each"] = benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)),
                                              benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

/// As a delivery is made: one encoding per layout, then bytes.
void encode_once(benchmark::State& state, QoS qos, ProtocolVersion version) {
  const PublishView packet = packet_of(qos);
  std::vector<ByteBuffer> receivers = buffers_of(state.range(0));
  ByteBuffer encoded;
  {
    const CountedInstructions counted(state);
    for (auto _ : state) {
      encoded.clear();
      const std::size_t packet_id_at = encode_publish_head(encoded, packet, {}, version);
      encoded.append(kPayload);
      PacketId packet_id = 0;
      for (ByteBuffer& receiver : receivers) {
        receiver.clear();
        receiver.append(encoded);
        if (packet_id_at == 0) continue;
        ++packet_id;
        receiver[packet_id_at] = static_cast<char>(packet_id >> 8);
        receiver[packet_id_at + 1] = static_cast<char>(packet_id & 0xFF);
      }
      benchmark::ClobberMemory();
    }
  }
  count_each(state);
}
BENCHMARK_CAPTURE(encode_once, qos0_v311, QoS::kAtMostOnce, ProtocolVersion::k311)
    ->ArgName("receivers")
    ->Arg(1)
    ->Arg(100);
BENCHMARK_CAPTURE(encode_once, qos1_v5, QoS::kAtLeastOnce, ProtocolVersion::k5)->ArgName("receivers")->Arg(1)->Arg(100);

/// What encoding once saves.
void encode_for_each(benchmark::State& state, QoS qos, ProtocolVersion version) {
  PublishView packet = packet_of(qos);
  std::vector<ByteBuffer> receivers = buffers_of(state.range(0));
  {
    const CountedInstructions counted(state);
    for (auto _ : state) {
      for (ByteBuffer& receiver : receivers) {
        receiver.clear();
        encode(receiver, packet, version);
      }
      benchmark::ClobberMemory();
    }
  }
  count_each(state);
}
BENCHMARK_CAPTURE(encode_for_each, qos1_v5, QoS::kAtLeastOnce, ProtocolVersion::k5)->ArgName("receivers")->Arg(100);

void encode_puback(benchmark::State& state) {
  ByteBuffer out;
  const CountedInstructions counted(state);
  for (auto _ : state) {
    out.clear();
    encode(out, AcknowledgementView{PacketType::kPuback, 4711, ReasonCode::kSuccess, {}}, ProtocolVersion::k5);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(encode_puback);

}  // namespace
}  // namespace mortise::mqtt
