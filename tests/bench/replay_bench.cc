// What a SUBSCRIBE costs the others on its loop when much is retained: how long one iteration takes, while all of it is
// sent or looked through in vain.
// Run: replay_bench --benchmark_min_time=0.5

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "broker/mqtt/encode.h"
#include "tests/bench/one_loop.h"

namespace mortise::core {
namespace {

/// What this thread worked, not counting who else had the processor meanwhile; in microseconds.
double worked_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// Iterations of the loop from a SUBSCRIBE until there is nothing to do any more.
void subscribe_to_retained(benchmark::State& state, const char* filter) {
  OneLoop loop;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    char topic[32];
    std::snprintf(topic, sizeof topic, "site/%03u/dev/%07u", static_cast<unsigned>(i % 1000), static_cast<unsigned>(i));
    loop.retain(topic, std::string(64, 'x'));
  }
  mqtt::SubscribeView packet;
  packet.packet_id = 1;
  packet.requests.push_back({filter, {}});
  std::string subscribe;
  mqtt::encode(subscribe, packet, mqtt::ProtocolVersion::k5);

  std::vector<double> iterations;
  for (auto _ : state) {
    const ConnectionId client = loop.connect("c" + std::to_string(iterations.size()), mqtt::ProtocolVersion::k5);
    double begin = worked_us();
    loop.receive(client, subscribe);
    for (bool goes_on = true; goes_on;) {
      goes_on = loop.iterate();
      const double end = worked_us();
      iterations.push_back(end - begin);
      begin = end;
    }
  }
  std::sort(iterations.begin(), iterations.end());
  state.counters["iteration_us_worst"] = iterations.back();
  state.counters["iteration_us_99.9%"] = iterations[iterations.size() - 1 - iterations.size() / 1000];
  state.counters["iteration_us_median"] = iterations[iterations.size() / 2];
  state.counters["iterations"] = static_cast<double>(iterations.size()) / static_cast<double>(state.iterations());
  state.counters["bytes_said"] = static_cast<double>(loop.bytes_said()) / static_cast<double>(state.iterations());
}
BENCHMARK_CAPTURE(subscribe_to_retained, all, "#")->Arg(1'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(subscribe_to_retained, nothing, "+/+/+/+/nothing")
    ->Arg(1'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mortise::core
