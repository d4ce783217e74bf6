#include "rules.h"

#include <mortise/abi.h>

#include <algorithm>

namespace auth_certificate {

namespace {

using mortise::TextTemplate;

/// The first value of a placeholder; nothing when there is none.
std::optional<std::string_view> value_of(std::size_t name, const Certificate& certificate, const ClientView& client) {
  if (name == kClientId) return client.client_id;
  if (name == kUserName) return client.user_name;
  const std::vector<std::string>& values = certificate.values[name];
  return values.empty() ? std::nullopt : std::optional<std::string_view>(values.front());
}

/// A name made of a template: not empty, no longer than a name may be.
std::optional<std::string> fill_name(const TextTemplate& text, const Certificate& certificate,
                                     const ClientView& client) {
  std::string name;
  const bool is_whole = text.fill(name, [&](std::size_t placeholder, std::string& out) {
    const auto value = value_of(placeholder, certificate, client);
    if (value) out += *value;
    return value.has_value();
  });
  const bool fits = is_whole && !name.empty() && name.size() <= MORTISE_MAX_TOPIC_BYTES;
  return fits ? std::optional(std::move(name)) : std::nullopt;
}

/// The pattern that is kept with the client: what the certificate says is put in, %c and %u stay. False when a value is
/// absent, or would be more than part of a level.
bool fill_pattern(const TextTemplate& text, const Certificate& certificate, std::string& pattern) {
  return text.fill(pattern, [&certificate](std::size_t placeholder, std::string& out) {
    if (placeholder == kClientId || placeholder == kUserName) return out += "%" + names()[placeholder], true;
    const std::vector<std::string>& values = certificate.values[placeholder];
    if (values.empty() || !mortise::fits_in_level(values.front())) return false;
    if (out.empty() && values.front().front() == '$') return false;
    out += mortise::pattern_of(values.front());
    return true;
  });
}

/// False: they are longer than a note may be.
bool add_grants(const std::vector<TextTemplate>& filters, bool to_publish, const Certificate& certificate,
                mortise::Grants& grants) {
  for (const TextTemplate& filter : filters) {
    std::string pattern;
    if (!fill_pattern(filter, certificate, pattern) || mortise::problem_of_pattern(pattern) != nullptr) continue;
    if (!grants.add(to_publish, pattern)) return false;
  }
  return true;
}

Verdict denied(std::string why) {
  Verdict verdict;
  verdict.kind = Verdict::Kind::kDeny;
  verdict.why = std::move(why);
  return verdict;
}

Verdict allowed_by(const Rule& rule, const std::string& place, const Certificate& certificate,
                   const ClientView& client) {
  auto user_name = fill_name(rule.user_name, certificate, client);
  if (!user_name) return denied(place + " allows it, and its user_name cannot be made: a value is absent");
  Verdict verdict;
  verdict.kind = Verdict::Kind::kAllow;
  verdict.why = place;
  verdict.user_name = std::move(*user_name);
  if (rule.name_space) {
    verdict.name_space = fill_name(*rule.name_space, certificate, client);
    if (!verdict.name_space) return denied(place + " allows it, and its namespace cannot be made: a value is absent");
  }
  if (!rule.has_opinion) return verdict;
  mortise::Grants grants;
  if (!add_grants(rule.publish, true, certificate, grants) || !add_grants(rule.subscribe, false, certificate, grants))
    return denied(place + " allows it, and makes more than 64 KiB of filters");
  verdict.note = grants.note();
  return verdict;
}

}  // namespace

const std::vector<std::string>& names() {
  static const std::vector<std::string> all = {"subject", "cn", "dns", "email", "uri", "ip", "fingerprint", "c", "u"};
  return all;
}

bool Rule::fits(const Certificate& certificate) const {
  for (std::size_t field = 0; field < kFields; ++field) {
    if (patterns[field].empty()) continue;
    const auto fits_one = [this, field](const std::string& value) {
      return std::any_of(patterns[field].begin(), patterns[field].end(),
                         [&value](const std::string& pattern) { return mortise::matches_pattern(pattern, value); });
    };
    const auto& values = certificate.values[field];
    if (!std::any_of(values.begin(), values.end(), fits_one)) return false;
  }
  return true;
}

TextTemplate filter_template(const std::string& text) {
  // What is made of it is a pattern again, in which a percent sign is written %% as here.
  std::string kept;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_percent = text.compare(i, 2, "%%") == 0;
    kept.append(is_percent ? "%%%%" : std::string(1, text[i]));
    if (is_percent) ++i;
  }
  TextTemplate made(kept, names());
  std::string sample;
  (void)made.fill(sample, [](std::size_t, std::string& out) { return out += "x", true; });
  if (const char* const problem = mortise::problem_of_pattern(sample))
    throw mortise::Error(mortise::quoted(text) + " " + problem);
  return made;
}

Verdict Rules::judge(const Certificate& certificate, const ClientView& client) const {
  const auto& fingerprint = certificate.values[kFingerprint];
  if (fingerprint.empty()) return denied("its certificate has no fingerprint");
  if (is_revoked(fingerprint.front())) return denied("its certificate is revoked");
  if (fingerprints && fingerprints->find(fingerprint.front()) == fingerprints->end())
    return denied("its certificate is none of fingerprints");
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (!rules[i].fits(certificate)) continue;
    const std::string place = "rules[" + std::to_string(i) + "]";
    return rules[i].allows ? allowed_by(rules[i], place, certificate, client) : denied(place);
  }
  return {};
}

std::optional<std::string> fingerprint_of(std::string_view text) {
  std::string digits;
  for (const char digit : text) {
    const char low = digit >= 'A' && digit <= 'F' ? static_cast<char>(digit + 32) : digit;
    if ((low >= '0' && low <= '9') || (low >= 'a' && low <= 'f'))
      digits += low;
    else if (low != ':')
      return std::nullopt;
  }
  return digits.size() == 64 ? std::optional(std::move(digits)) : std::nullopt;
}

}  // namespace auth_certificate
