#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "broker/routing/subscription_index.h"

namespace mortise::routing {

/// What routing must answer, the slow and obvious way: split, compare, walk through everything. Shares no code with it.
class NaiveTwin {
 public:
  using Key = std::pair<std::string, mqtt::SessionId>;

  static std::vector<std::string> split(std::string_view topic) {
    std::vector<std::string> levels(1);
    for (const char character : topic) {
      if (character == '/') {
        levels.emplace_back();
      } else {
        levels.back() += character;
      }
    }
    return levels;
  }

  static bool matches(std::string_view filter, std::string_view topic) { return matches(split(filter), split(topic)); }
  static bool matches(const std::vector<std::string>& wanted, const std::vector<std::string>& levels) {
    const bool begins_with_wildcard = wanted[0] == "+" || wanted[0] == "#";
    if (begins_with_wildcard && levels[0].starts_with('$')) return false;
    for (std::size_t i = 0;; ++i) {
      if (i < wanted.size() && wanted[i] == "#") return true;  // the parent level and all below
      if (i == wanted.size() || i == levels.size()) return i == wanted.size() && i == levels.size();
      if (wanted[i] != "+" && wanted[i] != levels[i]) return false;
    }
  }

  static bool allows(const FilterRulesPtr& rules, std::string_view topic) {
    if (rules == nullptr) return true;
    for (const FilterRule& rule : rules->rules()) {
      if (matches(rule.filter, topic)) return rule.allow;
    }
    return true;
  }

  bool subscribe(std::string_view filter, const IndexedSubscription& subscription) {
    const Key key{filter, subscription.entry.subscriber};
    levels_.try_emplace(std::string(filter), split(filter));
    return !subscriptions_.insert_or_assign(key, subscription).second;
  }
  bool unsubscribe(std::string_view filter, mqtt::SessionId subscriber) {
    return subscriptions_.erase(Key{filter, subscriber}) != 0;
  }
  const std::map<Key, IndexedSubscription>& subscriptions() const { return subscriptions_; }

  /// As tuples in a fixed order, to be compared with those of a result.
  using Found = std::vector<std::tuple<LoopIndex, bool, std::uint32_t, std::uint32_t, mqtt::QoS>>;
  Found match(std::string_view topic) const {
    Found found;
    const std::vector<std::string> levels = split(topic);
    std::string_view filter;
    bool matched = false;
    for (const auto& [key, subscription] : subscriptions_) {  // those of one filter stand together
      if (filter != key.first || filter.empty()) matched = matches(levels_.at(key.first), levels);
      filter = key.first;
      if (!matched || !allows(subscription.rules, topic)) continue;
      found.push_back(as_tuple(subscription.entry));
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  static Found found_in(const MatchResultPtr& result) {
    Found found;
    for (const MatchEntry& entry : result->entries()) found.push_back(as_tuple(entry));
    std::sort(found.begin(), found.end());
    return found;
  }

  /// What is retained, by topic.
  std::map<std::string, std::string>& retained() { return retained_; }
  std::vector<std::string> retained_topics(std::string_view filter) const {
    std::vector<std::string> topics;
    const std::vector<std::string> wanted = split(filter);
    for (const auto& [topic, payload] : retained_) {
      if (matches(wanted, split(topic))) topics.push_back(topic);
    }
    return topics;
  }

 private:
  static Found::value_type as_tuple(const MatchEntry& entry) {
    return {entry.subscriber.loop, entry.is_group, entry.subscriber.slot.index, entry.subscription_identifier,
            entry.maximum_qos};
  }

  std::map<Key, IndexedSubscription> subscriptions_;
  std::map<std::string, std::vector<std::string>> levels_;  // of every filter there ever was
  std::map<std::string, std::string> retained_;
};

}  // namespace mortise::routing
