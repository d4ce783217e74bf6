#include "broker/routing/filter_versions.h"

namespace mortise::routing {

namespace {

/// The first two levels of a topic or filter. Borrowed.
struct PrefixView {
  std::string_view first;
  std::string_view second;  // empty when there is none
  std::string_view both;    // with the slash between
  bool has_second = false;
};

PrefixView prefix_of(std::string_view topic) noexcept {
  const std::size_t slash = topic.find('/');
  if (slash == std::string_view::npos) return {topic, {}, topic, false};
  const std::size_t end = std::min(topic.find('/', slash + 1), topic.size());
  return {topic.substr(0, slash), topic.substr(slash + 1, end - slash - 1), topic.substr(0, end), true};
}

// One hash serves three kinds of counter: each takes its own bits, so that equal texts of two kinds do not coincide.
constexpr std::uint64_t kMask = 4095;
std::uint16_t slot_of_first(std::uint64_t hash) noexcept { return static_cast<std::uint16_t>(hash & kMask); }
std::uint16_t slot_of_second(std::uint64_t hash) noexcept { return static_cast<std::uint16_t>((hash >> 20) & kMask); }
std::uint16_t slot_of_both(std::uint64_t hash) noexcept { return static_cast<std::uint16_t>((hash >> 40) & kMask); }

bool is_wildcard(std::string_view level) noexcept { return level == "+" || level == "#"; }

}  // namespace

VersionSlots FilterVersions::slots_of(std::string_view topic) const noexcept {
  const PrefixView prefix = prefix_of(topic);
  return {slot_of_first(hash_(prefix.first)), slot_of_second(hash_(prefix.second)), slot_of_both(hash_(prefix.both))};
}

std::atomic<std::uint64_t>& FilterVersions::counter_of(std::string_view filter) noexcept {
  static_assert(kCounters == kMask + 1);
  const PrefixView prefix = prefix_of(filter);
  const bool any_second = prefix.has_second && is_wildcard(prefix.second);
  if (!is_wildcard(prefix.first)) {
    return any_second ? counters_[slot_of_first(hash_(prefix.first))] : counters_[slot_of_both(hash_(prefix.both))];
  }
  const bool only_second_counts = prefix.first == "+" && prefix.has_second && !any_second;
  return only_second_counts ? counters_[slot_of_second(hash_(prefix.second))] : everything_;
}

void FilterVersions::changed(std::string_view filter) noexcept {
  counter_of(filter).fetch_add(1, std::memory_order_acq_rel);
}

}  // namespace mortise::routing
