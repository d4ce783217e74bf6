// What decoding costs: one packet of each kind that matters, as it lies in a read buffer.
// Run: decode_bench --benchmark_min_time=0.5

#include <benchmark/benchmark.h>

#include <string>

#include "broker/mqtt/decode.h"
#include "broker/mqtt/encode.h"
#include "broker/mqtt/message.h"
#include "tests/bench/instructions.h"

namespace mortise::mqtt {
namespace {

constexpr std::string_view kTopic = "site/042/dev/0001234/temperature/celsius";
const std::string kPayload(64, 'x');

std::string publish_bytes(QoS qos, ProtocolVersion version, PropertiesView properties = {}) {
  PublishView packet;
  packet.qos = qos;
  packet.packet_id = qos == QoS::kAtMostOnce ? PacketId{0} : PacketId{4711};
  packet.topic = kTopic;
  packet.properties = properties;
  packet.payload = as_bytes(kPayload);
  std::string bytes;
  encode(bytes, packet, version);
  return bytes;
}

/// What a request with an answer carries.
PropertyWriter properties_of_a_request() {
  PropertyWriter writer;
  writer.put(PropertyId::kMessageExpiryInterval, 60);
  writer.put(PropertyId::kContentType, "application/json");
  writer.put(PropertyId::kResponseTopic, "site/042/answers");
  writer.put(PropertyId::kCorrelationData, "0123456789abcdef");
  writer.put_pair("trace", "00-4bf92f3577b34da6a3ce929d0e0e4736");
  return writer;
}

/// Finds the frame and decodes it with `decode`, again and again.
template <class Decode>
void decode_again(benchmark::State& state, const std::string& bytes, Decode decode) {
  const CountedInstructions counted(state);
  for (auto _ : state) {
    const auto frame = next_frame(as_bytes(bytes), 1u << 20);
    const auto packet = decode(**frame);
    if (!packet) state.SkipWithError(packet.error().what);
    benchmark::DoNotOptimize(&packet);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}

void decode_publish_of(benchmark::State& state, QoS qos, ProtocolVersion version) {
  decode_again(state, publish_bytes(qos, version),
               [version](const FrameView& frame) { return decode_publish(frame, version); });
}
BENCHMARK_CAPTURE(decode_publish_of, qos0_v311, QoS::kAtMostOnce, ProtocolVersion::k311);
BENCHMARK_CAPTURE(decode_publish_of, qos1_v311, QoS::kAtLeastOnce, ProtocolVersion::k311);
BENCHMARK_CAPTURE(decode_publish_of, qos0_v5, QoS::kAtMostOnce, ProtocolVersion::k5);
BENCHMARK_CAPTURE(decode_publish_of, qos1_v5, QoS::kAtLeastOnce, ProtocolVersion::k5);

void decode_publish_with_properties(benchmark::State& state, QoS qos) {
  const PropertyWriter properties = properties_of_a_request();
  decode_again(state, publish_bytes(qos, ProtocolVersion::k5, properties.view()),
               [](const FrameView& frame) { return decode_publish(frame, ProtocolVersion::k5); });
}
BENCHMARK_CAPTURE(decode_publish_with_properties, qos0_v5, QoS::kAtMostOnce);
BENCHMARK_CAPTURE(decode_publish_with_properties, qos1_v5, QoS::kAtLeastOnce);

void decode_puback(benchmark::State& state) {
  std::string bytes;
  encode(bytes, AcknowledgementView{PacketType::kPuback, 4711, ReasonCode::kSuccess, {}}, ProtocolVersion::k5);
  decode_again(state, bytes, [](const FrameView& frame) { return decode_acknowledgement(frame, ProtocolVersion::k5); });
}
BENCHMARK(decode_puback);

void decode_subscribe(benchmark::State& state, ProtocolVersion version) {
  SubscribeView packet;
  packet.packet_id = 1;
  for (std::int64_t i = 0; i < state.range(0); ++i) packet.requests.push_back({"site/+/dev/#", {}});
  std::string bytes;
  encode(bytes, packet, version);
  decode_again(state, bytes, [version](const FrameView& frame) { return decode(frame, version); });
}
BENCHMARK_CAPTURE(decode_subscribe, v311, ProtocolVersion::k311)->ArgName("filters")->Arg(1)->Arg(10);
BENCHMARK_CAPTURE(decode_subscribe, v5, ProtocolVersion::k5)->ArgName("filters")->Arg(1)->Arg(10);

void decode_connect_with_will(benchmark::State& state, ProtocolVersion version) {
  PropertyWriter properties;
  properties.put(PropertyId::kSessionExpiryInterval, 3600);
  properties.put(PropertyId::kReceiveMaximum, 100);
  ConnectView packet;
  packet.version = version;
  packet.clean_start = true;
  packet.keep_alive = 60;
  packet.client_id = "sensor-0001234";
  if (version == ProtocolVersion::k5) packet.properties = properties.view();
  packet.user_name = "alice";
  packet.password = as_bytes(std::string_view("open sesame"));
  packet.will = WillView{QoS::kAtLeastOnce, true, {}, kTopic, as_bytes(kPayload)};
  std::string bytes;
  encode(bytes, packet);
  decode_again(state, bytes, [](const FrameView& frame) { return decode_connect(frame); });
}
BENCHMARK_CAPTURE(decode_connect_with_will, v311, ProtocolVersion::k311);
BENCHMARK_CAPTURE(decode_connect_with_will, v5, ProtocolVersion::k5);

/// The one copy that a PUBLISH costs.
void make_message(benchmark::State& state) {
  MessageView fields;
  fields.topic = kTopic;
  fields.payload = as_bytes(kPayload);
  const CountedInstructions counted(state);
  for (auto _ : state) {
    const MessagePtr message = Message::make(fields);
    benchmark::DoNotOptimize(message->payload().data());
  }
}
BENCHMARK(make_message);

}  // namespace
}  // namespace mortise::mqtt
