#include "acl.h"

#include <mortise/abi.h>

#include <algorithm>
#include <mortise/grants.hpp>

namespace auth_file {

namespace {

bool matches_any(const std::vector<std::string>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [text](const std::string& pattern) { return mortise::matches_pattern(pattern, text); });
}

/// A rule that names users says nothing about a client without a user name.
bool concerns(const Rule& rule, const ClientView& client) {
  if (!rule.users.empty() && !(client.user_name && matches_any(rule.users, *client.user_name))) return false;
  return rule.clients.empty() || matches_any(rule.clients, client.client_id);
}

/// The filter a pattern means for this client; nothing when it means none. `buffer` holds it if it had to be made.
std::optional<std::string_view> filter_for(const TopicPattern& pattern, const ClientView& client, std::string& buffer) {
  if (!pattern.has_placeholder) return std::string_view(pattern.text);
  const auto value_of = [&client](char name) { return name == 'c' ? client.client_id : client.user_name; };
  return mortise::fill_filter(pattern.text, value_of, buffer);
}

/// Calls `visit(rule, filter)` for each filter that the rules name to this client, in their order, until it says stop.
template <class Visit>
void for_each_filter(const std::vector<Rule>& rules, bool Rule::*action, const ClientView& client, const Visit& visit) {
  std::string buffer;
  for (const Rule& rule : rules) {
    if (!(rule.*action) || !concerns(rule, client)) continue;
    for (const TopicPattern& pattern : rule.topics) {
      const auto filter = filter_for(pattern, client, buffer);
      if (filter && !visit(rule, *filter)) return;
    }
  }
}

bool covered_before(const std::vector<Verdict::Part>& parts, std::string_view filter) {
  return std::any_of(parts.begin(), parts.end(),
                     [filter](const Verdict::Part& part) { return mortise::covers(part.filter, filter); });
}

// ---- Reachability ----

/// The filter that matches at least what the pattern matches, whoever asks.
std::string widest(const TopicPattern& pattern) {
  if (!pattern.has_placeholder) return pattern.text;
  std::string filter;
  std::string_view rest = pattern.text;
  for (bool is_last = false; !is_last;) {
    const std::string_view level = mortise::detail::take_level(rest, is_last);
    const bool is_open = level.find('%') != std::string_view::npos;
    filter.append(is_open ? "+" : level).append(is_last ? "" : "/");
  }
  return filter;
}

bool decides_all_of(const TopicPattern& earlier, const TopicPattern& later) {
  if (earlier.text == later.text) return true;
  return !earlier.has_placeholder && mortise::covers(earlier.text, widest(later));
}

bool includes_all_of(const std::vector<std::string>& earlier, const std::vector<std::string>& later) {
  if (earlier.empty()) return true;
  const auto is_included = [&earlier](const std::string& pattern) {
    return std::any_of(earlier.begin(), earlier.end(), [&pattern](const std::string& wide) {
      const bool is_one_name = pattern.find('*') == std::string::npos;
      return wide == pattern || wide == "*" || (is_one_name && mortise::matches_pattern(wide, pattern));
    });
  };
  return !later.empty() && std::all_of(later.begin(), later.end(), is_included);
}

/// The earlier rule that decides all that `later` says of this topic and action; null if there is none.
const Rule* decided_by(const std::vector<Rule>& rules, const Rule& later, const TopicPattern& topic,
                       bool Rule::*action) {
  for (const Rule& earlier : rules) {
    if (&earlier == &later) return nullptr;
    const bool speaks_to_all = earlier.*action && includes_all_of(earlier.users, later.users) &&
                               includes_all_of(earlier.clients, later.clients);
    const auto decides = [&topic](const TopicPattern& one) { return decides_all_of(one, topic); };
    if (speaks_to_all && std::any_of(earlier.topics.begin(), earlier.topics.end(), decides)) return &earlier;
  }
  return nullptr;
}

}  // namespace

Verdict Acl::publish(std::string_view topic, const ClientView& client) const {
  Verdict verdict;
  std::vector<Verdict::Part> passed;  // what earlier rules say of other topics
  for_each_filter(rules_, &Rule::for_publish, client, [&](const Rule& rule, std::string_view filter) {
    if (!mortise::covers(filter, topic)) return passed.push_back({rule.allows, std::string(filter)}), true;
    verdict.is_allowed = rule.allows;
    verdict.line = rule.line;
    const bool is_disputed = std::any_of(passed.begin(), passed.end(), [&](const Verdict::Part& part) {
      return part.allows != rule.allows && mortise::overlaps(part.filter, filter);
    });
    if (!is_disputed) verdict.cache_filter = filter;
    return false;
  });
  return verdict;
}

Verdict Acl::subscribe(std::string_view filter, const ClientView& client) const {
  Verdict verdict;
  for_each_filter(rules_, &Rule::for_subscribe, client, [&](const Rule& rule, std::string_view part) {
    if (mortise::covers(part, filter)) {
      verdict.is_allowed = rule.allows;
      verdict.line = rule.line;
      return false;
    }
    if (mortise::overlaps(part, filter) && !covered_before(verdict.parts, part)) {
      verdict.parts.push_back({rule.allows, std::string(part)});
    }
    return true;
  });
  if (!verdict.is_allowed) verdict.parts.clear();
  // What comes last and allows says no more than the rule that decided.
  while (!verdict.parts.empty() && verdict.parts.back().allows) verdict.parts.pop_back();
  if (verdict.parts.size() > MORTISE_MAX_FILTER_RULES) {
    verdict.is_allowed = false;
    verdict.parts.clear();
  }
  return verdict;
}

std::vector<std::string> Acl::warnings() const {
  std::vector<std::string> lines;
  for (const Rule& rule : rules_) {
    const Rule* by = nullptr;
    bool is_reachable = false;
    for (bool Rule::*const action : {&Rule::for_publish, &Rule::for_subscribe}) {
      for (const TopicPattern& topic : rule.topics) {
        if (!(rule.*action)) continue;
        const Rule* const earlier = decided_by(rules_, rule, topic, action);
        is_reachable = is_reachable || earlier == nullptr;
        if (earlier != nullptr) by = earlier;
      }
    }
    if (is_reachable) continue;
    lines.push_back(place(rule.line) + ": nothing can reach this rule; the one in line " + std::to_string(by->line) +
                    " decides before it; move or remove it");
  }
  return lines;
}

std::string Acl::place(int line) const { return line == 0 ? name_ + ": no rule" : name_ + ":" + std::to_string(line); }

}  // namespace auth_file
