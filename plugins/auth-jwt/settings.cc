#include "settings.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

namespace auth_jwt {

namespace {

using mortise::ConfigView;
using mortise::Error;
using std::chrono::milliseconds;

/// A whole small file. Errors: throws Error.
std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || text.str().empty() || text.str().size() > kMaximumKeyFile)
    throw Error(path + ": cannot be read, is empty, or is longer than 256 KiB");
  return text.str();
}

/// The one text that stands there; nothing when none does, or a list.
std::optional<std::string> single_text(const ConfigView& config, const std::string& pointer) {
  try {
    return config.text(pointer);
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// The texts of a list, or the one text; none when there is no such key.
std::vector<std::string> texts(const ConfigView& config, const std::string& pointer, std::uint64_t most) {
  if (auto one = single_text(config, pointer)) return {*std::move(one)};
  const std::uint64_t count = config.count(pointer);
  if (count > most) throw ConfigView::wrong(pointer, "has more than " + std::to_string(most) + " entries");
  std::vector<std::string> list;
  for (std::uint64_t i = 0; i < count; ++i) list.push_back(config.required_text(pointer + "/" + std::to_string(i)));
  return list;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned value = 0;
    for (const char digit : text.substr(i, 2)) {
      const char low = digit >= 'A' && digit <= 'F' ? static_cast<char>(digit + 32) : digit;
      const bool is_digit = low >= '0' && low <= '9';
      if (!is_digit && !(low >= 'a' && low <= 'f')) return std::nullopt;
      value = value * 16 + static_cast<unsigned>(is_digit ? low - '0' : low - 'a' + 10);
    }
    bytes += static_cast<char>(value);
  }
  return bytes;
}

/// Standard base64, padded or not.
std::optional<std::string> from_base64(std::string text) {
  while (!text.empty() && text.back() == '=') text.pop_back();
  for (char& digit : text) digit = digit == '+' ? '-' : (digit == '/' ? '_' : digit);
  return from_base64url(text);
}

/// The shared secret in the one form it is given in; nothing when there is none.
std::optional<std::string> read_secret(const ConfigView& config) {
  config.only_keys("/secret", {"base64", "hex", "file"});
  if (config.count("/secret") == 0) return std::nullopt;
  if (config.count("/secret") != 1) throw ConfigView::wrong("/secret", "has one of base64, hex and file");
  if (const auto file = config.text("/secret/file")) return contents(config.resolve(*file));
  const auto hex = config.text("/secret/hex");
  auto bytes = hex ? from_hex(*hex) : from_base64(config.required_text("/secret/base64"));
  if (!bytes) throw ConfigView::wrong("/secret", std::string("is no ") + (hex ? "hexadecimal number" : "base64"));
  return bytes;
}

void add_key(KeySet& keys, std::optional<Key> key, const std::string& name, const std::string& error) {
  if (!key) throw Error(name + " " + error);
  keys.add(std::move(*key));
}

std::shared_ptr<KeyStore> read_keys(const ConfigView& config, KeyStore::Say warn) {
  KeySet fixed;
  std::string error;
  if (auto secret = read_secret(config)) {
    auto key = Key::from_secret(*secret, error);
    explicit_bzero(secret->data(), secret->size());
    add_key(fixed, std::move(key), "config: /secret", error);
  }
  for (const std::string& file : texts(config, "/public_key", kMaximumKeys)) {
    const std::string path = config.resolve(file);
    add_key(fixed, Key::from_pem(contents(path), error), path + ":", error);
  }
  const auto jwks = config.text("/jwks");
  if (fixed.size() == 0 && !jwks) throw ConfigView::wrong("", "has no key; give secret, public_key or jwks");
  const milliseconds check_every(config.number("/jwks_check_ms", 100, 86'400'000).value_or(10'000));
  return std::make_shared<KeyStore>(std::move(fixed), jwks ? config.resolve(*jwks) : std::string(), check_every,
                                    std::move(warn));
}

std::set<Algorithm> read_algorithms(const ConfigView& config) {
  std::set<Algorithm> algorithms;
  for (const std::string& name : texts(config, "/algorithms", 3)) {
    const auto known = algorithm_of(name);
    if (!known) throw ConfigView::wrong("/algorithms", "has " + name + "; known are HS256, RS256, ES256");
    algorithms.insert(*known);
  }
  if (algorithms.empty()) throw ConfigView::wrong("/algorithms", "is missing; write for example [ES256]");
  return algorithms;
}

std::optional<ClaimPath> read_path(const ConfigView& config, const std::string& name) {
  const auto text = config.text("/claims/" + name);
  return text && !text->empty() ? std::optional<ClaimPath>(*text) : std::nullopt;
}

std::vector<std::string> read_grant(const ConfigView& config, const std::string& pointer) {
  std::vector<std::string> filters = texts(config, pointer, 1024);
  for (const std::string& filter : filters) {
    if (const char* const problem = mortise::problem_of_pattern(filter))
      throw ConfigView::wrong(pointer, mortise::quoted(filter) + " " + problem);
  }
  return filters;
}

ClaimRules read_rules(const ConfigView& config) {
  config.only_keys("/claims", {"user_name", "namespace", "publish", "subscribe"});
  config.only_keys("/grant", {"publish", "subscribe"});
  ClaimRules rules;
  rules.leeway_s = static_cast<std::int64_t>(config.number("/leeway_s", 0, 3600).value_or(30));
  rules.needs_expiry = config.flag("/require_exp").value_or(true);
  rules.issuer = config.text("/issuer");
  rules.audiences = texts(config, "/audience", 64);
  const std::uint64_t required = config.count("/required");
  for (std::uint64_t i = 0; i < required; ++i) {
    const std::string claim = config.key("/required", i);
    std::string step;  // as a JSON Pointer writes it
    for (const char one : claim) step += one == '~' ? "~0" : (one == '/' ? "~1" : std::string(1, one));
    rules.required.push_back(
        {ClaimPath(claim), mortise::TextTemplate(config.required_text("/required/" + step), placeholder_names())});
  }
  rules.user_name = config.text("/claims/user_name") ? read_path(config, "user_name") : ClaimPath("sub");
  rules.name_space = read_path(config, "namespace");
  rules.publish = read_path(config, "publish");
  rules.subscribe = read_path(config, "subscribe");
  rules.most_filters = config.number("/max_filters", 1, 1024).value_or(64);
  rules.granted_publish = read_grant(config, "/grant/publish");
  rules.granted_subscribe = read_grant(config, "/grant/subscribe");
  return rules;
}

/// One of two words; nothing when the key is not there.
std::optional<bool> is_first(const ConfigView& config, const std::string& pointer, std::string_view first,
                             std::string_view second) {
  const auto word = config.text(pointer);
  if (!word) return std::nullopt;
  if (*word == first || *word == second) return *word == first;
  throw ConfigView::wrong(pointer, "must be " + std::string(first) + " or " + std::string(second) + ", not " + *word);
}

}  // namespace

std::shared_ptr<const Settings> Settings::read(const ConfigView& config, KeyStore::Say warn) {
  config.only_keys(
      "", {"token",       "not_a_token", "algorithms",      "secret",   "public_key", "jwks",       "jwks_check_ms",
           "leeway_s",    "require_exp", "issuer",          "audience", "required",   "claims",     "grant",
           "max_filters", "at_expiry",   "max_token_bytes", "threads",  "queue",      "timeout_ms", "cache_ms"});
  auto settings = std::make_shared<Settings>();
  if (is_first(config, "/token", "user_name", "password").value_or(false)) settings->place = Place::kUserName;
  settings->passes_on_others = is_first(config, "/not_a_token", "next", "deny").value_or(false);
  settings->algorithms = read_algorithms(config);
  settings->rules = read_rules(config);
  if (settings->place == Place::kUserName && !settings->rules.user_name)
    throw ConfigView::wrong("/claims/user_name", "must name a claim when the token is in the user name");
  settings->disconnects_at_expiry = is_first(config, "/at_expiry", "disconnect", "keep").value_or(true);
  settings->max_token = config.number("/max_token_bytes", 64, 65'535).value_or(8192);
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  settings->threads = config.number("/threads", 1, 64).value_or(std::max(1u, cores / 2));
  settings->queue = config.number("/queue", 1, 100'000).value_or(256);
  settings->timeout = milliseconds(config.number("/timeout_ms", 100, 600'000).value_or(10'000));
  settings->cache = milliseconds(config.number("/cache_ms", 0, 86'400'000).value_or(60'000));
  settings->keys = read_keys(config, std::move(warn));
  return settings;
}

}  // namespace auth_jwt
