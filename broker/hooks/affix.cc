#include "broker/hooks/affix.h"

#include <cstring>

#include "broker/base/bytes.h"

namespace mortise::hooks {

namespace {

using mqtt::ReasonCode;
using mqtt::Refusal;

Result<void> check_part(const char* part, std::string_view text) {
  const auto wrong = [&](const char* what) {
    return failure("topic " + std::string(part) + " " + quoted(text, 64) + ": " + what);
  };
  if (!mqtt::is_valid_utf8(text)) return wrong("is not valid UTF-8 without U+0000");
  if (text.find_first_of("+#") != std::string_view::npos)
    return wrong("contains a wildcard; only plain levels can be added to a topic");
  return {};
}

/// The three one behind the other, in `out`.
std::string_view join(std::string_view prefix, std::string_view text, std::string_view suffix, std::string& out) {
  const std::size_t size = prefix.size() + text.size() + suffix.size();
  if (out.size() < size) out.resize(size);
  char* at = out.data();
  const auto put = [&at](std::string_view part) {
    if (part.empty()) return;
    std::memcpy(at, part.data(), part.size());
    at += part.size();
  };
  put(prefix);
  put(text);
  put(suffix);
  return {out.data(), size};
}

}  // namespace

Result<std::shared_ptr<const Affix>> Affix::make(const BindDecision& decision) {
  return make(decision.prefix, decision.suffix, decision.operations, decision.rule_version);
}

Result<std::shared_ptr<const Affix>> Affix::make(std::string prefix, std::string suffix, std::uint8_t operations,
                                                 std::uint64_t rule_version) {
  if (auto checked = check_part("prefix", prefix); !checked) return std::move(checked).as_failure();
  if (auto checked = check_part("suffix", suffix); !checked) return std::move(checked).as_failure();
  if (prefix.starts_with('$')) {
    return failure("topic prefix " + quoted(prefix, 64) + ": begins with '$', which is the broker's own");
  }
  if (prefix.size() + suffix.size() >= mqtt::kMaximumStringSize) {
    return failure("topic prefix and suffix take " + std::to_string(prefix.size() + suffix.size()) +
                   " bytes together; a topic has 65535 at most");
  }
  return std::shared_ptr<const Affix>(new Affix(std::move(prefix), std::move(suffix), operations, rule_version));
}

Result<std::string_view, Refusal> Affix::apply(AffixOperations operation, std::string_view topic,
                                               std::string& out) const {
  if (!applies_to(operation)) return topic;
  if (topic.starts_with('$')) {
    return failure(
        Refusal{ReasonCode::kTopicNameInvalid, "5.0 4.7.2", "a Topic Name that begins with $ under a topic affix"});
  }
  if (prefix_.size() + topic.size() + suffix_.size() > mqtt::kMaximumStringSize) {
    return failure(Refusal{ReasonCode::kTopicNameInvalid, "MQTT-4.7.3-3",
                           "the Topic Name is too long with its prefix and suffix"});
  }
  return join(prefix_, topic, suffix_, out);
}

Result<std::string_view, Refusal> Affix::apply_to_filter(AffixOperations operation, std::string_view filter,
                                                         std::string& out) const {
  if (!applies_to(operation) || mqtt::is_sys_topic(filter)) return filter;
  if (filter.starts_with('$')) {
    return failure(
        Refusal{ReasonCode::kTopicFilterInvalid, "5.0 4.7.2", "a Topic Filter that begins with $ under a topic affix"});
  }
  if (prefix_.size() + filter.size() + suffix_.size() > mqtt::kMaximumStringSize) {
    return failure(Refusal{ReasonCode::kTopicFilterInvalid, "MQTT-4.7.3-3",
                           "the Topic Filter is too long with its prefix and suffix"});
  }
  const std::string_view joined = join(prefix_, filter, suffix_, out);
  // Joining can turn a whole-level wildcard into part of a level: "+/x" under "t-", "a/#" under a suffix.
  if (!mqtt::parse_topic_filter(joined, {0, mqtt::kMaximumStringSize})) {
    return failure(Refusal{ReasonCode::kTopicFilterInvalid, "MQTT-4.7.1-2",
                           "the Topic Filter is not valid with its prefix and suffix"});
  }
  return joined;
}

std::optional<std::string_view> Affix::invert(std::string_view routed) const noexcept {
  if (mqtt::is_sys_topic(routed) || !applies_to(kAffixSubscribe)) return routed;
  if (routed.size() <= prefix_.size() + suffix_.size()) return std::nullopt;
  if (!routed.starts_with(prefix_) || !routed.ends_with(suffix_)) return std::nullopt;
  routed.remove_prefix(prefix_.size());
  routed.remove_suffix(suffix_.size());
  if (routed.starts_with('$')) return std::nullopt;
  return routed;
}

AffixPtr RecentAffixes::shared(AffixPtr made) {
  const std::size_t hash = TextHash{}(made->prefix()) * 31 + TextHash{}(made->suffix());
  AffixPtr& place = places_[hash % kPlaces];
  if (!place || !(*place == *made) || place->rule_version() != made->rule_version()) place = std::move(made);
  return place;
}

}  // namespace mortise::hooks
