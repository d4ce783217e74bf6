// What a topic affix costs: a name into the broker, a name out of it, a filter. Without one the topic is used as it is,
// which is the baseline here; publish_path_bench has the whole way with and without.
// Run: affix_bench --benchmark_min_time=0.5

#include <benchmark/benchmark.h>

#include <string>

#include "broker/hooks/affix.h"
#include "tests/bench/instructions.h"

namespace mortise::hooks {
namespace {

constexpr std::string_view kTopic = "site/042/dev/0001234";

AffixPtr affix() { return *Affix::make("tenant/alice/", "", kAffixAll, 1); }
AffixPtr affix_with_suffix() { return *Affix::make("tenant/alice/", "/v1", kAffixAll, 1); }

/// The way in and the way out of one message, as the core takes it; a null affix is "no affix".
void in_and_out(benchmark::State& state, const AffixPtr& affix) {
  std::string scratch;
  std::string_view topic = kTopic;
  const CountedInstructions counted(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(topic);
    std::string_view routed = topic;
    if (affix && affix->applies_to(kAffixPublish)) routed = *affix->apply(kAffixPublish, topic, scratch);
    benchmark::DoNotOptimize(routed);
    std::string_view seen = affix ? *affix->invert(routed) : routed;
    benchmark::DoNotOptimize(seen);
  }
}
void no_affix(benchmark::State& state) { in_and_out(state, nullptr); }
BENCHMARK(no_affix);
void prefix(benchmark::State& state) { in_and_out(state, affix()); }
BENCHMARK(prefix);
void prefix_and_suffix(benchmark::State& state) { in_and_out(state, affix_with_suffix()); }
BENCHMARK(prefix_and_suffix);

void apply_alone(benchmark::State& state) {
  const AffixPtr rule = affix();
  std::string scratch;
  const CountedInstructions counted(state);
  for (auto _ : state) benchmark::DoNotOptimize(rule->apply(kAffixPublish, kTopic, scratch)->data());
}
BENCHMARK(apply_alone);

void strip_alone(benchmark::State& state) {
  const AffixPtr rule = affix();
  const std::string routed = "tenant/alice/" + std::string(kTopic);
  const CountedInstructions counted(state);
  for (auto _ : state) benchmark::DoNotOptimize(rule->invert(routed)->data());
}
BENCHMARK(strip_alone);

void apply_to_filter(benchmark::State& state) {
  const AffixPtr rule = affix();
  std::string scratch;
  const CountedInstructions counted(state);
  for (auto _ : state) benchmark::DoNotOptimize(rule->apply_to_filter(kAffixSubscribe, "site/+/#", scratch)->data());
}
BENCHMARK(apply_to_filter);

}  // namespace
}  // namespace mortise::hooks
