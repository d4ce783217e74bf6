#include "settings.h"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace auth_certificate {

namespace {

using mortise::ConfigView;
using mortise::Error;
using mortise::TextTemplate;

constexpr std::uint64_t kMostRules = 1000;
constexpr std::uint64_t kMostTexts = 1000;  // of one list
constexpr std::size_t kMostFingerprints = 100'000;
using Fingerprints = std::set<std::string, std::less<>>;

/// The one text that stands there; nothing when none does, or a list.
std::optional<std::string> single_text(const ConfigView& config, const std::string& pointer) {
  try {
    return config.text(pointer);
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// The texts of a list, or the one text; none when there is no such key.
std::vector<std::string> texts(const ConfigView& config, const std::string& pointer) {
  if (auto one = single_text(config, pointer)) return {*std::move(one)};
  const std::uint64_t count = config.count(pointer);
  if (count > kMostTexts) throw ConfigView::wrong(pointer, "has more than " + std::to_string(kMostTexts) + " entries");
  std::vector<std::string> list;
  for (std::uint64_t i = 0; i < count; ++i) list.push_back(config.required_text(pointer + "/" + std::to_string(i)));
  return list;
}

void add(Fingerprints& all, const std::string& text, const std::string& place) {
  auto fingerprint = fingerprint_of(text);
  if (!fingerprint) {
    throw Error(place + ": " + mortise::quoted(text) +
                " is no SHA-256; print one with `openssl x509 -noout -fingerprint -sha256 -in FILE`");
  }
  if (all.size() == kMostFingerprints) throw Error(place + ": more than " + std::to_string(kMostFingerprints));
  all.insert(std::move(*fingerprint));
}

/// One fingerprint a line; what begins with # means nothing, nor do blanks at either end.
void read_file(Fingerprints& all, const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Error(path + ": cannot be opened: " + std::strerror(errno));
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos || line[begin] == '#') continue;
    const std::size_t end = line.find_last_not_of(" \t\r");
    add(all, line.substr(begin, end - begin + 1), path + ":" + std::to_string(number));
  }
  if (file.bad()) throw Error(path + ": cannot be read");
}

/// Those of the list `key` and of the file `key`_file; nothing when there is neither.
std::optional<Fingerprints> read_fingerprints(const ConfigView& config, const std::string& key) {
  const auto file = config.text("/" + key + "_file");
  const bool has_list = single_text(config, "/" + key) || config.count("/" + key) > 0;
  if (!file && !has_list) return std::nullopt;
  Fingerprints all;
  for (const std::string& text : texts(config, "/" + key)) add(all, text, "config: /" + key);
  if (file) read_file(all, config.resolve(*file));
  return all;
}

void read_patterns(const ConfigView& config, const std::string& pointer, Rule& rule) {
  config.only_keys(pointer, {"subject", "cn", "dns", "email", "uri", "ip", "fingerprint"});
  bool has_any = false;
  for (std::size_t field = 0; field < kFields; ++field) {
    const std::string key = pointer + "/" + names()[field];
    for (std::string& text : texts(config, key)) {
      if (field == kFingerprint) {
        auto fingerprint = fingerprint_of(text);
        if (!fingerprint) throw ConfigView::wrong(key, mortise::quoted(text) + " is no SHA-256");
        text = std::move(*fingerprint);
      }
      rule.patterns[field].push_back(std::move(text));
      has_any = true;
    }
  }
  if (!has_any) throw ConfigView::wrong(pointer, "says of no field what it must be; write subject: \"*\" for all");
}

TextTemplate read_template(const std::string& pointer, const std::string& text) {
  try {
    return TextTemplate(text, names());
  } catch (const Error& error) {
    throw ConfigView::wrong(pointer, error.what());
  }
}

std::vector<TextTemplate> read_filters(const ConfigView& config, const std::string& pointer, Rule& rule) {
  std::vector<TextTemplate> filters;
  for (const std::string& text : texts(config, pointer)) {
    try {
      filters.push_back(filter_template(text));
    } catch (const Error& error) {
      throw ConfigView::wrong(pointer, error.what());
    }
  }
  rule.has_opinion = rule.has_opinion || !filters.empty();
  return filters;
}

Rule read_rule(const ConfigView& config, const std::string& pointer) {
  config.only_keys(pointer, {"allow", "deny", "user_name", "namespace", "publish", "subscribe"});
  const bool allows = config.count(pointer + "/allow") > 0;
  if (allows == (config.count(pointer + "/deny") > 0))
    throw ConfigView::wrong(pointer, "has either allow or deny, with what a certificate must be");
  Rule rule;
  rule.allows = allows;
  read_patterns(config, pointer + (allows ? "/allow" : "/deny"), rule);
  if (!allows && config.count(pointer) > 1) throw ConfigView::wrong(pointer, "denies, and so has deny alone");
  rule.user_name =
      read_template(pointer + "/user_name", config.text(pointer + "/user_name").value_or(std::string("%cn")));
  if (const auto text = config.text(pointer + "/namespace"))
    rule.name_space = read_template(pointer + "/namespace", *text);
  rule.publish = read_filters(config, pointer + "/publish", rule);
  rule.subscribe = read_filters(config, pointer + "/subscribe", rule);
  return rule;
}

/// `deny` or `next`.
bool denies(const ConfigView& config, const std::string& pointer, bool otherwise) {
  const auto word = config.text(pointer);
  if (!word) return otherwise;
  if (*word == "deny" || *word == "next") return *word == "deny";
  throw ConfigView::wrong(pointer, "must be deny or next, not " + *word);
}

}  // namespace

std::shared_ptr<const Settings> Settings::read(const ConfigView& config) {
  config.only_keys("", {"rules", "fingerprints", "fingerprints_file", "revoked", "revoked_file", "without_certificate",
                        "otherwise", "cache_ms"});
  auto settings = std::make_shared<Settings>();
  const std::uint64_t count = config.count("/rules");
  if (count == 0) throw ConfigView::wrong("/rules", "is missing; write for example [{ allow: { cn: \"sensor-*\" } }]");
  if (count > kMostRules) throw ConfigView::wrong("/rules", "has more than " + std::to_string(kMostRules));
  for (std::uint64_t i = 0; i < count; ++i)
    settings->rules.rules.push_back(read_rule(config, "/rules/" + std::to_string(i)));
  settings->rules.fingerprints = read_fingerprints(config, "fingerprints");
  settings->rules.revoked = read_fingerprints(config, "revoked").value_or(Fingerprints());
  settings->denies_without = denies(config, "/without_certificate", false);
  settings->denies_otherwise = denies(config, "/otherwise", true);
  settings->cache = std::chrono::milliseconds(config.number("/cache_ms", 0, 86'400'000).value_or(60'000));
  return settings;
}

}  // namespace auth_certificate
