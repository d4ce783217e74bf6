#pragma once

#include <string>

#include "broker/admin/broker_access.h"

namespace mortise::admin {

inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/// The sample in Prometheus' text format: names begin with mortise_, counters end in _total, units are bytes and
/// seconds.
std::string metrics_text(const Sample& sample, const BrokerAccess& broker);

}  // namespace mortise::admin
