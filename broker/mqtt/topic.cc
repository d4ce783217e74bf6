#include "broker/mqtt/topic.h"

#include <algorithm>

#include "broker/mqtt/text_scan.h"

namespace mortise::mqtt {
namespace {

constexpr std::string_view kSharePrefix = "$share/";

// Topic Name Invalid and Topic Filter Invalid are for what is correctly formed and not accepted (5.0 section 2.4).

constexpr Refusal kEmptyName{ReasonCode::kMalformedPacket, "MQTT-4.7.3-1", "an empty Topic Name"};
constexpr Refusal kNotTextName{ReasonCode::kMalformedPacket, "MQTT-1.5.4-1", "a Topic Name that is not UTF-8"};
constexpr Refusal kNulInName{ReasonCode::kMalformedPacket, "MQTT-1.5.4-2", "U+0000 in a Topic Name"};
constexpr Refusal kControlInName{ReasonCode::kMalformedPacket, "5.0 1.5.4", "a control character in a Topic Name"};
constexpr Refusal kWildcardInName{ReasonCode::kMalformedPacket, "MQTT-3.3.2-2", "a wildcard in a Topic Name"};
constexpr Refusal kLongName{ReasonCode::kTopicNameInvalid, "MQTT-4.7.3-3", "a Topic Name longer than it may be"};
constexpr Refusal kDeepName{ReasonCode::kTopicNameInvalid, "5.0 4.7.3",
                            "a Topic Name with more levels than it may have"};

constexpr Refusal kEmptyFilter{ReasonCode::kMalformedPacket, "MQTT-4.7.3-1", "an empty Topic Filter"};
constexpr Refusal kHashNotLast{ReasonCode::kMalformedPacket, "MQTT-4.7.1-1",
                               "a Topic Filter with '#' other than as its whole last level"};
constexpr Refusal kPlusInLevel{ReasonCode::kMalformedPacket, "MQTT-4.7.1-2",
                               "a Topic Filter with '+' other than as a whole level"};
constexpr Refusal kLongFilter{ReasonCode::kTopicFilterInvalid, "MQTT-4.7.3-3", "a Topic Filter longer than it may be"};
constexpr Refusal kDeepFilter{ReasonCode::kTopicFilterInvalid, "5.0 4.7.3",
                              "a Topic Filter with more levels than it may have"};
constexpr Refusal kNoShareName{ReasonCode::kMalformedPacket, "MQTT-4.8.2-1",
                               "a Shared Subscription without a ShareName"};
constexpr Refusal kBadShareName{ReasonCode::kMalformedPacket, "MQTT-4.8.2-2",
                                "a Shared Subscription whose ShareName holds a wildcard"};
constexpr Refusal kShareWithoutFilter{ReasonCode::kMalformedPacket, "MQTT-4.8.2-2",
                                      "a Shared Subscription without a Topic Filter after its ShareName"};

bool exceeds(std::size_t value, std::size_t limit) noexcept { return limit != 0 && value > limit; }

bool has_too_many_levels(std::string_view topic, const TopicLimits& limits) noexcept {
  if (limits.maximum_levels == 0 || topic.size() < limits.maximum_levels) return false;
  return static_cast<std::size_t>(std::count(topic.begin(), topic.end(), '/')) >= limits.maximum_levels;
}

bool starts_with_dollar(std::string_view topic) noexcept { return !topic.empty() && topic.front() == '$'; }

Result<void, Refusal> check_filter(std::string_view filter, const TopicLimits& limits) noexcept {
  if (filter.empty()) return failure(kEmptyFilter);
  for (std::size_t at = filter.find_first_of("+#"); at != std::string_view::npos;
       at = filter.find_first_of("+#", at + 1)) {
    const bool starts_level = at == 0 || filter[at - 1] == '/';
    const bool is_last = at + 1 == filter.size();
    if (filter[at] == '#' && !(starts_level && is_last)) return failure(kHashNotLast);
    if (filter[at] == '+' && !(starts_level && (is_last || filter[at + 1] == '/'))) return failure(kPlusInLevel);
  }
  if (filter.size() > kMaximumStringSize || exceeds(filter.size(), limits.maximum_length)) return failure(kLongFilter);
  if (has_too_many_levels(filter, limits)) return failure(kDeepFilter);
  return {};
}

/// The levels of a Topic Filter one by one, with the end as a state of its own.
class FilterCursorView {
 public:
  explicit FilterCursorView(std::string_view filter) noexcept : levels_(filter) { advance(); }
  void advance() noexcept { ended_ = !levels_.next(level_); }
  bool ended() const noexcept { return ended_; }
  bool is_hash() const noexcept { return !ended_ && level_ == "#"; }
  bool is_plus() const noexcept { return !ended_ && level_ == "+"; }
  std::string_view level() const noexcept { return level_; }

 private:
  LevelsView levels_;
  std::string_view level_;
  bool ended_ = false;
};

/// "a/#" matches "a" too, which no filter with a level more does. "#" and "/#" have no such topic: it would be empty.
bool has_parent_topic(std::string_view filter) noexcept { return filter != "#" && filter != "/#"; }

}  // namespace

bool is_valid_utf8(std::string_view text) noexcept {
  const TextScan scan = scan_text(text);
  return scan.is_utf8 && !scan.has_nul;
}

Result<void, Refusal> check_topic_name(std::string_view topic, const TopicLimits& limits) noexcept {
  const TextScan scan = scan_text(topic);
  if (!scan.is_utf8) return failure(kNotTextName);
  if (scan.has_nul) return failure(kNulInName);
  if (scan.has_control) return failure(kControlInName);
  if (scan.has_wildcard) return failure(kWildcardInName);
  return check_topic_size(topic, limits);
}

Result<void, Refusal> check_topic_size(std::string_view topic, const TopicLimits& limits) noexcept {
  if (topic.empty()) return failure(kEmptyName);
  if (topic.size() > kMaximumStringSize || exceeds(topic.size(), limits.maximum_length)) return failure(kLongName);
  if (has_too_many_levels(topic, limits)) return failure(kDeepName);
  return {};
}

Result<TopicFilterView, Refusal> parse_topic_filter(std::string_view filter, const TopicLimits& limits) noexcept {
  TopicFilterView parsed{{}, filter};
  if (filter.starts_with(kSharePrefix)) {
    const std::string_view rest = filter.substr(kSharePrefix.size());
    const std::size_t slash = rest.find('/');
    parsed.share_name = rest.substr(0, slash);
    if (parsed.share_name.empty()) return failure(kNoShareName);
    if (parsed.share_name.find_first_of("+#") != std::string_view::npos) return failure(kBadShareName);
    if (slash == std::string_view::npos || slash + 1 == rest.size()) return failure(kShareWithoutFilter);
    parsed.filter = rest.substr(slash + 1);
  }
  Result<void, Refusal> checked = check_filter(parsed.filter, limits);
  if (!checked) return std::move(checked).as_failure();
  return parsed;
}

bool matches(std::string_view filter, std::string_view topic) noexcept {
  // [MQTT-4.7.2-1]
  if (starts_with_dollar(topic) && !starts_with_dollar(filter)) return false;
  std::size_t t = 0;
  for (std::size_t f = 0; f < filter.size(); ++f) {
    if (filter[f] == '#') return true;
    if (filter[f] == '+') {
      t = std::min(topic.find('/', t), topic.size());
    } else if (t < topic.size() && topic[t] == filter[f]) {
      ++t;
    } else {
      // "a/#" matches its parent level "a" too.
      return t == topic.size() && filter.substr(f) == "/#";
    }
  }
  return t == topic.size();
}

bool covers(std::string_view wide, std::string_view narrow) noexcept {
  if (starts_with_dollar(narrow) && !starts_with_dollar(wide)) return false;
  FilterCursorView w(wide);
  FilterCursorView n(narrow);
  for (;; w.advance(), n.advance()) {
    if (w.is_hash()) return true;
    if (w.ended() || n.ended()) return w.ended() && n.ended();
    if (n.is_hash()) return !has_parent_topic(narrow) && w.is_plus() && (w.advance(), w.is_hash());
    if (!w.is_plus() && w.level() != n.level()) return false;
  }
}

bool overlaps(std::string_view one, std::string_view other) noexcept {
  const auto starts_with_wildcard = [](std::string_view filter) {
    return filter.starts_with('+') || filter.starts_with('#');
  };
  if (starts_with_dollar(one) && starts_with_wildcard(other)) return false;
  if (starts_with_dollar(other) && starts_with_wildcard(one)) return false;
  FilterCursorView a(one);
  FilterCursorView b(other);
  for (;; a.advance(), b.advance()) {
    if (a.is_hash()) return !b.ended() || has_parent_topic(one);
    if (b.is_hash()) return !a.ended() || has_parent_topic(other);
    if (a.ended() || b.ended()) return a.ended() && b.ended();
    if (!a.is_plus() && !b.is_plus() && a.level() != b.level()) return false;
  }
}

}  // namespace mortise::mqtt
