#pragma once

/// What one client may do, where that is said when it is let in and not by rules for everybody: Topic Filters to
/// publish and to subscribe to, kept with the client as its note. Thread: any.

#include <mortise/decision.hpp>
#include <mortise/topics.hpp>
#include <mortise/view.hpp>
#include <optional>

MORTISE_SDK_BEGIN

/// The filter a pattern means for a client: %x is replaced by `value_of('x')`, %% by a percent sign. Nothing when a
/// value is absent, would be more or less than part of a level, or would begin the topic with $. `buffer` holds it.
template <class ValueOf>
std::optional<std::string_view> fill_filter(std::string_view pattern, const ValueOf& value_of, std::string& buffer) {
  buffer.clear();
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      buffer += pattern[i];
    } else if (i + 1 < pattern.size() && pattern[i + 1] == '%') {
      buffer += pattern[++i];
    } else {
      const char name = i + 1 < pattern.size() ? pattern[++i] : '\0';
      const std::optional<std::string_view> value = value_of(name);
      if (!value || !fits_in_level(*value) || (buffer.empty() && value->front() == '$')) return std::nullopt;
      if (buffer.size() + value->size() > MORTISE_MAX_TOPIC_BYTES) return std::nullopt;
      buffer += *value;
    }
  }
  return std::string_view(buffer);
}

/// What is wrong with a Topic Filter in which %c and %u stand for client id and user name; null when nothing is.
inline const char* problem_of_pattern(std::string_view pattern) {
  if (pattern.size() > MORTISE_MAX_TOPIC_BYTES) return "is longer than a Topic Filter may be";
  if (pattern.substr(0, 7) == "$share/") return "begins with $share/; leave that out, it holds for shared ones too";
  std::string sample;
  bool has_unknown = false;
  const auto letter = [&has_unknown](char name) -> std::optional<std::string_view> {
    has_unknown = has_unknown || (name != 'c' && name != 'u');
    return "x";
  };
  const auto filter = fill_filter(pattern, letter, sample);
  if (has_unknown) return "has an unknown placeholder; %c is the client id, %u the user name, %% a percent sign";
  return filter && is_filter(*filter) ? nullptr : "is no Topic Filter; + and # stand alone in their level, # last";
}

/// Text that stands for itself in a pattern.
inline std::string pattern_of(std::string_view text) {
  std::string pattern;
  for (const char character : text) pattern.append(character == '%' ? 2 : 1, character);
  return pattern;
}

/// The filters of one client, while they are collected.
class Grants {
 public:
  /// `pattern` is one that problem_of_pattern() has nothing against. False: together they are longer than a note.
  bool add(bool to_publish, std::string_view pattern) {
    if (note_.size() + pattern.size() + 2 > MORTISE_MAX_NOTE_BYTES) return false;
    note_ += to_publish ? 'p' : 's';
    note_ += pattern;
    note_ += '\0';  // which no filter has in it
    return true;
  }
  /// For AuthDecision::note().
  const std::string& note() const { return note_; }

 private:
  std::string note_;
};

namespace detail {

/// Calls `visit(pattern)` for each filter of a note that is about this action, until it says stop.
template <class Visit>
void for_each_grant(std::string_view note, bool to_publish, const Visit& visit) {
  while (!note.empty()) {
    const std::size_t end = note.find('\0');
    if (end == std::string_view::npos) return;
    const std::string_view entry = note.substr(0, end);
    note.remove_prefix(end + 1);
    if (!entry.empty() && entry.front() == (to_publish ? 'p' : 's') && !visit(entry.substr(1))) return;
  }
}

}  // namespace detail

/// The answer to authorize by what Grants noted: yes if one filter covers the asked topic or filter whole. No opinion
/// about clients that have no note, which others let in. `cache`: how long an answer about a publish may be reused.
/// Thread: [hook].
inline AccessDecision answer_by_grants(const AccessRequestView& request, std::chrono::milliseconds cache) {
  const PrincipalView principal = request.principal();
  const auto note = principal.note().view();
  if (note.status == Status::e_absent) return AccessDecision::next();
  if (!note) throw Error("the request does not show what was granted", note.status);
  const auto topic = request.topic().view();
  const auto action = request.action();
  if (!topic || !action) throw Error("the request shows no topic or no action");
  const bool to_publish = *action != MORTISE_ACTION_SUBSCRIBE;
  const auto value_of = [&principal](char name) -> std::optional<std::string_view> {
    const auto value = name == 'c' ? principal.client_id().view() : principal.user_name().view();
    return value ? std::optional(*value) : std::nullopt;
  };
  std::string buffer;
  std::string covering;
  detail::for_each_grant(*note, to_publish, [&](std::string_view pattern) {
    const auto filter = fill_filter(pattern, value_of, buffer);
    if (filter && covers(*filter, *topic)) covering = *filter;
    return covering.empty();
  });
  if (covering.empty()) {
    auto denied = AccessDecision::deny(reason::kNotAuthorized).because("nothing that was granted covers it");
    if (to_publish && cache.count() > 0) denied.cache_topic(cache);
    return denied;
  }
  auto allowed = AccessDecision::allow().because("granted " + covering);
  if (to_publish && cache.count() > 0) allowed.cache_filter(std::move(covering), cache);
  return allowed;
}

MORTISE_SDK_END
