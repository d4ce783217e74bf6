#include "rules.h"

#include <mortise/abi.h>

#include <mortise/text.hpp>
#include <mortise/topics.hpp>

namespace topic_affix {

namespace {

using mortise::quoted;

constexpr std::string_view kPlaceholders = "culn";

/// What is wrong with the placeholders and characters of one level; empty if nothing is.
std::string check_level(std::string_view level, std::size_t& placeholders) {
  for (std::size_t i = 0; i < level.size(); ++i) {
    const char character = level[i];
    if (character == '+' || character == '#' || character == '\0') return "a wildcard or NUL cannot stand in it";
    if (character != '%') continue;
    const char name = i + 1 < level.size() ? level[++i] : '\0';
    if (name == '%') continue;
    if (kPlaceholders.find(name) == std::string_view::npos || name == '\0') {
      return "known are %c client id, %u user name, %l listener, %n namespace, %% a percent sign";
    }
    ++placeholders;
  }
  return "";
}

/// Checks each level. `open_first`, `open_last`: a client's own topic continues the first or last level.
std::string check(const Template& given, bool open_first, bool open_last) {
  std::string_view rest = given.text;
  bool is_first = true;
  for (bool is_last = false; !is_last; is_first = false) {
    std::size_t placeholders = 0;
    const std::string wrong = check_level(mortise::detail::take_level(rest, is_last), placeholders);
    if (!wrong.empty()) return quoted(given.text) + ": " + wrong;
    if (placeholders > 1) {
      return quoted(given.text) + ": two values in one level cannot be told apart; put a / between them";
    }
    const bool is_open = (is_first && open_first) || (is_last && open_last);
    if (placeholders == 1 && is_open) {
      return quoted(given.text) + ": one client's value and topic could read like another's; put a / between them";
    }
  }
  if (given.text.size() > MORTISE_MAX_TOPIC_BYTES / 2) return "the text is longer than 32767 bytes";
  return "";
}

/// host:port of a listener's URL; of a Unix socket its path.
std::string_view address_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return url;
  const bool is_unix = url.substr(0, scheme) == "unix";
  url.remove_prefix(scheme + 3);
  return is_unix ? url : url.substr(0, url.find('/'));
}

std::optional<std::string_view> value_of(char placeholder, const ClientView& client) {
  switch (placeholder) {
    case 'c':
      return client.client_id;
    case 'u':
      return client.user_name;
    case 'l':
      return address_of(client.listener);
    default:
      return client.name_space;
  }
}

std::string name_of(char placeholder) {
  switch (placeholder) {
    case 'c':
      return "client id";
    case 'u':
      return "user name";
    case 'l':
      return "listener";
    default:
      return "namespace";
  }
}

/// True if the two characters at `at` are a level of their own.
bool fills_level(std::string_view text, std::size_t at) {
  return (at == 0 || text[at - 1] == '/') && (at + 2 == text.size() || text[at + 2] == '/');
}

/// The template with the client's values; nothing when one of them would break a level.
std::optional<std::string> fill_in(const Template& given, const ClientView& client, std::string& error) {
  const std::string_view text = given.text;
  std::string filled;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      filled += text[i];
      continue;
    }
    const char name = text[i + 1];
    const std::string_view value = name == '%' ? "%" : value_of(name, client).value_or("");
    const bool is_absent = name == 'u' && !client.user_name;
    const bool may_be_empty = !is_absent && !fills_level(text, i);
    const bool fits = mortise::fits_in_level(value) || (value.empty() && may_be_empty);
    if (!fits || (filled.empty() && !value.empty() && value.front() == '$')) {
      error = "the " + name_of(name) + (is_absent ? ", which is absent," : " " + quoted(value)) +
              " cannot stand in a topic where " + quoted(given.text) + " puts it";
      return std::nullopt;
    }
    filled += value;
    ++i;
  }
  return filled;
}

}  // namespace

bool Rule::concerns(const ClientView& client_view) const {
  if (listener && !mortise::matches_pattern(*listener, client_view.listener)) return false;
  if (client && !mortise::matches_pattern(*client, client_view.client_id)) return false;
  return !user || (client_view.user_name && mortise::matches_pattern(*user, *client_view.user_name));
}

std::uint64_t Affix::version() const {
  // FNV-1a over "<prefix>\0<suffix>\0<operations>"; neither part can contain a NUL.
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&hash](std::string_view bytes) {
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  };
  add(prefix);
  add(std::string_view("\0", 1));
  add(suffix);
  add(std::string_view("\0", 1));
  add(std::to_string(operations));
  return hash;
}

std::string check_prefix(const Template& prefix) {
  if (!prefix.text.empty() && prefix.text[0] == '$')
    return quoted(prefix.text) + ": a topic with $ is the broker's own";
  return check(prefix, false, true);
}

std::string check_suffix(const Template& suffix) { return check(suffix, true, false); }

std::optional<Affix> affix_for(const Rule& rule, const ClientView& client, std::string& error) {
  auto prefix = fill_in(rule.prefix, client, error);
  if (!prefix) return std::nullopt;
  auto suffix = fill_in(rule.suffix, client, error);
  if (!suffix) return std::nullopt;
  return Affix{*std::move(prefix), *std::move(suffix), rule.operations};
}

}  // namespace topic_affix
