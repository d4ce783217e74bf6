#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "broker/base/result.h"
#include "broker/mqtt/reason_code.h"

namespace mortise::mqtt {

/// 5.0 section 1.5.4: the longest string.
inline constexpr std::size_t kMaximumStringSize = 65535;

/// Well-formed UTF-8 without U+0000, surrogates and overlong forms (MQTT-1.5.4-1, MQTT-1.5.4-2).
bool is_valid_utf8(std::string_view text) noexcept;

/// What the limits on topics are; 0 means no limit.
struct TopicLimits {
  std::size_t maximum_levels = 200;
  std::size_t maximum_length = kMaximumStringSize;
};

/// Whether a Topic Name, or a Topic Filter, belongs to the broker itself (5.0 section 4.7.2).
inline bool is_sys_topic(std::string_view topic) noexcept {
  return topic.starts_with("$SYS") && (topic.size() == 4 || topic[4] == '/');
}

/// Checks a Topic Name: at least one character, no wildcard (MQTT-4.7.3-1, MQTT-3.3.2-2), UTF-8 without U+0000
/// (MQTT-1.5.4-1, MQTT-1.5.4-2), limits. Statement numbers are 5.0's. Errors: Malformed Packet, and Topic Name Invalid
/// for one that is well-formed and above the limits.
Result<void, Refusal> check_topic_name(std::string_view topic, const TopicLimits& limits = {}) noexcept;
/// The part of it that is not about characters: for a Topic Name whose characters were checked before.
Result<void, Refusal> check_topic_size(std::string_view topic, const TopicLimits& limits) noexcept;

/// A Topic Filter taken apart: `$share/{share_name}/{filter}`, or `filter` alone with an empty share name. Borrowed.
struct TopicFilterView {
  std::string_view share_name;
  std::string_view filter;
  bool is_shared() const noexcept { return !share_name.empty(); }
  bool has_wildcard() const noexcept { return filter.find_first_of("+#") != std::string_view::npos; }
};

/// Checks and takes apart a Topic Filter as sent: `#` last and, like `+`, a whole level (MQTT-4.7.1-1, MQTT-4.7.1-2),
/// at least one character (MQTT-4.7.3-1), and for `$share` a share name of at least one character without `/ + #`
/// (MQTT-4.8.2-1), followed by
/// `/` and a filter (MQTT-4.8.2-2). Statement numbers are 5.0's. Errors: Malformed Packet, and Topic Filter Invalid for
/// one that is well-formed and above the limits.
Result<TopicFilterView, Refusal> parse_topic_filter(std::string_view filter, const TopicLimits& limits = {}) noexcept;

/// Whether a (not shared) Topic Filter matches a Topic Name: 5.0 section 4.7, `$` topics and MQTT-4.7.2-1 included.
bool matches(std::string_view filter, std::string_view topic) noexcept;

/// Whether every Topic Name that `narrow` matches is matched by `wide` (both valid Topic Filters).
bool covers(std::string_view wide, std::string_view narrow) noexcept;

/// Whether some Topic Name is matched by both Topic Filters.
bool overlaps(std::string_view one, std::string_view other) noexcept;

/// Walks the levels of a topic: "a//b" has three. Borrowed, for the call.
class LevelsView {
 public:
  explicit LevelsView(std::string_view topic) noexcept : rest_(topic) {}
  /// The next level; false after the last.
  bool next(std::string_view& level) noexcept {
    if (done_) return false;
    const std::size_t slash = rest_.find('/');
    if (slash == std::string_view::npos) {
      level = rest_;
      done_ = true;
      return true;
    }
    level = rest_.substr(0, slash);
    rest_.remove_prefix(slash + 1);
    return true;
  }

 private:
  std::string_view rest_;
  bool done_ = false;
};

}  // namespace mortise::mqtt
