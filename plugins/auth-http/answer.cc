#include "answer.h"

#include <mortise/grants.hpp>
#include <mortise/strict_json.hpp>

namespace auth_http {

namespace {

using nlohmann::json;

constexpr int kMaximumDepth = 8;
constexpr std::size_t kMaximumFilters = 1024;
constexpr std::size_t kMaximumName = 1024;

std::nullopt_t fail(std::string& why, const std::string& text) {
  why = "its answer: " + text;
  return std::nullopt;
}

/// False: it is there and is no name.
bool read_name(const json& answer, const char* key, std::optional<std::string>& out, std::string& why) {
  const auto found = answer.find(key);
  if (found == answer.end()) return true;
  const bool is_name = found->is_string() && !found->get_ref<const std::string&>().empty() &&
                       found->get_ref<const std::string&>().size() <= kMaximumName &&
                       found->get_ref<const std::string&>().find('\0') == std::string::npos;
  if (!is_name) return fail(why, std::string(key) + " is no name"), false;
  out = found->get<std::string>();
  return true;
}

bool add_filters(const json& acl, const char* key, bool to_publish, mortise::Grants& grants, std::string& why) {
  const auto found = acl.find(key);
  if (found == acl.end()) return true;
  if (!found->is_array() || found->size() > kMaximumFilters)
    return fail(why, std::string("acl.") + key + " is no list of at most 1024 texts"), false;
  for (const json& filter : *found) {
    const char* const problem =
        filter.is_string() ? mortise::problem_of_pattern(filter.get_ref<const std::string&>()) : "is no text";
    if (problem != nullptr) return fail(why, std::string("a filter of acl.") + key + " " + problem), false;
    if (!grants.add(to_publish, filter.get_ref<const std::string&>()))
      return fail(why, "acl makes more than 64 KiB of filters"), false;
  }
  return true;
}

bool read_acl(const json& answer, Answer& out, std::string& why) {
  const auto acl = answer.find("acl");
  if (acl == answer.end()) return true;
  if (!acl->is_object()) return fail(why, "acl is no object"), false;
  mortise::Grants grants;
  if (!add_filters(*acl, "publish", true, grants, why) || !add_filters(*acl, "subscribe", false, grants, why))
    return false;
  out.note = grants.note();
  return true;
}

bool read_period(const json& answer, Answer& out, std::string& why) {
  const auto found = answer.find("valid_for_s");
  if (found == answer.end()) return true;
  const bool is_period =
      found->is_number_unsigned() && found->get<std::uint64_t>() > 0 && found->get<std::uint64_t>() < UINT32_MAX;
  if (!is_period) return fail(why, "valid_for_s is no number of seconds"), false;
  out.valid_for_s = found->get<std::uint32_t>();
  return true;
}

bool read_kind(const json& answer, Answer& out, std::string& why) {
  const auto found = answer.find("result");
  const std::string* const word =
      found != answer.end() && found->is_string() ? &found->get_ref<const std::string&>() : nullptr;
  if (word == nullptr || (*word != "allow" && *word != "deny" && *word != "ignore"))
    return fail(why, "result is neither allow, deny nor ignore"), false;
  out.kind = *word == "allow" ? Answer::Kind::kAllow : (*word == "deny" ? Answer::Kind::kDeny : Answer::Kind::kIgnore);
  return true;
}

}  // namespace

std::optional<Answer> read_answer(unsigned status, const std::string& body, std::string& why) {
  Answer answer;
  if (status == 204) return answer.kind = Answer::Kind::kAllow, answer;
  if (status == 401 || status == 403) return answer;
  if (status != 200) return why = "it answers with status " + std::to_string(status), std::nullopt;
  const char* what = "";
  const auto said = mortise::parse_strictly(body, kMaximumDepth, what);
  if (!said) return fail(why, what);
  if (!said->is_object()) return fail(why, "it is no JSON object");
  const bool is_good = read_kind(*said, answer, why) && read_name(*said, "user_name", answer.user_name, why) &&
                       read_name(*said, "namespace", answer.name_space, why) && read_acl(*said, answer, why) &&
                       read_period(*said, answer, why);
  return is_good ? std::optional(std::move(answer)) : std::nullopt;
}

}  // namespace auth_http
