#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/observe/counter.h"
#include "broker/observe/histogram.h"

namespace mortise::observe {

/// What a metric is called. The unit is part of the name (`_bytes`, `_total`); a label tells instances apart and may be
/// empty.
struct MetricName {
  std::string name;         // "messages_dropped_total"
  std::string label;        // "reason"
  std::string label_value;  // "queue_full"
  friend bool operator==(const MetricName&, const MetricName&) = default;
};

/// A metric's value at one moment.
struct MetricSample {
  MetricName name;
  std::string help;
  std::variant<std::uint64_t, std::int64_t, HistogramSnapshot> value;  // of a counter, a gauge, a histogram
};

/// Owns the metrics of the broker by name and label. They live as long as it, so whoever counts keeps a reference and
/// pays no look-up. Internally synchronised: a list that only grows, so that adding and reading need no lock.
class MetricRegistry {
 public:
  MetricRegistry() = default;
  ~MetricRegistry();
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  /// The metric of this name and label, made if it is not there (`help` is the first one's). Asking for one kind under
  /// a name that is another is a CHECK failure. Thread: any, meant for start-up. Cost: looks through all.
  Counter& counter(const MetricName& name, std::string_view help = {});
  Gauge& gauge(const MetricName& name, std::string_view help = {});
  Histogram& histogram(const MetricName& name, std::string_view help = {});

  /// All metrics, ordered by name and label. Thread: any.
  std::vector<MetricSample> snapshot() const;

 private:
  struct Entry;
  template <class Metric>
  Metric& find_or_add(const MetricName& name, std::string_view help);

  std::atomic<Entry*> newest_{nullptr};
};

}  // namespace mortise::observe
