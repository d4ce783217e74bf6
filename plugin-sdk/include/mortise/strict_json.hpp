#pragma once

/// JSON from whoever sends some, taken strictly: bounded depth, no key twice, nothing behind it. Needs nlohmann-json.
/// Thread: any.

#include <mortise/status.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

MORTISE_SDK_BEGIN

/// The value that a text is. Errors: nothing, and `why` (a literal) for the log. The parser itself checks the UTF-8.
inline std::optional<nlohmann::json> parse_strictly(std::string_view text, int most_depth, const char*& why) {
  struct Refused {};
  using Event = nlohmann::json::parse_event_t;
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  why = "it is not JSON";
  const auto watch = [&](int depth, Event event, nlohmann::json& parsed) {
    const bool opens = event == Event::object_start || event == Event::array_start;
    if (opens && depth >= most_depth) {
      why = "its JSON is nested too deeply";
      throw Refused();
    }
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(parsed.get_ref<const std::string&>()).second) {
      why = "its JSON has a key twice";
      throw Refused();
    }
    return true;
  };
  try {
    return nlohmann::json::parse(text.begin(), text.end(), watch);
  } catch (const Refused&) {
  } catch (const nlohmann::json::exception&) {
  }
  return std::nullopt;
}

MORTISE_SDK_END
