#include "claims.h"

#include <algorithm>
#include <cmath>

namespace auth_jwt {

namespace {

using mortise::Grants;
using nlohmann::json;

constexpr double kLatest = 9007199254740991.0;  // 2^53 - 1: beyond that a number is not what it says
constexpr std::size_t kMaximumName = 1024;      // bytes of a user name or namespace

/// RFC 7519 section 2, NumericDate. Errors: false when it is there and is none.
bool read_date(const json& claims, const char* name, std::optional<double>& out, std::string& why) {
  const auto found = claims.find(name);
  if (found == claims.end()) return true;
  const double seconds = found->is_number() ? found->get<double>() : -1;
  if (!(seconds >= 0 && seconds <= kLatest)) return why = std::string(name) + " is no date", false;
  out = seconds;
  return true;
}

bool is_now(const json& claims, const ClaimRules& rules, std::int64_t now_s, Granted& granted, std::string& why) {
  std::optional<double> expires;
  std::optional<double> begins;
  std::optional<double> issued;
  if (!read_date(claims, "exp", expires, why) || !read_date(claims, "nbf", begins, why) ||
      !read_date(claims, "iat", issued, why))
    return false;
  const auto now = static_cast<double>(now_s);
  const auto leeway = static_cast<double>(rules.leeway_s);
  if (!expires && rules.needs_expiry) return why = "it has no exp", false;
  if (expires && now >= *expires + leeway) return why = "it has expired", false;
  if (begins && now + leeway < *begins) return why = "it is not valid yet (nbf)", false;
  if (issued && now + leeway < *issued) return why = "it was issued in the future (iat)", false;
  if (expires) granted.until_s = static_cast<std::int64_t>(std::floor(*expires + leeway));
  return true;
}

bool is_one_of(const json& value, const std::vector<std::string>& wanted) {
  return value.is_string() &&
         std::find(wanted.begin(), wanted.end(), value.get_ref<const std::string&>()) != wanted.end();
}

/// RFC 7519 section 4.1.3: one text, or a list of them.
bool is_for_us(const json& claims, const ClaimRules& rules, std::string& why) {
  if (rules.issuer) {
    const auto issuer = claims.find("iss");
    if (issuer == claims.end() || !is_one_of(*issuer, {*rules.issuer})) return why = "its iss is another", false;
  }
  if (rules.audiences.empty()) return true;
  why = "its aud is another";
  const auto audience = claims.find("aud");
  if (audience == claims.end()) return false;
  if (!audience->is_array()) return is_one_of(*audience, rules.audiences);
  return std::any_of(audience->begin(), audience->end(),
                     [&rules](const json& one) { return is_one_of(one, rules.audiences); });
}

bool has_required(const json& claims, const ClaimRules& rules, const ClientView& client, std::string& why) {
  for (const ClaimRules::Required& one : rules.required) {
    const json* const claim = one.claim.find(claims);
    std::string wanted;
    const bool can_be = one.value.fill(wanted, [&client](std::size_t name, std::string& out) {
      if (name == kUserName && !client.user_name) return false;
      out += name == kClientId ? client.client_id : *client.user_name;
      return true;
    });
    if (!can_be || claim == nullptr || !is_one_of(*claim, {wanted}))
      return why = "the claim " + one.claim.text() + " is not what is required", false;
  }
  return true;
}

/// A name from a claim that must be there: text, not empty, without control characters.
bool read_name(const json& claims, const std::optional<ClaimPath>& path, std::optional<std::string>& out,
               std::string& why) {
  if (!path) return true;
  const json* const claim = path->find(claims);
  const std::string* const text =
      claim != nullptr && claim->is_string() ? &claim->get_ref<const std::string&>() : nullptr;
  const auto is_control = [](char one) { return static_cast<unsigned char>(one) < 0x20 || one == 0x7F; };
  if (text == nullptr || text->empty() || text->size() > kMaximumName ||
      std::any_of(text->begin(), text->end(), is_control))
    return why = "the claim " + path->text() + " is no name", false;
  out = *text;
  return true;
}

/// One text or a list of them, which are Topic Filters; nothing there grants nothing.
bool read_filters(const json& claims, const std::optional<ClaimPath>& path, bool to_publish, std::size_t most,
                  Grants& grants, std::string& why) {
  const json* const claim = path ? path->find(claims) : nullptr;
  if (claim == nullptr) return true;
  const auto refuse = [&](const char* what) { return why = "the claim " + path->text() + " " + what, false; };
  const std::size_t count = claim->is_array() ? claim->size() : 1;
  if (count > most) return refuse("has more filters than max_filters");
  for (std::size_t i = 0; i < count; ++i) {
    const json& filter = claim->is_array() ? (*claim)[i] : *claim;
    if (!filter.is_string()) return refuse("is neither a text nor a list of texts");
    const std::string& text = filter.get_ref<const std::string&>();
    if (const char* const problem = mortise::problem_of_pattern(text)) return refuse(problem);
    if (!grants.add(to_publish, text)) return refuse("makes more than 64 KiB of filters");
  }
  return true;
}

bool read_grants(const json& claims, const ClaimRules& rules, Granted& granted, std::string& why) {
  if (!rules.has_opinion()) return true;
  Grants grants;
  for (const bool to_publish : {true, false}) {
    for (const std::string& filter : to_publish ? rules.granted_publish : rules.granted_subscribe) {
      if (!grants.add(to_publish, filter)) return why = "grant makes more than 64 KiB of filters", false;
    }
    const auto& path = to_publish ? rules.publish : rules.subscribe;
    if (!read_filters(claims, path, to_publish, rules.most_filters, grants, why)) return false;
  }
  granted.note = grants.note();
  return true;
}

}  // namespace

ClaimPath::ClaimPath(const std::string& text) : text_(text) {
  try {
    pointer_ = text.substr(0, 1) == "/" ? json::json_pointer(text) : json::json_pointer() / text;
  } catch (const json::exception&) {
    throw mortise::Error(mortise::quoted(text) + " is no JSON Pointer; write /a/b for the member b of the claim a");
  }
}

const json* ClaimPath::find(const json& claims) const {
  return claims.contains(pointer_) ? &claims.at(pointer_) : nullptr;
}

bool ClaimRules::has_opinion() const {
  return publish || subscribe || !granted_publish.empty() || !granted_subscribe.empty();
}

const std::vector<std::string>& placeholder_names() {
  static const std::vector<std::string> names = {"c", "u"};
  return names;
}

std::optional<Granted> judge(const json& claims, const ClaimRules& rules, const ClientView& client, std::int64_t now_s,
                             std::string& why) {
  Granted granted;
  const bool is_good =
      is_now(claims, rules, now_s, granted, why) && is_for_us(claims, rules, why) &&
      has_required(claims, rules, client, why) && read_name(claims, rules.user_name, granted.user_name, why) &&
      read_name(claims, rules.name_space, granted.name_space, why) && read_grants(claims, rules, granted, why);
  return is_good ? std::optional(std::move(granted)) : std::nullopt;
}

}  // namespace auth_jwt
