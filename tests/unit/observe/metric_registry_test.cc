#include "broker/observe/metric_registry.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace mortise::observe {
namespace {

TEST(MetricRegistryTest, TheSameNameAndLabelIsTheSameMetric) {
  MetricRegistry registry;
  Counter& full = registry.counter({"dropped_total", "reason", "queue_full"});
  Counter& late = registry.counter({"dropped_total", "reason", "expired"});
  EXPECT_NE(&full, &late);
  EXPECT_EQ(&full, &registry.counter({"dropped_total", "reason", "queue_full"}));
}

TEST(MetricRegistryTest, ASnapshotHoldsEveryKindInOrder) {
  MetricRegistry registry;
  registry.histogram({"c_ns", "", ""}).record(std::chrono::nanoseconds(100));
  registry.gauge({"b", "", ""}).set(-3);
  registry.counter({"a_total", "x", "2"}, "help of a").add(2);
  registry.counter({"a_total", "x", "1"}).add(1);
  const std::vector<MetricSample> samples = registry.snapshot();
  ASSERT_EQ(samples.size(), 4u);
  EXPECT_EQ(samples[0].name.label_value, "1");
  EXPECT_EQ(std::get<std::uint64_t>(samples[1].value), 2u);
  EXPECT_EQ(samples[1].help, "help of a");
  EXPECT_EQ(std::get<std::int64_t>(samples[2].value), -3);
  EXPECT_EQ(std::get<HistogramSnapshot>(samples[3].value).count, 1u);
}

TEST(MetricRegistryTest, ThreadsThatAskForTheSameNameGetTheSameMetric) {
  MetricRegistry registry;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) registry.counter({"n" + std::to_string(n), "", ""}).add();
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::vector<MetricSample> samples = registry.snapshot();
  EXPECT_EQ(samples.size(), 50u);
  for (const MetricSample& sample : samples) EXPECT_EQ(std::get<std::uint64_t>(sample.value), 8u) << sample.name.name;
}

TEST(MetricRegistryDeathTest, AskingForAnotherKindUnderTheSameNameIsOurMistake) {
  MetricRegistry registry;
  registry.counter({"a", "", ""});
  EXPECT_DEATH(registry.gauge({"a", "", ""}), "");
}

}  // namespace
}  // namespace mortise::observe
