// Filter matching, the subscription index with its cache, and the retained index against the naive twin.
// The input is a script, a command per line: its first byte is what to do, the second who does it, the rest a filter or
// topic.
//   s subscribe · g subscribe as a group · d subscribe with a rule that denies the filter given last · u unsubscribe
//   m match a topic · r retain · e remove what is retained · f find retained messages
//   w begin a walk through retained messages · p its next page
// Lines whose topic or filter is not valid are skipped: whoever calls routing has checked them.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/check.h"
#include "broker/mqtt/topic.h"
#include "tests/unit/core/fixed_random.h"
#include "tests/unit/routing/naive_twin.h"
#include "tests/unit/routing/routing_fixtures.h"
#include "tests/unit/routing/watched_walk.h"

namespace mortise::routing {
namespace {

constexpr mqtt::TopicLimits kLimits{.maximum_levels = 0};
constexpr std::size_t kMaximumCommands = 400;

/// Routing and its twin, side by side.
class Pair {
 public:
  void run(std::string_view command) {
    const char what = command[0];
    const auto who = static_cast<std::uint32_t>(static_cast<unsigned char>(command[1]) % 40);
    const std::string_view text = command.substr(2);
    if (what == 'p') return next_page(who);
    if (what == 'm' || what == 'r' || what == 'e') {
      if (mqtt::check_topic_name(text, kLimits)) with_topic(what, text);
    } else if (const auto parsed = mqtt::parse_topic_filter(text, kLimits); parsed.ok() && !parsed->is_shared()) {
      with_filter(what, session(who, static_cast<LoopIndex>(who % 3)), text);
      last_filter_ = text;
    }
  }
  void finish() {
    for (auto& [number, walk] : walks_) walk.finish(2);
  }

 private:
  void next_page(std::uint32_t who) {
    const auto at = walks_.find(who % kWalks);
    if (at != walks_.end() && at->second.page(1 + (who / kWalks), 1 + (who % 5))) walks_.erase(at);
  }

  void with_topic(char what, std::string_view topic) {
    if (what != 'm') return retain(topic, what == 'r' ? "x" : "");
    const NaiveTwin::Found expected = twin_.match(topic);
    CHECK(NaiveTwin::found_in(index_.match(topic)) == expected);
    CHECK(NaiveTwin::found_in(cache_.match(topic)) == expected);
    check_filter_functions(topic);
    reclaim_.passed_iteration(0);
  }

  void retain(std::string_view topic, std::string_view payload) {
    retained_.set(message(topic, payload));
    for (auto& [number, walk] : walks_) walk.changed(topic);
    if (payload.empty()) {
      twin_.retained().erase(std::string(topic));
    } else {
      twin_.retained()[std::string(topic)] = payload;
    }
    CHECK(retained_.messages() == twin_.retained().size());
  }

  void with_filter(char what, mqtt::SessionId who, std::string_view filter) {
    IndexedSubscription made = subscription(who);
    if (what == 'f') {
      CHECK(retained_topics(retained_, filter, {}, 1 + who.slot.index) == twin_.retained_topics(filter));
      return;
    }
    if (what == 'w') {
      walks_.insert_or_assign(who.slot.index % kWalks, WatchedWalk(retained_, filter, twin_));
      return;
    }
    if (what == 'u') {
      CHECK(index_.unsubscribe(filter, who) == twin_.unsubscribe(filter, who));
      return;
    }
    made.entry.is_group = what == 'g';
    if (what == 'd') made.rules = std::make_shared<const FilterRules>(std::vector<FilterRule>{{false, last_filter_}});
    CHECK(index_.subscribe(filter, made) == twin_.subscribe(filter, made));
    CHECK(index_.size() == twin_.subscriptions().size());
  }

  /// What `covers` and `overlaps` claim must hold for this topic, and `matches` must agree with its twin.
  void check_filter_functions(std::string_view topic) {
    std::vector<std::string_view> filters;
    for (const auto& [key, made] : twin_.subscriptions()) {
      if (filters.size() < 12) filters.push_back(key.first);
    }
    for (const std::string_view one : filters) {
      const bool matched = mqtt::matches(one, topic);
      CHECK(matched == NaiveTwin::matches(one, topic));
      for (const std::string_view other : filters) {
        const bool other_matched = NaiveTwin::matches(other, topic);
        CHECK(!(mqtt::covers(one, other) && other_matched) || matched);
        CHECK(!(matched && other_matched) || mqtt::overlaps(one, other));
      }
    }
  }

  ReclaimDomain reclaim_{1};
  SubscriptionIndex index_{reclaim_};
  RetainedIndex retained_{reclaim_, {}};
  MatchCache cache_{index_, {.maximum_entries = 8, .maximum_bytes = 4096}};
  static constexpr std::uint32_t kWalks = 4;

  NaiveTwin twin_;
  std::map<std::uint32_t, WatchedWalk> walks_;
  std::string last_filter_ = "#";
};

}  // namespace
}  // namespace mortise::routing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mortise::testing::restart_random_bytes();
  mortise::routing::Pair pair;
  std::string_view script(reinterpret_cast<const char*>(data), size);
  for (std::size_t commands = 0; !script.empty() && commands < mortise::routing::kMaximumCommands; ++commands) {
    const std::size_t end = std::min(script.find('\n'), script.size());
    if (end > 2) pair.run(script.substr(0, end));
    script.remove_prefix(std::min(end + 1, script.size()));
  }
  pair.finish();
  return 0;
}
