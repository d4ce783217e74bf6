#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "broker/admin/broker_access.h"
#include "broker/base/time.h"

namespace mortise::cli {

/// The topics under `$SYS/broker/` in which a broker tells of itself: the names that Mosquitto's users monitor, and
/// `plugins/<name>/...`. Unsynchronised; used by the control thread. Holds one short text for each topic.
class SysTopics {
 public:
  using Publish = std::function<void(const std::string& topic, const std::string& value)>;

  /// `publish` is called for what has changed, with the whole topic; the message is to be retained.
  SysTopics(std::string version, SteadyTime started, Publish publish);

  /// New numbers. Loads are per minute, averaged over the last 1, 5 and 15, as an operating system's are.
  void update(const admin::Sample& sample, SteadyTime now);

 private:
  struct Load {
    std::uint64_t last = 0;
    std::array<double, 3> averages{};  // over kLoadMinutes
  };
  void put(std::string_view name, std::string value);
  void put(std::string_view name, std::uint64_t value) { put(name, std::to_string(value)); }
  void put_load(const std::string& name, std::uint64_t total, double minutes);
  void put_memory(const admin::Sample& sample);
  void put_plugin(const plugin_host::InstanceStatistics& plugin);

  const SteadyTime started_;
  const Publish publish_;
  SteadyTime updated_;
  std::size_t most_clients_ = 0;
  std::map<std::string, std::string, std::less<>> told_;  // by name
  std::map<std::string, Load, std::less<>> loads_;
};

}  // namespace mortise::cli
