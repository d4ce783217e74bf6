#pragma once

/// Topic Names, Topic Filters and patterns, for plugins that decide by them. Spec: MQTT 5.0 section 4.7. Filters given
/// to these functions are valid ones, without $share. Thread: any; nothing is allocated.

#include <cstddef>
#include <mortise/status.hpp>
#include <string_view>

MORTISE_SDK_BEGIN

namespace detail {

/// Takes the first level off `rest`; `is_last` says that nothing is left.
inline std::string_view take_level(std::string_view& rest, bool& is_last) {
  const std::size_t slash = rest.find('/');
  const std::string_view level = rest.substr(0, slash);
  is_last = slash == std::string_view::npos;
  rest.remove_prefix(is_last ? rest.size() : slash + 1);
  return level;
}

/// [MQTT-4.7.2-1] A filter that begins with a wildcard does not match what begins with $.
inline bool hides_dollar(std::string_view filter, std::string_view topic) {
  return !filter.empty() && (filter[0] == '+' || filter[0] == '#') && !topic.empty() && topic[0] == '$';
}

}  // namespace detail

/// True if the text is a valid Topic Filter (UTF-8 and length apart): at least one character, no NUL, `+` and `#` whole
/// levels, `#` the last one.
inline bool is_filter(std::string_view text) {
  if (text.empty() || text.find('\0') != std::string_view::npos) return false;
  for (bool is_last = false; !is_last;) {
    const std::string_view level = detail::take_level(text, is_last);
    const bool has_wildcard = level.find_first_of("+#") != std::string_view::npos;
    if (has_wildcard && (level.size() != 1 || (level == "#" && !is_last))) return false;
  }
  return true;
}

/// True if every Topic Name that `narrow` matches is matched by `wide`. A Topic Name is a filter that matches itself,
/// so this is also the question whether a filter matches a name.
inline bool covers(std::string_view wide, std::string_view narrow) {
  if (detail::hides_dollar(wide, narrow)) return false;
  if (wide == "+/#" && narrow == "#") return true;  // every name has a first level
  bool wide_ends = false;
  bool narrow_ends = false;
  for (;;) {
    const std::string_view w = detail::take_level(wide, wide_ends);
    const std::string_view n = detail::take_level(narrow, narrow_ends);
    if (w == "#") return true;
    if (n == "#" || (w != "+" && w != n)) return false;
    if (narrow_ends) return wide_ends || wide == "#";  // "a/#" matches "a" too
    if (wide_ends) return false;
  }
}

/// True if some Topic Name is matched by both filters.
inline bool overlaps(std::string_view one, std::string_view other) {
  if (detail::hides_dollar(one, other) || detail::hides_dollar(other, one)) return false;
  bool one_ends = false;
  bool other_ends = false;
  for (;;) {
    const std::string_view a = detail::take_level(one, one_ends);
    const std::string_view b = detail::take_level(other, other_ends);
    if (a == "#" || b == "#") return true;
    if (a != "+" && b != "+" && a != b) return false;
    if (one_ends && other_ends) return true;
    if (one_ends) return other == "#";
    if (other_ends) return one == "#";
  }
}

/// True if a value from a client may stand in a topic without adding a level, a wildcard or nothing at all.
inline bool fits_in_level(std::string_view value) {
  return !value.empty() && value.find_first_of(std::string_view("/+#\0", 4)) == std::string_view::npos;
}

/// True if `pattern` describes the text: `*` stands for any number of characters, all others for themselves.
/// Cost: at most the product of the two sizes.
inline bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t after_star = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after_star = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++after_star;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

MORTISE_SDK_END
