#include "broker/observe/metric_registry.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include "broker/base/check.h"

namespace mortise::observe {

/// One metric; never removed before the registry.
struct MetricRegistry::Entry {
  MetricName name;
  std::string help;
  std::variant<std::monostate, Counter, Gauge, Histogram> metric;
  Entry* older = nullptr;

  MetricSample sample() const {
    MetricSample sample{name, help, {}};
    if (const auto* counter = std::get_if<Counter>(&metric)) {
      sample.value = counter->value();
    } else if (const auto* gauge = std::get_if<Gauge>(&metric)) {
      sample.value = gauge->value();
    } else if (const auto* histogram = std::get_if<Histogram>(&metric)) {
      sample.value = histogram->snapshot();
    }
    return sample;
  }
};

MetricRegistry::~MetricRegistry() {
  Entry* entry = newest_.load(std::memory_order_acquire);
  while (entry != nullptr) delete std::exchange(entry, entry->older);
}

template <class Metric>
Metric& MetricRegistry::find_or_add(const MetricName& name, std::string_view help) {
  std::unique_ptr<Entry> added;
  Entry* newest = newest_.load(std::memory_order_acquire);
  for (;;) {
    // Somebody may have added it since the last look, so each round looks at all of them.
    for (Entry* entry = newest; entry != nullptr; entry = entry->older) {
      if (entry->name != name) continue;
      CHECK(std::holds_alternative<Metric>(entry->metric));
      return *std::get_if<Metric>(&entry->metric);
    }
    if (added == nullptr) {
      added = std::make_unique<Entry>();
      added->name = name;
      added->help = help;
      added->metric.template emplace<Metric>();
    }
    added->older = newest;
    if (newest_.compare_exchange_strong(newest, added.get(), std::memory_order_acq_rel)) break;
  }
  return *std::get_if<Metric>(&added.release()->metric);
}

Counter& MetricRegistry::counter(const MetricName& name, std::string_view help) {
  return find_or_add<Counter>(name, help);
}
Gauge& MetricRegistry::gauge(const MetricName& name, std::string_view help) { return find_or_add<Gauge>(name, help); }
Histogram& MetricRegistry::histogram(const MetricName& name, std::string_view help) {
  return find_or_add<Histogram>(name, help);
}

std::vector<MetricSample> MetricRegistry::snapshot() const {
  std::vector<MetricSample> samples;
  for (const Entry* entry = newest_.load(std::memory_order_acquire); entry != nullptr; entry = entry->older) {
    samples.push_back(entry->sample());
  }
  const auto order_of = [](const MetricSample& sample) {
    return std::tie(sample.name.name, sample.name.label, sample.name.label_value);
  };
  std::sort(samples.begin(), samples.end(),
            [&](const MetricSample& one, const MetricSample& other) { return order_of(one) < order_of(other); });
  return samples;
}

}  // namespace mortise::observe
