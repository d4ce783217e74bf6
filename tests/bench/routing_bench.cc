// What routing costs: matching with and without the cache, memory of a subscription, many subscribers of one filter.
// Run: routing_bench --benchmark_min_time=0.5

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/routing/level_hash.h"
#include "broker/routing/retained_index.h"
#include "broker/routing/subscription_index.h"

namespace mortise::routing {
namespace {

std::size_t heap_in_use() {
  const struct mallinfo2 now = mallinfo2();
  return now.uordblks + now.hblkhd;
}

/// "site/042/dev/0001234": 20 bytes, four levels; every device under one of 1,000 sites.
std::string device_topic(std::uint32_t device) {
  char text[32];
  std::snprintf(text, sizeof text, "site/%03u/dev/%07u", device % 1000, device);
  return text;
}

IndexedSubscription subscription(std::uint32_t session) {
  IndexedSubscription made;
  made.entry.subscriber = {{session, 1}, static_cast<LoopIndex>(session % 2)};
  return made;
}

/// An index of `count` subscriptions to as many topics, and what it costs.
struct Filled {
  explicit Filled(std::uint32_t count) : size(count) {
    reclaim.went_to_sleep(0);
    reclaim.woke_up(0);
    std::vector<std::string> filters;
    for (std::uint32_t i = 0; i < count; ++i) filters.push_back(device_topic(i));
    const std::size_t before = heap_in_use();
    for (std::uint32_t i = 0; i < count; ++i) {
      index.subscribe(filters[i], subscription(i));
      if (i % 64 == 0) reclaim.passed_iteration(0);
    }
    reclaim.passed_iteration(0);
    reclaim.reclaim();
    bytes_per_subscription = static_cast<double>(heap_in_use() - before) / count;
    for (std::uint32_t i = 0; i < kTopics; ++i) topics.push_back(device_topic(i * 7919u % count));
  }

  static constexpr std::uint32_t kTopics = 4096;
  const std::uint32_t size;
  ReclaimDomain reclaim{1};
  SubscriptionIndex index{reclaim};
  double bytes_per_subscription = 0;
  std::vector<std::string> topics;
};

/// Made once per size: a million subscriptions take a while.
Filled& filled(std::int64_t count) {
  static std::map<std::int64_t, std::unique_ptr<Filled>> made;
  auto& one = made[count];
  if (!one) one = std::make_unique<Filled>(static_cast<std::uint32_t>(count));
  return *one;
}

void hash_of_20_bytes(benchmark::State& state) {
  const LevelHash hash;
  std::string topic = device_topic(1234);
  for (auto _ : state) {
    benchmark::DoNotOptimize(topic.data());
    benchmark::DoNotOptimize(hash(topic));
  }
}
BENCHMARK(hash_of_20_bytes);

void match_uncached(benchmark::State& state) {
  Filled& setup = filled(state.range(0));
  std::size_t next = 0;
  for (auto _ : state) {
    const MatchResultPtr result = setup.index.match(setup.topics[next]);
    benchmark::DoNotOptimize(result->entries().data());
    next = (next + 1) % Filled::kTopics;
  }
  state.counters["bytes_per_subscription"] = setup.bytes_per_subscription;
}
BENCHMARK(match_uncached)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

void match_cached(benchmark::State& state) {
  Filled& setup = filled(state.range(0));
  const auto topics = static_cast<std::size_t>(state.range(1));
  MatchCache cache(setup.index, {});
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(cache.match(setup.topics[next])->entries().data());
    if (++next == topics) next = 0;
  }
  state.counters["hits"] = static_cast<double>(cache.counters().hits) / static_cast<double>(state.iterations());
}
BENCHMARK(match_cached)
    ->ArgNames({"subscriptions", "topics"})
    ->ArgsProduct({{1'000, 100'000, 1'000'000}, {1, 64, 4096}});

/// The same while somebody else subscribes and unsubscribes elsewhere between the matches.
void match_cached_while_others_subscribe(benchmark::State& state) {
  Filled& setup = filled(state.range(0));
  MatchCache cache(setup.index, {});
  std::size_t next = 0;
  std::uint32_t other = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(cache.match(setup.topics[next])->entries().data());
    next = (next + 1) % 64;
    if (next != 0) continue;
    state.PauseTiming();
    const std::string filter = "elsewhere/" + std::to_string(other++ % 1000) + "/#";
    setup.index.subscribe(filter, subscription(0));
    setup.index.unsubscribe(filter, subscription(0).entry.subscriber);
    setup.reclaim.passed_iteration(0);
    state.ResumeTiming();
  }
  state.counters["hits"] = static_cast<double>(cache.counters().hits) / static_cast<double>(state.iterations());
}
BENCHMARK(match_cached_while_others_subscribe)->Arg(1'000'000)->Iterations(64 * 2000);

void subscribe_and_unsubscribe(benchmark::State& state) {
  Filled& setup = filled(state.range(0));
  std::uint32_t next = 0;
  for (auto _ : state) {
    const std::string filter = "site/500/dev/new" + std::to_string(next++ % 100000);
    setup.index.subscribe(filter, subscription(0));
    setup.index.unsubscribe(filter, subscription(0).entry.subscriber);
    setup.reclaim.passed_iteration(0);
  }
}
BENCHMARK(subscribe_and_unsubscribe)->Arg(1'000)->Arg(1'000'000);

/// Filters of several shapes, each other than all before.
std::string filter_of_shape(std::int64_t shape, std::uint32_t i) {
  char text[96];
  switch (shape) {
    case 0:
      return device_topic(i);
    case 1:  // a level of its own and two below it
      std::snprintf(text, sizeof text, "tenant/%07u/cmd/#", i);
      break;
    case 2:  // the same with a UUID
      std::snprintf(text, sizeof text, "devices/%08x-9a1c-4f6e-8d2b-%012x/telemetry/+", i * 2654435761u, i);
      break;
    default:  // three levels of its own
      std::snprintf(text, sizeof text, "fleet/%07u/%07u/%07u", i, i, i);
  }
  return text;
}

void subscribe_distinct(benchmark::State& state) {
  constexpr std::uint32_t kCount = 1'000'000;
  double bytes = 0;
  for (auto _ : state) {
    ReclaimDomain reclaim(1);
    reclaim.went_to_sleep(0);
    SubscriptionIndex index(reclaim);
    const std::size_t before = heap_in_use();
    for (std::uint32_t i = 0; i < kCount; ++i) index.subscribe(filter_of_shape(state.range(0), i), subscription(i));
    reclaim.reclaim();
    bytes = static_cast<double>(heap_in_use() - before) / kCount;
  }
  state.counters["each"] = benchmark::Counter(static_cast<double>(state.iterations()) * kCount,
                                              benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bytes_per_subscription"] = bytes;
}
BENCHMARK(subscribe_distinct)->ArgName("shape")->DenseRange(0, 3)->Iterations(1)->Unit(benchmark::kMillisecond);

/// All on one filter: the cost of one subscriber must not grow with their number.
void subscribe_all_to_one_filter(benchmark::State& state) {
  const auto subscribers = static_cast<std::uint32_t>(state.range(0));
  double bytes = 0;
  for (auto _ : state) {
    ReclaimDomain reclaim(1);
    reclaim.went_to_sleep(0);
    SubscriptionIndex index(reclaim);
    const std::size_t before = heap_in_use();
    for (std::uint32_t i = 0; i < subscribers; ++i) index.subscribe("news", subscription(i));
    reclaim.reclaim();
    bytes = static_cast<double>(heap_in_use() - before) / subscribers;
  }
  state.counters["each"] = benchmark::Counter(static_cast<double>(state.iterations()) * subscribers,
                                              benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bytes_per_subscription"] = bytes;
}
BENCHMARK(subscribe_all_to_one_filter)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

void match_many_subscribers(benchmark::State& state) {
  ReclaimDomain reclaim(1);
  SubscriptionIndex index(reclaim);
  for (std::int64_t i = 0; i < state.range(0); ++i)
    index.subscribe("news", subscription(static_cast<std::uint32_t>(i)));
  for (auto _ : state) benchmark::DoNotOptimize(index.match("news")->entries().data());
  state.counters["each"] = benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)),
                                              benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(match_many_subscribers)->Arg(100)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMicrosecond);

/// A RetainedIndex of `count` messages, and what it costs besides them.
struct FilledRetained {
  explicit FilledRetained(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::string topic = device_topic(i);
      mqtt::MessageView fields;
      fields.topic = topic;
      fields.payload = as_bytes("12");
      messages.push_back(mqtt::Message::make(fields));
    }
    const std::size_t before = heap_in_use();
    for (const mqtt::MessagePtr& message : messages) index.set(message);
    reclaim.passed_iteration(0);
    reclaim.reclaim();
    bytes_per_message = static_cast<double>(heap_in_use() - before) / count;
  }

  ReclaimDomain reclaim{1};
  RetainedIndex index{reclaim, {}};
  std::vector<mqtt::MessagePtr> messages;
  double bytes_per_message = 0;
};

void retained_set_and_match(benchmark::State& state) {
  FilledRetained setup(static_cast<std::uint32_t>(state.range(0)));
  std::size_t next = 0;
  for (auto _ : state) {
    const mqtt::MessagePtr& message = setup.messages[next];
    setup.index.set(message);
    RetainedCursor cursor;
    std::size_t nodes = 256;
    setup.index.match(message->topic(), cursor, nodes, {},
                      [](const mqtt::MessagePtr& found, std::uint64_t) { return bool{found}; });
    next = (next + 7919) % setup.messages.size();
    setup.reclaim.passed_iteration(0);
  }
  state.counters["index_bytes_per_message"] = setup.bytes_per_message;
}
BENCHMARK(retained_set_and_match)->Arg(1'000)->Arg(1'000'000);

/// What this thread worked, not counting who else had the processor meanwhile; in microseconds.
double worked_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// Filters that walk the whole tree, page by page: one finds everything, the other nothing. What a loop does at a time
/// is a page.
void retained_walk(benchmark::State& state) {
  FilledRetained setup(1'000'000);
  const std::string filter = state.range(0) == 0 ? "#" : "+/+/+/+/nothing";
  std::vector<double> pages;
  for (auto _ : state) {
    RetainedCursor cursor;
    for (bool is_over = false; !is_over;) {
      auto nodes = static_cast<std::size_t>(state.range(1));
      const double begin = worked_us();
      is_over = setup.index.match(filter, cursor, nodes, {},
                                  [](const mqtt::MessagePtr& found, std::uint64_t) { return bool{found}; });
      pages.push_back(worked_us() - begin);
    }
  }
  std::sort(pages.begin(), pages.end());
  state.counters["page_us_worst"] = pages.back();
  state.counters["page_us_99.9%"] = pages[pages.size() - 1 - pages.size() / 1000];
  state.counters["page_us_median"] = pages[pages.size() / 2];
  state.counters["each"] = benchmark::Counter(static_cast<double>(state.iterations()) * 1'000'000,
                                              benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(retained_walk)
    ->ArgNames({"finds_nothing", "page"})
    ->ArgsProduct({{0, 1}, {256, 1024, 10'000'000}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mortise::routing
